package home

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxSocketPath is the longest name of a pipe (CreateNamedPipe).
const maxSocketPath = 256

// socket names a pipe of this home alone: pipes share one name space between all
// users, so the name holds a hash of the folder. Who may open it is the door's work.
func (h Home) socket(name string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(h.run)))
	return `\\.\pipe\kagiban-` + name + "-" + hex.EncodeToString(sum[:8])
}

func (h Home) narrowDir(string) string { return "" }

func (h Home) narrowSocket(name string) string { return h.socket("narrow-" + name) }
