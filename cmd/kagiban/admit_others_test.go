package main

import (
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// TestAdmitElsewhere: an SSH server that is not OpenSSH's lets a guest's key and a recovery key in as well. tinyssh says yes to
// every key until it sees a signature, and gives each connection one command; dropbear ends a connection with its last command.
func TestAdmitElsewhere(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct{ hook, first, then string }{
		"dropbear": {"mkdir -p /etc/dropbear\n" + unit("db", "/usr/sbin/dropbear -F -E -R"), "now; nobody has logged in with it yet", "already; nothing was changed"},
		"tinyssh":  {tinyssh, "whether it takes the key shows when its owner logs in", "whether it takes the key shows when its owner logs in"},
	} {
		t.Run(name, func(t *testing.T) {
			h, c := vpstest.Up(t, noSSHD+s.hook), newClient(t)
			c.must(c.add(h, "-i", c.letIn(h), "--no-enforce")...)
			guest := newIdentity(t).file + ".pub"
			for _, says := range []string{s.first, s.then} {
				if out, _, code := c.kagiban(c.admit(guest, "--yes")...); code != 0 || !strings.Contains(out, says) {
					t.Errorf("host admit: exit %d, %q", code, out)
				}
			}
			if lines := h.Exec("grep -c . " + keysFile); lines != "3\n" {
				t.Errorf("%s lines", lines)
			}
			out, _, code := c.kagiban("key", "recovery", "vps1", "-o", filepath.Join(t.TempDir(), "recovery"), "-F", c.config, "--passphrase-file", c.passphrase, "--new-passphrase-file", c.passphrase)
			if code != 0 || !strings.Contains(out, "the recovery key is in, and opens it") {
				t.Errorf("key recovery: exit %d, %q", code, out)
			}
		})
	}
}
