package main

import (
	"slices"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// asSold is a server as it is sold: root, a password, nothing else.
var asSold = []string{"user=root", "root=yes"}

var makesAlice = []string{"--create-user", "alice"}

const (
	// aliceIsThere is an account without a password, by another's hand.
	aliceIsThere  = "useradd -m -s /bin/bash alice\n"
	alicesSecret  = "alice's own"
	aliceHasOne   = aliceIsThere + "echo \"alice:" + alicesSecret + "\" | chpasswd\n"
	aliceIsSudoer = "gpasswd -a alice sudo >/dev/null\n"
)

// scenariosCreate are the servers of which somebody wants to be more than root.
var scenariosCreate = []scenario{
	{number: 59, name: "root alone", options: asSold, args: makesAlice, result: "key-only", offers: keysOnly, after: aliceOwnsIt},
	{number: 59, name: "root alone, init.d", options: append(slices.Clip(asSold), "init=sysv"), args: makesAlice, result: "key-only", offers: keysOnly, after: aliceOwnsIt},
	{number: 59, name: "root alone, no Include", variant: true, options: asSold, hook: "sed -i '/^Include/d' /etc/ssh/sshd_config", args: makesAlice, result: "key-only", offers: keysOnly, after: aliceOwnsIt},
	{number: 59, name: "root alone, UsePAM no", variant: true, options: asSold, hook: "sed -i 's/^UsePAM.*/UsePAM no/' /etc/ssh/sshd_config", args: makesAlice, result: "key-only", offers: keysOnly, after: aliceOwnsIt},
	{number: 59, name: "a dry run for root alone", options: asSold, args: append(slices.Clip(makesAlice), "--dry-run"), result: "unchanged", offers: passwords, untouched: true,
		says: "+alice ALL=(ALL:ALL) NOPASSWD: ALL", after: nobodyMade},
	{number: 59, name: "root alone, passwords stay on", options: asSold, args: append(slices.Clip(makesAlice), "--no-enforce"), result: "installed", offers: passwords, after: aliceGetsIn},
	{number: 59, name: "root's key from the provider", options: asSold, hook: "printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\nChallengeResponseAuthentication no\\n' >/etc/ssh/sshd_config.d/10-theirs.conf", do: aliceBesideRootsKey},
	{number: 59, name: "an owner makes another", variant: true, args: append(slices.Clip(makesAlice), "--others-lose-password"), result: "key-only", offers: keysOnly, after: aliceOwnsIt},
	{number: 60, name: "no sudo for a new user", options: append(slices.Clip(asSold), "sudo=none"), args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "apt-get install sudo", after: nobodyMade},
	{number: 60, name: "sudoers.d is not read", options: asSold, hook: "sed -i '/includedir/d' /etc/sudoers", args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/sudoers does not read", after: nobodyMade},
	{number: 60, name: "sshd admits root alone", options: asSold, hook: "echo 'AllowUsers root' >/etc/ssh/sshd_config.d/20-allow.conf", args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "sshd would not let alice in", after: nobodyMade},
	{number: 60, name: "a group of that name", variant: true, options: asSold, hook: "groupadd alice; echo x >/etc/sudoers.d/kagiban-alice", args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "kagiban did not write it", after: nobodyMade},
	{number: 61, name: "the user is there", options: asSold, hook: aliceIsThere, args: makesAlice, result: "key-only", offers: keysOnly, after: aliceGetsIn},
	{number: 61, name: "the user is there, and has a key", variant: true, options: asSold, args: makesAlice, result: "key-only", offers: keysOnly, after: aliceGetsIn,
		hook: aliceIsThere + "mkdir -m 700 ~alice/.ssh; echo '# hers' >~alice/.ssh/authorized_keys; chown -R alice: ~alice/.ssh"},
	{number: 61, name: "the user is there, and others' keys open it", options: asSold, args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "other keys open it (SHA256:",
		hook: aliceIsThere + "mkdir -m 700 ~alice/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/another; cp /root/another.pub ~alice/.ssh/authorized_keys; chown -R alice: ~alice/.ssh"},
	{number: 61, name: "the user is there, with a password", options: asSold, hook: aliceHasOne + aliceIsSudoer, args: makesAlice, forRoot: alicesSecret, result: "key-only", offers: keysOnly, after: aliceKeepsHers},
	{number: 61, name: "the user is there, with another password", options: asSold, hook: aliceHasOne + aliceIsSudoer, do: anothersPassword},
	{number: 61, name: "the user is there, and may not use sudo", options: asSold, hook: aliceHasOne, args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "may not use sudo"},
	{number: 61, name: "the user is the system's", options: asSold, hook: "useradd -r alice", args: makesAlice, code: 1, result: "failed", offers: passwords, untouched: true, says: "an account of the system's"},
}

// opened tells what opens alice's account: its groups, the state of its password, its keys, sudo.
func opened(h *vpstest.Host) string {
	return h.Exec("id -Gn alice; passwd -S alice | cut -d ' ' -f 2; ls -l /home/alice/.ssh 2>/dev/null | grep -c authorized_keys; ls /etc/sudoers.d | grep alice || true; cat /etc/sudoers.d/kagiban-alice 2>/dev/null || true")
}

const allOfSudo = "kagiban-alice\n# Written by kagiban: alice has no password that sudo could ask for.\n# To take its sudo away: delete this file.\nalice ALL=(ALL:ALL) NOPASSWD: ALL\n"

// aliceOwnsIt: alice gets in by the key, is root by sudo, and `host add` finds all as it should be.
func aliceOwnsIt(t *testing.T, h *vpstest.Host, c *client) {
	t.Helper()
	if got := opened(h); got != "alice sudo\nL\n1\n"+allOfSudo {
		t.Errorf("alice: %s", got)
	}
	aliceGetsIn(t, h, c)
	alice := *h
	alice.User = "alice"
	c.again(&alice)
	if out, _, code := c.kagiban("host", "list"); code != 0 || !strings.Contains(out, "alice@") {
		t.Errorf("the book: %s", out)
	}
}

// aliceGetsIn: what opens the account lies there for good, and as it should.
func aliceGetsIn(t *testing.T, h *vpstest.Host, c *client) {
	t.Helper()
	if got := h.Exec("stat -c '%a %U %F' /etc/sudoers.d/kagiban-alice /home/alice/.ssh /home/alice/.ssh/authorized_keys; visudo -c >/dev/null && echo sound"); got != "440 root regular file\n700 alice directory\n600 alice regular file\nsound\n" &&
		got != "440 root regular file\n700 alice directory\n644 alice regular file\nsound\n" {
		t.Errorf("files: %s", got)
	}
	if got, code := h.As("alice", "sudo -n id -u"); code != 0 || !strings.HasSuffix(got, "0\n") {
		t.Errorf("alice's sudo: %s", got)
	}
}

func nobodyMade(t *testing.T, h *vpstest.Host, _ *client) {
	if got := h.Exec("getent passwd alice || true; ls /home"); got != "" {
		t.Errorf("somebody was made: %s", got)
	}
}

// aliceKeepsHers: her password and her sudo are what they were.
func aliceKeepsHers(t *testing.T, h *vpstest.Host, _ *client) {
	if got := h.Exec("passwd -S alice | cut -d ' ' -f 2; ls /etc/sudoers.d | grep alice || true"); got != "P\n" {
		t.Errorf("alice: %s", got)
	}
	if got := h.Exec("echo '" + strings.ReplaceAll(alicesSecret, "'", `'\''`) + "' | setpriv --reuid alice --regid alice --init-groups sudo -S -k id -u 2>/dev/null"); got != "0\n" {
		t.Errorf("alice's sudo: %s", got)
	}
}

// anothersPassword: what was said to be her password is not, so her sudo cannot be proved. She is left as she was.
func anothersPassword(t *testing.T, h *vpstest.Host, c *client) {
	before := h.Snapshot()
	_, stderr, code := c.kagiban(c.add(h, "--create-user", "alice", "--sudo-password-file", c.secretFile("not hers"))...)
	if code != 6 || !strings.Contains(stderr, "the password was not it") || strings.Contains(stderr, "stays, locked") {
		t.Errorf("exit %d", code)
	}
	if after := h.Snapshot(); after != before {
		t.Errorf("the server was changed:\n%s\n%s", before, after)
	}
	aliceKeepsHers(t, h, c)
}

// aliceBesideRootsKey: the provider put root's key there, and turned passwords off. sshd is as it should be; only alice is let in.
func aliceBesideRootsKey(t *testing.T, h *vpstest.Host, c *client) {
	identity, before := c.letInRoot(h), sshdFiles(h)
	stdout, stderr, code := c.kagiban(c.add(h, "-i", identity, "--json", "--create-user", "alice")...)
	if code != 0 || !strings.Contains(stdout, `"result":"key-only"`) || strings.Contains(stderr, "passwords off") {
		t.Errorf("exit %d", code)
	}
	if after := sshdFiles(h); after != before {
		t.Errorf("sshd's files:\n%s", after)
	}
	aliceOwnsIt(t, h, c)
	c.again(h, "-i", identity, "--create-user", "alice") // root's login is as good as before
}
