package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kagiban/agent"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
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

// staleSockets know a server by other host keys than hosts.toml does now: it was set up anew, it may be. What is not in the list cannot be compared.
func staleSockets(x *patient) (found []say.Fields) {
	pages := book.Book{Path: x.home.Hosts()}
	for _, s := range x.agent.status.Sockets {
		var stale []string
		for _, h := range s.Hosts {
			page, err := pages.Find(h.Name)
			if err != nil {
				continue // damagedBook says so, or it is known by known_hosts alone
			}
			if keys, _ := keysOfPage(page); len(keys) > 0 && !slices.Equal(sorted(keys), sorted(slices.Clone(h.Keys))) {
				stale = append(stale, h.Name)
			}
		}
		if len(stale) > 0 && s.Error == "" {
			found = append(found, say.Fields{"name": s.Name, "hosts": strings.Join(stale, ", "), "fix": addCommand(s.Scope)})
		}
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
