package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

func sshdFiles(h *vpstest.Host) string {
	return h.Exec("cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* 2>/dev/null || true")
}

// TestHostKeyChanged: another server answers. Nothing secret is sent, whatever flags are given.
func TestHostKeyChanged(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	c.must(c.add(h, "--no-enforce")...)
	h.Exec("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")
	_, stderr, code := c.kagiban(c.add(h)...)
	if code != 1 || !strings.Contains(stderr, "known_hosts:1 has another") || !strings.Contains(stderr, "nothing secret was sent") {
		t.Errorf("exit %d", code)
	}
	if log := h.Exec("journalctl -u ssh --no-pager -o cat | tail -n 3"); strings.Contains(log, "Accepted") {
		t.Errorf("a login after the change: %s", log)
	}
	// The line is out of known_hosts, as that message says. The book has the old key still, and it is said what mends that.
	if err := os.Remove(filepath.Join(filepath.Dir(c.home), "known_hosts")); err != nil {
		t.Fatal(err)
	}
	_, stderr, _ = c.kagiban(c.check(h)...)
	pin := regexp.MustCompile(`next: kagiban host add vps1 --host-key (SHA256:\S+)`).FindStringSubmatch(stderr)
	if pin == nil || strings.Contains(stderr, "ssh-keygen -f") {
		t.Fatal("no way out is named")
	}
	if _, stderr, code := c.kagiban(c.add(h, "--accept-new")...); code != 1 || !strings.Contains(stderr, pin[0]) {
		t.Errorf("--accept-new takes another key than the book has: exit %d", code)
	}
	c.must("host", "add", "vps1", "--host-key", pin[1], "-F", c.config, "--key", "laptop", "--passphrase-file", c.passphrase, "--no-enforce", "--yes")
	if _, stderr, _ = c.kagiban(c.check(h)...); strings.Contains(stderr, "host key of") {
		t.Error("the book has the old key still")
	}
}

// TestPasswordsThatFail: each way in which a password is not to be had ends at once, with its own sentence.
func TestPasswordsThatFail(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	wrong := filepath.Join(t.TempDir(), "wrong")
	c.write(wrong, "not it\n")
	before := h.Snapshot()
	for _, s := range []struct {
		file, says string
		code       int
	}{
		{wrong, "was not taken for owner@vps1", 1},
		{wrong + ".none", "no such file", 1},
		{"", "cannot be asked for here", 5},
	} {
		args := c.add(h)
		at := slices.Index(args, h.PasswordFile)
		if args[at] = s.file; s.file == "" {
			args = slices.Delete(args, at-1, at+1)
		}
		if _, stderr, code := c.kagiban(args...); code != s.code || !strings.Contains(stderr, s.says) || strings.Contains(stderr, "that was not it") {
			t.Errorf("%q: exit %d, want %d and %q", s.file, code, s.code, s.says)
		}
	}
	if h.Snapshot() != before {
		t.Error("something was changed")
	}
}

// TestHostCheckAndUndo: the way back, proved from outside.
func TestHostCheckAndUndo(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	before := sshdFiles(h)
	const ssh = "  next: kagiban host export ssh-config -o FILE "
	if _, stderr, code := c.kagiban(c.add(h)...); code != 0 || strings.Count(stderr, ssh) != 1 {
		t.Fatalf("add: exit %d, or it is not said how ssh knows vps1", code)
	}
	if _, stderr, code := c.kagiban(c.add(h)...); code != 0 || strings.Contains(stderr, ssh) {
		t.Errorf("add, again: exit %d, or what is known is said again", code)
	}
	if out, _, code := c.kagiban(c.check(h, "--json")...); code != 0 || !strings.Contains(out, `"key_only":true,"methods":["publickey"],"problems":[]`) {
		t.Errorf("check: exit %d, %s", code, out)
	}
	if out, _, code := c.kagiban(c.add(h, "--no-enforce")...); code != 0 || !strings.Contains(out, "nothing typed was offered before") {
		t.Errorf("--no-enforce afterwards: exit %d, %s", code, out)
	}
	if out, _, _ := c.kagiban("host", "list"); !strings.Contains(out, "key-only") {
		t.Errorf("list: %s", out)
	}
	// As if an earlier undo had been cut short half-way.
	h.Exec("mv /etc/ssh/sshd_config.d/00-kagiban.conf /etc/ssh/sshd_config.d/00-kagiban.conf.kept")
	if _, _, code := c.kagiban("host", "undo", "vps1", "-F", c.config, "--yes", "--passphrase-file", c.passphrase, "--password-file", h.PasswordFile); code != 0 {
		t.Errorf("undo: exit %d", code)
	}
	if offers := c.offered(h.User, h.Addr); offers != passwords {
		t.Errorf("after undo: %q", offers)
	}
	if after := sshdFiles(h); after != before {
		t.Errorf("after undo sshd's files differ:\n%s", after)
	}
	if out, _, code := c.kagiban(c.check(h)...); code != 4 || !strings.Contains(out, "NOT key-only") {
		t.Errorf("check: exit %d, %s", code, out)
	}
	if out, _, code := c.kagiban("host", "list"); code != 0 || !strings.Contains(out, "passwords on") {
		t.Errorf("list: exit %d, %s", code, out)
	}
	if _, _, code := c.kagiban("host", "remove", "vps1"); code != 0 {
		t.Errorf("remove: exit %d", code)
	}
}
