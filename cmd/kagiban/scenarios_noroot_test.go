package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"kagiban/hostsetup/sshd"
	"kagiban/scripts/vpstest"
)

var noRoot = []string{"--no-root"}

// scenariosNoRoot are the servers on which root is to get in by nothing.
var scenariosNoRoot = []scenario{
	{number: 62, name: "no root, a new user", options: asSold, do: noRootBesideAlice("")},
	{number: 62, name: "no root, a new user, no Include", variant: true, options: asSold, do: noRootBesideAlice("sed -i '/^Include/d' /etc/ssh/sshd_config; " + vpstest.Reload)},
	{number: 62, name: "no root, by sudo", options: []string{"root=yes"}, args: noRoot, result: "key-only", offers: keysOnly, after: rootIsShut},
	{number: 62, name: "no root, init.d", variant: true, options: []string{"root=yes", "init=sysv"}, args: noRoot, result: "key-only", offers: keysOnly, after: rootIsShut},
	{number: 62, name: "no root, once it is key-only", options: []string{"root=yes"}, do: noRootLater},
	{number: 63, name: "a Match lets root in", hook: "printf 'Match Address 10.0.0.0/8\\n\\tPermitRootLogin yes\\n' >/etc/ssh/sshd_config.d/70-root.conf", args: noRoot, code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/70-root.conf:2 says PermitRootLogin yes inside"},
	{number: 63, name: "root is let in before our drop-in", hook: "sed -i '1i PermitRootLogin prohibit-password' /etc/ssh/sshd_config", args: noRoot, code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config:1"},
	{number: 63, name: "no root, and su alone", hook: rootHasOne, options: []string{"sudo=none"}, forRoot: forRoot, args: noRoot, code: 1, result: "failed", offers: passwords, untouched: true, says: "owner becomes root by su"},
}

func rootIsShut(t *testing.T, h *vpstest.Host, _ *client) {
	t.Helper()
	if got := h.Exec("cat /etc/ssh/sshd_config.d/00-kagiban.conf; sshd -T -C user=root,host=x,addr=10.0.0.1 | grep -i permitrootlogin | tr A-Z a-z; passwd -S root | cut -d ' ' -f 2"); got != sshd.Ours(false, true)+"permitrootlogin no\nP\n" {
		t.Errorf("root: %s", got)
	}
}

// rootBy is a login as root with a key, by the real ssh: what it says.
func (c *client) rootBy(h *vpstest.Host, identity string) string {
	out, _ := exec.Command("ssh", "-F", c.config, "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-l", "root", "--", h.Addr, "id -u").CombinedOutput() // what it says tells
	said := strings.TrimSpace(string(out))
	return said[strings.LastIndex(said, "\n")+1:]
}

// noRootBesideAlice: root comes in by a key of the provider's, and by none when alice is there; and an undo lets it in again.
func noRootBesideAlice(boot string) func(*testing.T, *vpstest.Host, *client) {
	return func(t *testing.T, h *vpstest.Host, c *client) {
		identity := c.letInRoot(h)
		h.Exec(boot)
		_, stderr, code := c.kagiban(c.add(h, "-i", identity, "--create-user", "alice", "--no-root")...)
		if code != 0 || !strings.Contains(stderr, "sshd says PermitRootLogin no, and the key that opened root is refused") {
			t.Errorf("exit %d", code)
		}
		if said := c.rootBy(h, identity); !strings.Contains(said, "Permission denied") {
			t.Errorf("root's key: %s", said)
		}
		if got := h.Exec("passwd -S root | cut -d ' ' -f 2; cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* | grep '^PermitRootLogin no'"); got != "P\nPermitRootLogin no\n" {
			t.Errorf("root: %s", got)
		}
		c.again(h, "--create-user", "alice", "--no-root")
		aliceOwnsIt(t, h, c)
		if _, _, code := c.kagiban("host", "undo", "vps1", "-F", c.config, "--yes", "--passphrase-file", c.passphrase); code != 0 {
			t.Errorf("undo: exit %d", code)
		}
		if said := c.rootBy(h, identity); said != "0" {
			t.Errorf("after the undo, root's key: %s", said)
		}
	}
}

// noRootLater: it is key-only already, and our own key opens root, too. Then sshd's offer says nothing of what is changed.
func noRootLater(t *testing.T, h *vpstest.Host, c *client) {
	c.must(c.add(h)...)
	h.Exec("mkdir -p -m 700 /root/.ssh && cp /home/owner/.ssh/authorized_keys /root/.ssh/ && chown root: /root/.ssh/*")
	h.Exec(reload("/bin/true"))
	_, stderr, code := c.kagiban(c.add(h, "--no-root")...)
	if code != 6 || !strings.Contains(stderr, "root@vps1 still gets in: the key that opened it does") {
		t.Errorf("sshd was not told: exit %d", code)
	}
	if got := h.Exec("cat /etc/ssh/sshd_config.d/00-kagiban.conf"); got != sshd.DropIn {
		t.Errorf("after the undo: %s", got)
	}
	h.Exec(ownReload)
	if _, stderr, code := c.kagiban(c.add(h, "--no-root")...); code != 0 || !strings.Contains(stderr, "the key that opened root is refused") {
		t.Errorf("exit %d", code)
	}
	rootIsShut(t, h, c)
	c.again(h) // and it stays so
	rootIsShut(t, h, c)
}

// TestNoRootUndone: the client dies when root is shut out, on a server that was key-only before. Root gets in again, by its key.
func TestNoRootUndone(t *testing.T) {
	h, c := vpstest.Up(t, "", "root=yes"), newClient(t)
	identity := c.letInRoot(h)
	c.must(c.add(h)...)
	before := sshdFiles(h)
	c.kagiban("host", "remove", "vps1")
	c.dieInForce(h, "10s", "--no-root")
	if said := c.rootBy(h, identity); !strings.Contains(said, "Permission denied") {
		t.Errorf("in force: %s", said)
	}
	h.Exec(reload("/bin/false"))
	c.until(60*time.Second, "undoing", func() string {
		return strings.TrimSpace(h.Exec("ls /run/kagiban | grep -x -e undoing -e undone || true"))
	})
	if said := c.rootBy(h, identity); !strings.Contains(said, "Permission denied") { // sshd offers what it did before, and was not told yet
		t.Errorf("in force: %s", said)
	}
	h.Exec("sleep 4")
	if state := h.Exec("ls /run/kagiban | grep -x -e undoing -e undone"); state != "undoing\n" {
		t.Errorf("the undo calls itself over: %s", state)
	}
	h.Exec(ownReload)
	c.until(60*time.Second, "0", func() string { return c.rootBy(h, identity) })
	if after := sshdFiles(h); after != before {
		t.Errorf("sshd's files:\n%s", after)
	}
}

// reload makes systemd's reload of sshd another command.
func reload(command string) string {
	return "mkdir -p /run/systemd/system/ssh.service.d && printf '[Service]\\nExecReload=\\nExecReload=" + command + "\\n' >/run/systemd/system/ssh.service.d/x.conf && systemctl daemon-reload"
}

const ownReload = "rm -rf /run/systemd/system/ssh.service.d && systemctl daemon-reload"
