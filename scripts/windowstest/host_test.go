//go:build wine

package windowstest

import (
	"os/exec"
	"regexp"
	"testing"

	"kagiban/scripts/vpstest"
)

var denied = regexp.MustCompile(`Permission denied \(([a-z,-]*)\)`)

// TestHostAdd: kagiban.exe makes a server key-only, sees that it stays so, and plink goes in by that key.
func TestHostAdd(t *testing.T) {
	h := vpstest.Up(t, "")
	c := newComputer(t)
	password := c.put("password", h.Password()+"\r\n")
	c.must("init", "--client", "laptop", "--passphrase-file", c.passphrase)
	t.Log(c.must("host", "add", h.User+"@"+h.Addr, "--name", "vps1", "--passphrase-file", c.passphrase, "--password-file", password, "--accept-new", "--yes"))
	out, err := exec.Command("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "PreferredAuthentications=none", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-l", h.User, "--", h.Addr, "true").CombinedOutput()
	if m := denied.FindSubmatch(out); m == nil || string(m[1]) != "publickey" {
		t.Errorf("the server offers otherwise: %v, %s", err, out)
	}
	t.Log(c.must("host", "check", "--passphrase-file", c.passphrase, "--sudo-password-file", password))
	c.agent("putty-pipe")
	c.must("unlock", "laptop", "--passphrase-file", c.passphrase)
	if out, talk, code := c.run("plink", append(logins(h), h.User+"@"+h.Addr, "echo in")...); code != 0 || out != "in\n" {
		t.Errorf("plink: exit %d, %q\n%s", code, out, talk)
	}
}
