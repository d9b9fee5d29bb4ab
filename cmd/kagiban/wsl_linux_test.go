package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestWSL runs the lines that docs/on-windows.md has for a ~/.profile in WSL2, twice as two logins do: real ssh-add finds the agent, and
// the second login makes no second bridge.
func TestWSL(t *testing.T) {
	lines := block(t, "on-windows.md", "WSL2")
	home := lockedHomeAt(t)
	stubs := filepath.Join(home, "stubs")
	// Whoever ends the test has to end the bridge: it is known by its number.
	const setsid = "#!/bin/sh\nshift\n\"$@\" &\necho $! >>\"$HOME/bridges\"\n"
	if err := os.Mkdir(stubs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stubs, "setsid"), []byte(setsid), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(builtBinary(t), filepath.Join(stubs, "kagiban.exe")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		bridges, _ := os.ReadFile(filepath.Join(home, "bridges"))
		for number := range strings.FieldsSeq(string(bridges)) {
			if pid, err := strconv.Atoi(number); err == nil {
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
	})
	shell := exec.Command("sh", "-c", "set -u\nkagiban.exe agent start\nkagiban.exe unlock laptop --passphrase-file passphrase\n"+lines+
		"n=0; until ssh-add -l; do n=$((n + 1)); [ $n -lt 1000 ] || exit 1; sleep 0.01; done\n"+lines+
		"ssh-add -T keys/laptop.pub && echo signed\nkagiban.exe agent stop\n")
	if err := os.WriteFile(filepath.Join(home, "passphrase"), []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shell.Dir = home
	shell.Env = append(os.Environ(), "PATH="+stubs+":"+os.Getenv("PATH"), "HOME="+home, "KAGIBAN_HOME="+home, "SSH_AUTH_SOCK=", "SSH_ASKPASS_REQUIRE=never")
	detach(shell)
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "me@laptop") || !strings.Contains(string(out), "\nsigned\n") {
		t.Errorf("%v: %s", err, out)
	}
	if bridges, err := os.ReadFile(filepath.Join(home, "bridges")); err != nil || strings.Count(string(bridges), "\n") != 1 {
		t.Errorf("two logins made these bridges: %q, %v", bridges, err)
	}
}
