package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kagiban/agent"
	"kagiban/cmd/internal/say"
)

// shutSockets: what was said once more opens a narrower socket anew, once nothing is in its way.
func shutSockets(x *patient) (found []say.Fields) {
	for _, s := range x.agent.status.Sockets {
		if s.Error == "" {
			continue
		}
		fix := addCommand(s.Scope)
		if info, err := os.Lstat(s.Path); err == nil && x.home.NarrowDir(s.Name) != "" && info.Mode().Type() != fs.ModeSocket {
			fix = say.Renaming(s.Path, s.Path+".aside") + " && " + fix
		}
		found = append(found, say.Fields{"name": s.Name, "error": s.Error, "fix": fix})
	}
	return found
}

// addCommand is how a narrower socket was made.
func addCommand(s agent.Scope) string {
	words := []string{"kagiban agent socket add", say.Quote(s.Name)}
	list := func(flag string, values []string) {
		if len(values) > 0 {
			words = append(words, flag, say.Quote(strings.Join(values, ",")))
		}
	}
	list("--keys", s.Keys)
	list("--purpose", s.Purposes)
	list("--host", hostTexts(s.Hosts))
	if s.Confirm {
		words = append(words, "--confirm")
	}
	return strings.Join(words, " ")
}

// socketFolders are those of the narrower sockets.
func (x *patient) socketFolders() (all []string) {
	for _, s := range x.agent.status.Sockets {
		if dir := x.home.NarrowDir(s.Name); dir != "" {
			all = append(all, filepath.Dir(dir), dir)
		}
	}
	return all
}
