package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// newComputer is a client whose home has nothing in it yet, and then a key of its own.
func newComputer(t *testing.T, name string) *client {
	t.Helper()
	c := newClient(t)
	if err := os.RemoveAll(c.home); err != nil {
		t.Fatal(err)
	}
	c.must("init", "--client", name, "--passphrase-file", c.passphrase)
	return c
}

// public is the file with a key's public line.
func (c *client) public(key string) string {
	c.t.Helper()
	line, _, code := c.kagiban("key", "show", key, "--public")
	if code != 0 {
		c.t.Fatalf("key show: exit %d", code)
	}
	file := filepath.Join(c.t.TempDir(), key+".pub")
	c.write(file, line)
	return file
}

// admit are the arguments of `host admit` for the server of add.
func (c *client) admit(file string, more ...string) []string {
	return append([]string{"host", "admit", "vps1", file, "-F", c.config, "--passphrase-file", c.passphrase}, more...)
}

const keysFile = "/home/owner/.ssh/authorized_keys"

// TestTwoComputers: the second computer's key is brought in by the first, and proved there; no password is needed for it. Then the first is lost, and
// the second takes its key off.
func TestTwoComputers(t *testing.T) {
	h, laptop := vpstest.Up(t, "", "sudo=nopasswd"), newClient(t)
	laptop.must(laptop.add(h)...)
	desk := newComputer(t, "desk")
	file := desk.public("desk")
	fingerprint, _, _ := desk.kagiban("key", "show", "desk", "--fingerprint")
	line, before := laptop.read(file), h.Snapshot()
	old := h.Exec("cat " + keysFile)

	if out, _, code := laptop.kagiban(laptop.admit(file, "-n")...); code != 0 || !strings.Contains(out, "+"+line) || !strings.Contains(out, "a dry run") {
		t.Errorf("a dry run: exit %d, %s", code, out)
	}
	if _, talk, code := laptop.kagiban(laptop.admit(file)...); code != 5 || !strings.Contains(talk, strings.TrimSpace(fingerprint)) {
		t.Errorf("nobody to ask: exit %d, %s", code, talk)
	}
	if _, talk, code := laptop.answering("no").kagiban(laptop.admit(file)...); code != 1 || !strings.Contains(talk, "not approved") {
		t.Errorf("a no: exit %d, %s", code, talk)
	}
	if h.Snapshot() != before {
		t.Error("something was changed unasked")
	}
	out, talk, code := laptop.answering("yes").kagiban(laptop.admit(file)...)
	if asked := laptop.read(laptop.config + ".asked"); !strings.Contains(asked, "let "+strings.TrimSpace(fingerprint)+" in to owner@vps1?") {
		t.Errorf("the question was %q", asked)
	}
	if code != 0 || !strings.Contains(out, "vps1 takes "+strings.TrimSpace(fingerprint)+" (desk) now") || !strings.Contains(talk, "next: kagiban host add owner@"+h.Addr) {
		t.Fatalf("exit %d", code)
	}
	if now := h.Exec("cat " + keysFile); now != old+line {
		t.Errorf("authorized_keys:\n%swant\n%s", now, old+line)
	}
	before = h.Snapshot()
	if out, _, code := laptop.kagiban(laptop.admit(file, "--yes")...); code != 0 || !strings.Contains(out, "already; nothing was changed") || h.Snapshot() != before {
		t.Errorf("once more: exit %d", code)
	}

	const sole = "only one key opens this server"
	check := []string{"host", "check", "-F", laptop.config, "--passphrase-file", laptop.passphrase}
	if _, talk, code := laptop.kagiban(check...); code != 0 || !strings.Contains(talk, sole) {
		t.Errorf("before its first login the key counts: exit %d, %s", code, talk)
	}
	add := []string{"host", "add", "owner@" + h.Addr, "--name", "vps1", "-F", desk.config, "--passphrase-file", desk.passphrase, "--accept-new", "--yes"}
	if out, _, code := desk.kagiban(add...); code != 0 || !strings.Contains(out, "vps1 is already key-only") {
		t.Errorf("the second computer: exit %d, %s", code, out)
	}
	if h.Snapshot() != before {
		t.Error("the second computer changed something")
	}
	if _, talk, code := laptop.kagiban(check...); code != 0 || strings.Contains(talk, sole) {
		t.Errorf("after its first login the key does not count: exit %d, %s", code, talk)
	}

	// The first computer is lost.
	out, _, code = desk.kagiban("revoke", "me@laptop", "-F", desk.config, "--passphrase-file", desk.passphrase, "--yes")
	if now := h.Exec("cat " + keysFile); code != 0 || now != line {
		t.Errorf("revoke: exit %d, %s, and authorized_keys is %s", code, out, now)
	}
	if _, talk, code := laptop.kagiban(laptop.admit(file, "--yes")...); code != 1 || !strings.Contains(talk, "the key laptop does not open it") {
		t.Errorf("the lost computer: exit %d, %s", code, talk)
	}
	if _, _, code := desk.kagiban(add...); code != 0 {
		t.Errorf("the one that stays: exit %d", code)
	}
}

// answering is the client with somebody there who gives one answer to every question.
func (c *client) answering(answer string) *client {
	c.t.Helper()
	there, program := *c, filepath.Join(c.t.TempDir(), "askpass")
	c.write(program, "#!/bin/sh\necho \"$1\" >"+c.config+".asked\necho "+answer+"\n")
	if err := os.Chmod(program, 0o700); err != nil {
		c.t.Fatal(err)
	}
	there.env = append(slices.Clone(c.env), "SSH_ASKPASS="+program, "SSH_ASKPASS_REQUIRE=force")
	return &there
}

func (c *client) read(file string) string {
	c.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// TestAdmitNothing: what cannot be let in, or not be proved, leaves the server as it was, to the byte.
func TestAdmitNothing(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	c.must(c.add(h)...)
	guest := c.public("desk") // another key of the same home is a guest like any other
	for _, s := range []struct {
		name, boot, back string // on the server, before and after
		code             int
		says             string
	}{
		{"sshd refuses the key", "ssh-keygen -q -k -f /etc/ssh/revoked -z 1 /run/guest.pub; echo 'RevokedKeys /etc/ssh/revoked' >>/etc/ssh/sshd_config; " + vpstest.Reload,
			"rm /etc/ssh/revoked; sed -i /RevokedKeys/d /etc/ssh/sshd_config; " + vpstest.Reload, 6, "the server is as it was before"},
		{"it is there, bound to a command", "printf 'command=\"date\" %s\\n' \"$(cat /run/guest.pub)\" >>" + keysFile, "sed -i /date/d " + keysFile, 1, "with options (command=\"date\")"},
		{"it is there, and sshd refuses it", "cat /run/guest.pub >>" + keysFile + "; ssh-keygen -q -k -f /etc/ssh/revoked -z 1 /run/guest.pub; echo 'RevokedKeys /etc/ssh/revoked' >>/etc/ssh/sshd_config; " + vpstest.Reload,
			"sed -i '$d' " + keysFile + "; rm /etc/ssh/revoked; sed -i /RevokedKeys/d /etc/ssh/sshd_config; " + vpstest.Reload, 1, "the key was not taken for owner@vps1 although it stands in"},
		{"this client's key is gone", "mv " + keysFile + " /run/kept", "mv /run/kept " + keysFile, 1, "the key laptop does not open it"},
	} {
		h.Put(guest, "/run/guest.pub")
		h.Exec(s.boot)
		before := h.Snapshot()
		if _, talk, code := c.kagiban(c.admit(guest, "--yes")...); code != s.code || !strings.Contains(talk, s.says) {
			t.Errorf("%s: exit %d, want %d and %q", s.name, code, s.code, s.says)
		}
		if after := h.Snapshot(); after != before {
			t.Errorf("%s: the server was changed:\n%s\n%s", s.name, before, after)
		}
		h.Exec(s.back)
	}
	// Nor does a password help where only keys are taken: each command says what does.
	h.Exec("mv " + keysFile + " /run/kept")
	const admit = "next: kagiban host admit vps1 PUBFILE "
	for _, s := range []struct {
		args []string
		code int
		says string
	}{
		{c.add(h), 1, "next: the same again with -i FILE "},
		{c.check(h), 4, " or kagiban host add vps1 -i FILE "},
		{[]string{"host", "clients", "vps1", "-F", c.config, "--passphrase-file", c.passphrase}, 1, "next: kagiban host add vps1 -i FILE "},
		{[]string{"host", "undo", "vps1", "-F", c.config, "--passphrase-file", c.passphrase, "--yes"}, 1, "next: kagiban host add vps1 -i FILE "},
	} {
		if _, talk, code := c.kagiban(s.args...); code != s.code || !strings.Contains(talk, admit) || !strings.Contains(talk, s.says) || strings.Contains(talk, "--password-file") {
			t.Errorf("%s with the key gone: exit %d, want %d and %q", s.args[1], code, s.code, s.says)
		}
	}
	h.Exec("mv /run/kept " + keysFile)
	if out, _, code := c.kagiban(c.admit(guest, "--yes")...); code != 0 || !strings.Contains(out, "now; nobody has logged in with it yet") {
		t.Errorf("afterwards: exit %d, %s", code, out)
	}
}
