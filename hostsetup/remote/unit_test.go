package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit: a user may call a part of what is theirs ssh.service, and must not have the owner stop their own sshd for it.
func TestUnit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cgroup")
	for text, want := range map[string]string{
		"0::/system.slice/ssh.service\n":                                              "ssh.service",
		"12:pids:/x\n1:name=systemd:/system.slice/ssh.service\n0::/x\n":               "ssh.service",
		"0::/system.slice/system-sshd.slice/sshd@1.service\n":                         "sshd@1.service",
		"0::/system.slice/theirs.service/ssh.service\n":                               "theirs.service",
		"0::/user.slice/user-1001.slice/user@1001.service/ssh.service\n":              "",
		"0::/user.slice/user-1001.slice/user@1001.service/system.slice/ssh.service\n": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, sh := range shells(t) {
			if got := strings.TrimSpace(functions(t, sh, source("unit")+"unit "+Quote(file)+"\n")); got != want {
				t.Errorf("%v: %q: %q, want %q", sh, text, got, want)
			}
		}
	}
}
