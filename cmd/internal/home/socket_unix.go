//go:build unix

package home

import (
	"path/filepath"
	"syscall"
)

// maxSocketPath is sun_path less its closing zero byte: 107 bytes on Linux, 103
// on macOS and the BSDs (unix(7), unix(4)).
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

func (h Home) socket(name string) string { return filepath.Join(h.run, name+".sock") }

func (h Home) narrowDir(name string) string { return filepath.Join(h.run, "narrow", name) }

func (h Home) narrowSocket(name string) string { return filepath.Join(h.narrowDir(name), "agent.sock") }
