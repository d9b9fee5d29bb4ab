//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// site is a server on which things go wrong, and a client of it. Somebody else's key opens the server already; their line ends without
// a newline.
type site struct {
	t       *testing.T
	h       *vpstest.Host
	c       *client
	key     string // this client's key, for ssh
	theirs  string // the other one
	line    string // this client's line in authorized_keys
	keys    string // authorized_keys before any run
	before  string // all else that must not change
	askpass string
	relay   *relay // between the client and the server
}

// newSite starts a server for t.
func newSite(t *testing.T, hook string, options ...string) *site {
	t.Helper()
	folder := t.TempDir()
	x := &site{theirs: filepath.Join(folder, "theirs"), key: filepath.Join(folder, "ours"), askpass: filepath.Join(folder, "askpass")}
	local(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "somebody else", "-f", x.theirs)
	hook += "\nmkdir -m 700 /home/owner/.ssh\nprintf '# keys\\n%s' '" + read(t, x.theirs+".pub") + "' >/home/owner/.ssh/authorized_keys\nchmod 600 /home/owner/.ssh/authorized_keys\nchown -R owner: /home/owner/.ssh\n"
	h := vpstest.Up(t, hook, append(options, "base="+bases()[0])...)
	x = x.on(t, h, newClient(t))
	x.c.kagiban("key", "export", "laptop", "-o", x.key, "--passphrase-file", x.c.passphrase, "--new-passphrase-file", x.c.passphrase)
	local(t, "ssh-keygen", "-q", "-p", "-P", "correct horse", "-N", "", "-f", x.key)
	x.line = read(t, filepath.Join(x.c.home, "keys", "laptop.pub"))
	x.c.write(x.askpass, "#!/bin/sh\nexec cat '"+h.PasswordFile+"'\n")
	if err := os.Chmod(x.askpass, 0o700); err != nil {
		t.Fatal(err)
	}
	h.Exec("tar -C / -cf /var/before.tar etc/ssh home/owner/.ssh")
	x.keys, _, _, x.before = x.state()
	x.relay = newRelay(t, h.Addr+":22")
	return x
}

// on is the site for a test below.
func (x *site) on(t *testing.T, h *vpstest.Host, c *client) *site {
	site, client := *x, *c
	client.t = t
	site.t, site.h, site.c = t, h.For(t), &client
	return &site
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func local(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

const authorizedKeys = "/home/owner/.ssh/authorized_keys"

// state is what lies on the server: authorized_keys; our drop-in; what should not lie there; and all that a change that was undone leaves
// as it was.
func (x *site) state() (keys, dropIn, left, rest string) {
	x.t.Helper()
	const mark = "\n---\n"
	out := x.h.Exec("cat " + authorizedKeys + "; printf '" + strings.ReplaceAll(mark, "\n", "\\n") + "'; cat /etc/ssh/sshd_config.d/00-kagiban.conf 2>/dev/null; printf '" + strings.ReplaceAll(mark, "\n", "\\n") + "'\n" +
		"ls -A /home/owner/.ssh | grep -v -x authorized_keys; ls /etc/ssh/*.new* /etc/ssh/sshd_config.d/*.new* /etc/ssh/sshd_config.d/*.kept 2>/dev/null || true")
	parts := strings.Split(out, mark)
	lines := strings.Split(x.h.Snapshot(), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, authorizedKeys) })
	return parts[0], parts[1], parts[2], strings.Join(lines, "\n")
}

// login is a real one, by the real ssh.
func (x *site) login(more ...string) error {
	cmd := exec.Command("ssh", slices.Concat([]string{"-F", x.c.config, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", lightKex, "-o", "ConnectTimeout=10",
		"-o", "NumberOfPasswordPrompts=1", "-l", x.h.User}, more, []string{"--", x.h.Addr, "echo in as $USER"})...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SSH_ASKPASS=" + x.askpass, "SSH_ASKPASS_REQUIRE=force"}
	detach(cmd)
	out, err := cmd.CombinedOutput()
	if err == nil && !strings.Contains(string(out), "in as "+x.h.User) {
		err = fmt.Errorf("no command was run")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (x *site) byKey(file string) error {
	return x.login("-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey", "-i", file)
}

func (x *site) byPassword() error {
	return x.login("-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password")
}

// busy is what is under way on the server: a change, or a program of ours that has outlived its login.
func (x *site) busy() string {
	x.t.Helper()
	return x.h.Exec("ls /run/kagiban 2>/dev/null | grep -x -e pending -e undoing -e confirmed; ps -eo args= | grep -E 'sh -[s]|undo[.]sh|sudo -[S]'; true")
}

func (x *site) settled() {
	x.t.Helper()
	x.c.until(60*time.Second, "", x.busy)
}

// outcome is "old" or "new" where the server is wholly that; else what is wrong with it. After a power cut our drop-in may stay and say nothing
// (inert), and a file that is half made may stay (leaves), both until the next run.
func (x *site) outcome(inert, leaves bool) string {
	x.t.Helper()
	var wrong []string
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	keys, dropIn, left, rest := x.state()
	if !slices.Contains([]string{x.keys, x.keys + "\n" + x.line + "\n"}, keys) {
		problem("authorized_keys: %q", keys)
	}
	if left != "" && !leaves {
		problem("left behind: %s", left)
	}
	if err := x.byKey(x.theirs); err != nil {
		problem("the key that opened it before does not: %v", err)
	}
	end := ""
	switch offers := x.c.offered(x.h.User, x.h.Addr); offers {
	case passwords:
		end = "old"
		if rest != x.before && !inert {
			problem("changed:\n%s\n%s", without(x.before, rest), without(rest, x.before))
		}
		if err := x.byPassword(); err != nil {
			problem("by password: %v", err)
		}
	case keysOnly:
		end = "new"
		if !strings.HasPrefix(dropIn, "# Written by kagiban") {
			problem("the drop-in: %q", dropIn)
		}
		if err := x.byKey(x.key); err != nil {
			problem("by the new key: %v", err)
		}
	default:
		problem("offered: %q", offers)
	}
	if len(wrong) > 0 {
		return "neither old nor new: " + strings.Join(wrong, "; ")
	}
	return end
}

// without are those lines of a that b has not.
func without(a, b string) string {
	there := strings.Split(b, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(line string) bool { return slices.Contains(there, line) }), "\n")
}

// letsIn: at any time one of the two ways in is open.
func (x *site) letsIn() {
	x.t.Helper()
	for limit := time.Now().Add(10 * time.Second); ; {
		key := x.byKey(x.key)
		if key == nil {
			return
		}
		password := x.byPassword()
		if password == nil {
			return
		}
		// While sshd reads its files again nobody answers, for a moment: that is no answer, so both are tried once more.
		if !strings.Contains(key.Error()+password.Error(), "Connection refused") || time.Now().After(limit) {
			x.t.Errorf("LOCKED OUT: %v; %v", key, password)
			return
		}
	}
}

// onward: the next run comes to the goal, and clears away what lies there.
func (x *site) onward() {
	x.t.Helper()
	if _, _, code := x.c.kagiban(x.add()...); code != 0 {
		x.t.Errorf("the next run: exit %d", code)
	}
	keys, dropIn, left, _ := x.state()
	if keys != x.keys+"\n"+x.line+"\n" || !strings.HasPrefix(dropIn, "# Written by kagiban") || left != "" {
		x.t.Errorf("after the next run: %q, %q, left: %q", keys, dropIn, left)
	}
	if offers := x.c.offered(x.h.User, x.h.Addr); offers != keysOnly {
		x.t.Errorf("after the next run it offers %q", offers)
	}
	if err := x.byKey(x.key); err != nil {
		x.t.Errorf("after the next run: %v", err)
	}
}

// anew makes the server what it was when it came up.
func (x *site) anew() {
	x.t.Helper()
	x.h.Exec("rm -rf /etc/ssh /home/owner/.ssh /run/kagiban && tar -C / -xpf /var/before.tar && " + vpstest.Reload)
	x.c.until(20*time.Second, passwords, func() string { return x.c.offered(x.h.User, x.h.Addr) })
}

// add are the arguments of `host add` by way of the relay.
func (x *site) add(more ...string) []string {
	args := append(x.c.add(x.h, more...), "-p", x.relay.port)
	args[2] = x.h.User + "@127.0.0.1"
	return args
}
