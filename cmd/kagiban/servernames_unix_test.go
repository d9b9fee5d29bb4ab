//go:build unix

package main

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"kagiban/scripts/ground"
)

// TestServerNamesWaitForNobody: a pipe that ssh's configuration names keeps no login from the others.
func TestServerNamesWaitForNobody(t *testing.T) {
	folder, git := t.TempDir(), ground.Signer(t)
	pipe := filepath.Join(folder, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	lay(t, filepath.Join(folder, ".ssh", "config"), "Include "+pipe+"\nHost x\n\tUserKnownHostsFile "+pipe+"\n")
	lay(t, filepath.Join(folder, ".ssh", "known_hosts"), "git "+lineOf(git))
	_, hosts, _ := sshFiles(folder)
	k := newKnownServers()
	k.read(hosts)
	if keys, _ := k.count("git"); keys != 1 {
		t.Errorf("%d host keys in %q", keys, hosts)
	}
}
