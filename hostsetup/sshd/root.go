package sshd

import "strings"

// noRoot is what --no-root adds to our settings: root gets in by nothing (sshd_config(5)). It is set for nobody who did not ask for it.
const noRoot = "PermitRootLogin no\n"

// Ours is the text of our settings, in the drop-in or in the block; shut if root is to get in by nothing.
func Ours(block, shut bool) string {
	switch {
	case block && shut:
		return strings.TrimSuffix(Block, blockEnd+"\n") + noRoot + blockEnd + "\n"
	case block:
		return Block
	case shut:
		return DropIn + noRoot
	}
	return DropIn
}

// ShutsRoot tells whether a drop-in or block of ours was written with --no-root.
func ShutsRoot(ours string) bool { return strings.Contains("\n"+ours, "\n"+noRoot) }

// RootShut tells whether root gets in by nothing, as far as these settings are root's.
func (e Effective) RootShut() bool { return e.is("permitrootlogin", "no") }

// RootDoors returns what would let root in although our settings shut it out.
func RootDoors(files []File) []Door {
	return stronger(files, func(l Line) bool { return l.Keyword == "permitrootlogin" && !strings.EqualFold(l.Value, "no") })
}
