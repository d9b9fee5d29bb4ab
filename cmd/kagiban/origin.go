package main

import (
	"os"
	"path/filepath"
	"strings"

	"kagiban/agent"
	"kagiban/agent/door"
)

// originOf says by what a program was started, and of git in which repository it works. A process id that another program has meanwhile
// tells nothing.
func originOf(p agent.Peer, u agent.Use) (o agent.Origin) {
	chain := door.Chain(p.PID)
	if len(chain) == 0 || chain[0].Program != p.Program || chain[0].UID != p.UID {
		return o
	}
	var parents []string
	for _, c := range chain[1:] {
		parents = append(parents, c.Program)
	}
	o.Parents = strings.Join(parents, "\n")
	if u.Purpose == agent.UseFile && u.Namespace == "git" && !u.Forwarded { // else it forwards, and works anywhere
		o.Repository = repositoryOf(door.WorkDir(p.PID))
	}
	return o
}

// repositoryOf is the folder of the repository that a folder belongs to, or "": git itself looks for .git from there upwards.
func repositoryOf(folder string) string {
	for filepath.IsAbs(folder) {
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			return folder
		}
		up := filepath.Dir(folder)
		if up == folder {
			break
		}
		folder = up
	}
	return ""
}
