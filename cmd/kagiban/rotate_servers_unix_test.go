//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kagiban/hostsetup/book"
	"kagiban/scripts/vpstest"
)

// TestRotate: two servers, one of which is down. The new key takes the old one's place on the first; the other is caught up later. What the old key
// opens besides is named before anything is done, no other line is touched, and the agent serves the new key.
func TestRotate(t *testing.T) {
	hosts, c := vpstest.Many(t, []string{"", ""}), newClient(t)
	one, two := hosts[0], hosts[1]
	rotator(c)
	other := c.letIn(one)
	one.Exec("printf '# a comment\\nfrom=\"127.0.0.1\" %s' \"$(sed 's/ [^ ]*$/ no end/' /home/owner/.ssh/authorized_keys)\" >>/home/owner/.ssh/authorized_keys")
	lines := one.Exec("cat /home/owner/.ssh/authorized_keys") + "\n"
	addBoth(c, one, two)
	old := c.plain("laptop", c.passphrase)
	known := filepath.Join(filepath.Dir(c.home), "known_hosts")
	c.write(known, read(t, known)+"\ngit.example.com "+strings.Join(strings.Fields(read(t, filepath.Join(c.home, "keys", "laptop.pub")))[:2], " ")+"\n")
	c.kagiban("key", "tie", "laptop", "git.example.com", "-F", c.config)
	c.startAgent()
	c.kagiban("unlock", "laptop", "--passphrase-file", c.passphrase)

	one.Exec("mkdir -p -m 700 /root/.ssh; cp /home/owner/.ssh/authorized_keys /root/.ssh/")

	two.Exec("systemctl stop ssh")
	fresh := c.secretFile("staple battery")
	_, stderr, code := c.kagiban(c.rotate(one, fresh)...)
	if code != 1 || !regexp.MustCompile(`(?s)^this computer knows.*\n  git\.example\.com\n.*\nkagiban: vps2: `).MatchString(stderr) || strings.Contains(stderr, "\n  "+one.Addr) {
		t.Errorf("exit %d", code)
	}
	if out, _, _ := c.kagiban("host", "list"); !regexp.MustCompile(`(?m)^vps1 .* key-only +laptop .*\nvps2 .* key-only +laptop-old-[0-9]+ `).MatchString(out) {
		t.Errorf("the book: %s", out)
	}
	if out, _, _ := c.kagiban("status"); !regexp.MustCompile(`(?m)^owed vps2 +laptop is to take the place of SHA256:`).MatchString(out) || !regexp.MustCompile(`(?m)^next +kagiban rotate$`).MatchString(out) {
		t.Errorf("status: %s", out)
	}
	if !strings.Contains(stderr, "vps1: the old key opens root@vps1, too") || !c.opens(one.AsRoot(), old) {
		t.Error("root's account was touched, or forgotten")
	}
	line := read(t, filepath.Join(c.home, "keys", "laptop.pub"))
	if got := one.Exec("cat /home/owner/.ssh/authorized_keys"); got != lines+line+"\n" {
		t.Errorf("authorized_keys:\n%swant\n%s%s", got, lines, line)
	}
	c.wantTied("laptop: git.example.com vps1, laptop-old: git.example.com vps2")
	two.Exec("systemctl start ssh")
	young := c.plain("laptop", fresh)
	for _, s := range []struct {
		h    *vpstest.Host
		key  string
		want bool
	}{{one, old, false}, {one, young, true}, {one, other, true}, {two, old, true}, {two, young, false}} {
		if c.opens(s.h, s.key) != s.want {
			t.Errorf("%s opens %s: %v", s.key, s.h.Name, !s.want)
		}
	}
	c.byAgent(one)

	before := one.Snapshot()
	stdout, _, code := c.kagiban(append(c.rotate(two, fresh), "laptop")...)
	if code != 0 || stdout != "vps2: opened by the new laptop, and the old key is refused; both were seen\n" {
		t.Errorf("the second run: exit %d", code)
	}
	c.wantTied("laptop: git.example.com vps1 vps2, laptop-old: git.example.com")
	if c.opens(two, old) || !c.opens(two, young) {
		t.Error("the second server was not caught up")
	}
	if one.Snapshot() != before {
		t.Error("the first server was touched again")
	}
	checkBook(t, c, "laptop")
	c.byAgent(two)
	if _, _, code := c.kagiban("host", "check", "-F", c.config, "--sudo-password-file", one.PasswordFile, "vps1"); code != 0 {
		t.Errorf("check: exit %d", code)
	}
	names, err := filepath.Glob(filepath.Join(c.home, "keys", "laptop-old-*.age"))
	if err != nil || len(names) != 1 {
		t.Fatalf("the old key is kept as %q, %v", names, err)
	}
	if _, _, code := c.kagiban("key", "remove", strings.TrimSuffix(filepath.Base(names[0]), ".age"), "--yes"); code != 0 {
		t.Errorf("nothing needs the old key, and it is not removed: exit %d", code)
	}
}

// TestRotateUnproved: where the new key does not open the server the old one stays, whatever the reason, and the same again mends it.
func TestRotateUnproved(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	rotator(c)
	addBoth(c, h)
	old := c.plain("laptop", c.passphrase)
	h.Exec(`mkdir /etc/ssh/keys; cp /home/owner/.ssh/authorized_keys /etc/ssh/keys/owner; chmod -R a+rX /etc/ssh/keys; echo 'AuthorizedKeysFile /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/10-keys.conf; ` + vpstest.Reload)
	c.until(30*time.Second, "elsewhere", func() string {
		h.Exec("mv /home/owner/.ssh/authorized_keys /home/owner/.ssh/aside")
		defer h.Exec("mv /home/owner/.ssh/aside /home/owner/.ssh/authorized_keys")
		return map[bool]string{true: "elsewhere"}[c.opens(h, old)]
	})
	fresh := c.secretFile("staple battery")
	_, stderr, code := c.kagiban(c.rotate(h, fresh)...)
	if code != 1 || !strings.Contains(stderr, "still true: the old key opens it as before") || !c.opens(h, old) {
		t.Errorf("exit %d", code)
	}
	h.Exec("rm /etc/ssh/sshd_config.d/10-keys.conf; " + vpstest.Reload)
	young := c.plain("laptop", fresh)
	c.until(30*time.Second, "home", func() string { return map[bool]string{true: "home"}[c.opens(h, young)] })
	if _, _, code := c.kagiban(c.rotate(h, fresh)...); code != 0 || c.opens(h, old) {
		t.Errorf("the same again: exit %d", code)
	}
}

// TestRotateTwoAccounts: the book has one server twice, for its owner and for root, with the same key. Each account keeps a way in at any moment; a third
// one, which the book does not know, is let alone; and what binds an old line binds the new one.
func TestRotateTwoAccounts(t *testing.T) {
	h, c := vpstest.Up(t, "", "root=yes"), newClient(t)
	rotator(c)
	addBoth(c, h)
	h.Exec(`mkdir -p -m 700 /root/.ssh; cp /home/owner/.ssh/authorized_keys /root/.ssh/; chown -R root: /root/.ssh`)
	args := c.add(h.AsRoot())
	args[4] = "vps2"
	c.must(args...)
	const third = "/home/third/.ssh/authorized_keys"
	h.Exec("useradd -m -s /bin/sh third; mkdir -m 700 /home/third/.ssh; cp /home/owner/.ssh/authorized_keys " + third + "; chown -R third: /home/third/.ssh")
	let := h.Exec("cat " + third)
	h.Exec(`sed -i 's/^/from="*,!192.0.2.1",no-x11-forwarding /' /home/owner/.ssh/authorized_keys`)
	_, stderr, code := c.kagiban(c.rotate(h, c.secretFile("staple battery"))...)
	if code != 0 || strings.Contains(stderr, "root@vps1, too") {
		t.Errorf("exit %d", code)
	}
	line := read(t, filepath.Join(c.home, "keys", "laptop.pub")) + "\n"
	for file, want := range map[string]string{"/home/owner/.ssh/authorized_keys": `from="*,!192.0.2.1",no-x11-forwarding ` + line, "/root/.ssh/authorized_keys": line, third: let} {
		if got := h.Exec("cat " + file); got != want {
			t.Errorf("%s: %swant %s", file, got, want)
		}
	}
	checkBook(t, c, "laptop")
}

// rotator names the client, so that its key is the default.
func rotator(c *client) { c.write(filepath.Join(c.home, "config.toml"), "client = 'laptop'\n") }

// addBoth makes servers key-only, as vps1, vps2...
func addBoth(c *client, hosts ...*vpstest.Host) {
	c.t.Helper()
	for i, h := range hosts {
		args := c.add(h)
		for j, arg := range args {
			if arg == "vps1" {
				args[j] = "vps" + string(rune('1'+i))
			}
		}
		c.must(args...)
	}
}

// wantTied: the keys that are tied to servers, without the dates in their names.
func (c *client) wantTied(want string) {
	c.t.Helper()
	out, _, _ := c.kagiban("key", "list", "--json")
	var list struct{ Keys []keyRow }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		c.t.Fatal(err)
	}
	var tied []string
	for _, k := range list.Keys {
		if len(k.Tied) > 0 {
			tied = append(tied, replaced.ReplaceAllString(k.Name, "-old")+": "+strings.Join(k.Tied, " "))
		}
	}
	if got := strings.Join(tied, ", "); got != want {
		c.t.Errorf("tied are %s; want %s", got, want)
	}
}

// rotate are the arguments of a rotate that asks nothing.
func (c *client) rotate(h *vpstest.Host, fresh string) []string {
	return []string{"rotate", "-F", c.config, "--yes", "--passphrase-file", c.passphrase, "--new-passphrase-file", fresh, "--sudo-password-file", h.PasswordFile}
}

// plain is a key of the vault as ssh takes it, without a passphrase.
func (c *client) plain(key, passphrase string) string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "key")
	for _, args := range [][]string{
		{builtBinary(c.t), "key", "export", key, "-o", file, "--passphrase-file", passphrase, "--new-passphrase-file", c.passphrase},
		{"ssh-keygen", "-q", "-p", "-P", "correct horse", "-N", "", "-f", file},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "KAGIBAN_HOME="+c.home)
		if out, err := cmd.CombinedOutput(); err != nil {
			c.t.Fatalf("%v: %s", err, out)
		}
	}
	return file
}

// byAgent: ssh logs in by the agent, with the key that is called laptop now.
func (c *client) byAgent(h *vpstest.Host) {
	c.t.Helper()
	out, err := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "IdentityAgent="+filepath.Join(c.home, "run", "agent.sock"), "-o", "IdentitiesOnly=yes",
		"-i", filepath.Join(c.home, "keys", "laptop.pub"), "-l", h.User, "--", h.Addr, "echo opened").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "opened\n") {
		c.t.Errorf("by the agent: %v: %s", err, out)
	}
}

// checkBook: every server is key-only and opened by that key, which was proved; and nothing is owed.
func checkBook(t *testing.T, c *client, key string) {
	t.Helper()
	b := book.Book{Path: filepath.Join(c.home, "hosts.toml")}
	hosts, err := b.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	out, _, _ := c.kagiban("key", "show", key, "--fingerprint")
	for _, h := range hosts {
		if now := strings.TrimSpace(out); h.Key != key || h.Fingerprint != now || !h.KeyOnly || !strings.Contains(strings.Join(h.Proved, " "), now) {
			t.Errorf("the book has %+v", h)
		}
	}
	if owed, err := b.Owed(); err != nil || len(owed) > 0 {
		t.Errorf("still owed: %+v, %v", owed, err)
	}
}
