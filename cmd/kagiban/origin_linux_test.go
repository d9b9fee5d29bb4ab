package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/scripts/ground"
)

// TestOriginOf: by what a program was started, and in which repository it works; nothing of another program that has the number now.
func TestOriginOf(t *testing.T) {
	repository, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(repository, "a", "b")
	for _, folder := range []string{below, filepath.Join(repository, ".git")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("cat")
	cmd.Dir = below
	ground.Stay(t, cmd)
	var here agent.Peer
	ground.Until(t, "cat runs", func() bool { // before, it is still this program
		chain := door.Chain(cmd.Process.Pid)
		here = agent.Peer(chain[0])
		return filepath.Base(here.Program) != filepath.Base(os.Args[0])
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	git := agent.Use{Purpose: agent.UseFile, Namespace: "git"}
	if o := originOf(here, git); o.Repository != repository || strings.Split(o.Parents, "\n")[0] != self {
		t.Errorf("%+v", o)
	}
	forwarded := git
	forwarded.Forwarded = true
	for what, use := range map[string]agent.Use{"forwarded": forwarded, "a file": {Purpose: agent.UseFile, Namespace: "file"}, "a login": {Purpose: agent.UseLogin, Namespace: "git"}} {
		if o := originOf(here, use); o.Repository != "" || o.Parents == "" {
			t.Errorf("%s: %+v", what, o)
		}
	}
	other, stranger := here, here
	other.Program += "2"
	stranger.UID += "1"
	for what, peer := range map[string]agent.Peer{"another program": other, "another user's": stranger, "nobody": {}} {
		if o := originOf(peer, git); o != (agent.Origin{}) {
			t.Errorf("%s: %+v", what, o)
		}
	}
	if got := repositoryOf(t.TempDir()); got != "" {
		t.Errorf("a folder that is none: %q", got)
	}
	if got := repositoryOf(""); got != "" {
		t.Errorf("no folder: %q", got)
	}
}
