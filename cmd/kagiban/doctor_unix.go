//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// ownerOf is the uid of a file's owner.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}
