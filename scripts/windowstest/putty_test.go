//go:build wine

package windowstest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

var kinds = []string{"ed25519", "ecdsa", "rsa"}

// logins are the options of PuTTY's tools for a server: its host keys are known, and nothing is asked.
func logins(h *vpstest.Host) []string {
	args := []string{"-batch", "-agent", "-P", h.Port}
	for _, line := range strings.Split(strings.TrimSpace(h.Exec("for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done")), "\n") {
		args = append(args, "-hostkey", strings.Fields(line)[1])
	}
	return args
}

// opens makes a key the only one that the server takes.
func opens(h *vpstest.Host, line string) {
	h.Exec("install -d -m 700 -o " + h.User + " /home/" + h.User + "/.ssh && echo '" + line + "' >/home/" + h.User + "/.ssh/authorized_keys")
}

// TestPuTTY: plink, pscp and psftp log in with keys that kagiban.exe alone holds, by both doors that PuTTY knows.
func TestPuTTY(t *testing.T) {
	h := vpstest.Up(t, "")
	args := logins(h)
	t.Run("pipe", func(t *testing.T) {
		c := newComputer(t)
		asked := c.hold()
		c.agent("putty-pipe")
		c.everyTool(h.For(t), args)
		if n := asked(); n > 0 {
			t.Errorf("%d requests came to the window", n)
		}
	})
	t.Run("window", func(t *testing.T) {
		c := newComputer(t)
		c.agent("pageant-window")
		c.env = append(c.env, "USER=somebody") // so wine names the user of a program: there is no pipe of that user's
		c.everyTool(h.For(t), args)
	})
	t.Run("no agent", func(t *testing.T) { // what the others show is not that everybody gets in
		c := newComputer(t)
		if out, talk, code := c.run("plink", append(args, h.User+"@"+h.Addr, "echo in")...); code == 0 {
			t.Errorf("plink was let in without a key: %s%s", out, talk)
		}
	})
}

// everyTool uses plink with each kind of key, and the others with the last.
func (c *computer) everyTool(h *vpstest.Host, options []string) {
	c.t.Helper()
	at := h.User + "@" + h.Addr
	with := func(more ...string) []string { return append(options[:len(options):len(options)], more...) }
	for _, kind := range kinds {
		opens(h, c.key(kind))
		if out, talk, code := c.run("plink", with(at, "echo in by $USER")...); code != 0 || out != "in by "+h.User+"\n" {
			c.t.Errorf("plink with %s: exit %d, %q\n%s", kind, code, out, talk)
		}
		c.must("lock")
		if out, _, code := c.run("plink", with(at, "echo in")...); code == 0 {
			c.t.Errorf("plink is let in by %s when it is locked: %q", kind, out)
		}
		c.must("unlock", kind, "--passphrase-file", c.passphrase)
	}
	for _, kind := range kinds { // with the account, and without the server: PuTTY's tools do not tell it
		if out := c.must("log", "--key", kind); !strings.Contains(out, "allowed  ") || !strings.Contains(out, "refused  ") || !strings.Contains(out, `login to ? as "`+h.User+`", `) {
			c.t.Errorf("the log of %s: %q", kind, out)
		}
	}
	want := strings.Repeat("all of it\n", 20000)
	file := c.put("file", want)
	if out, talk, code := c.run("pscp", with("-sftp", file, at+":by-pscp")...); code != 0 {
		c.t.Errorf("pscp: exit %d, %s%s", code, out, talk)
	}
	script := c.put("script", "put "+filepath.Base(filepath.Join(c.folder, "file"))+" by-psftp\r\nget by-pscp back\r\n")
	if out, talk, code := c.run("psftp", with("-b", script, at)...); code != 0 {
		c.t.Errorf("psftp: exit %d, %s%s", code, out, talk)
	}
	back, err := os.ReadFile(filepath.Join(c.folder, "back"))
	if err != nil || string(back) != want || h.Exec("cat /home/"+h.User+"/by-psftp") != want {
		c.t.Errorf("what was copied is not what came: %d bytes, %v", len(back), err)
	}
	h.Exec("rm -f /home/" + h.User + "/by-*")
}

// TestOldProgram: one that knows the window alone, in as little memory as PuTTY before 0.71 had, lists and signs.
func TestOldProgram(t *testing.T) {
	c := newComputer(t)
	c.agent("pageant-window")
	for _, kind := range kinds {
		c.key(kind)
	}
	for _, size := range []string{"262144", "8192"} {
		c.signs(c.command("door", "ask", size), kinds...)
	}
}

// TestWrongRequests: none of them gets a list, and the window answers after each.
func TestWrongRequests(t *testing.T) {
	c := newComputer(t)
	c.agent("pageant-window")
	const list, failure, untouched = "type 12", "type 5", "result 0"
	for _, s := range []struct{ how, want string }{
		{"right", list},
		{"huge", failure}, {"zero", failure}, {"beyond", failure},
		{"id", untouched}, {"unended", untouched}, {"nowhere", untouched},
		{"right", list},
	} {
		out, talk, code := c.run("door", "wrong", s.how)
		if code != 0 || !strings.Contains(out, s.want) {
			t.Errorf("%s: exit %d, %q, want %s\n%s", s.how, code, out, s.want, talk)
		}
	}
}
