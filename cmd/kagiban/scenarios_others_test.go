package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// Other people of a server, as pieces of a hook: each has the password pw-of-NAME, and some a key, whose private half lies in /root.
const (
	colleague = `colleague() { useradd -m -s /bin/bash "$1"; echo "$1:pw-of-$1" | chpasswd; }
key() { # NAME FILE
	mkdir -p -m 700 "/home/$1/.ssh"
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "/root/$1"
	mv "/root/$1.pub" "/home/$1/.ssh/$2"
	chown -R "$1:" "/home/$1/.ssh"
}
`
	sftpOnly = colleague + `groupadd customers
useradd -M -d /srv/files -s /bin/false -G customers sue
echo sue:pw-of-sue | chpasswd
mkdir -p /srv/files/in
printf 'Match Group customers\n\tChrootDirectory /srv/files\n\tForceCommand internal-sftp\n' >>/etc/ssh/sshd_config
`
	// nobodyLoses are those who have a password and do not need it, or cannot use it.
	nobodyLoses = colleague + `colleague ann; key ann authorized_keys
colleague locked; usermod -L locked
colleague expired; chage -E 2020-01-01 expired
colleague noshell; usermod -s /bin/false noshell
useradd -r -s /bin/bash service
`
	refusedKeys = colleague + `colleague bob; key bob authorized_keys; chmod 777 /home/bob
colleague eve; key eve authorized_keys; chown daemon /home/eve/.ssh/authorized_keys
`
)

// scenariosOthers are the servers that others use too.
var scenariosOthers = []scenario{
	{number: 49, name: "a second user with a password", hook: colleague + "colleague bob", code: 5, result: "failed", offers: passwords, untouched: true,
		says: "bob: a password and no key", after: otherLoses},
	{number: 49, name: "a second user, init.d", variant: true, hook: colleague + "colleague bob", options: []string{"init=sysv"}, code: 5, result: "failed", offers: passwords, untouched: true,
		says: "bob: a password and no key; recent logins could not be seen", after: otherLoses},
	{number: 50, name: "an sftp customer", hook: sftpOnly, code: 5, result: "failed", offers: passwords, untouched: true,
		says: "sue: a password and no key", after: customerLoses},
	{number: 50, name: "a customer of sshd's own sftp", hook: sftpOnly + "sed -i -e '/^Match/,$d' -e 's,^Subsystem.*,Subsystem sftp internal-sftp,' /etc/ssh/sshd_config",
		code: 5, result: "failed", offers: passwords, untouched: true, says: "sue: a password and no key", after: customerLoses},
	{number: 49, name: "a tunnel without a shell", hook: colleague + "colleague tun; usermod -s /bin/false tun; printf 'Match User tun\\n\\tPermitOpen 127.0.0.1:22\\n' >>/etc/ssh/sshd_config",
		code: 5, result: "failed", offers: passwords, untouched: true, says: "tun: a password and no key", after: func(t *testing.T, h *vpstest.Host, c *client) {
			if !c.byPassword(h, "tunnel", "tun") {
				t.Error("it is no tunnel")
			}
		}},
	{number: 22, name: "a colleague with authorized_keys2", hook: colleague + "colleague cid; key cid authorized_keys2", result: "key-only", offers: keysOnly,
		says: "nobody else needs a password", after: func(t *testing.T, h *vpstest.Host, c *client) { c.byKey(h, "cid", true) }},
	{number: 49, name: "others who need no password", hook: nobodyLoses, result: "key-only", offers: keysOnly,
		says: "nobody else needs a password", after: func(t *testing.T, h *vpstest.Host, c *client) { c.byKey(h, "ann", true) }},
	{number: 49, name: "others whom AllowUsers keeps out", hook: colleague + "colleague bob; sed -i '1i AllowUsers owner' /etc/ssh/sshd_config", result: "key-only", offers: keysOnly,
		says: "nobody else needs a password"},
	{number: 49, name: "others whose keys sshd refuses", hook: refusedKeys, code: 5, result: "failed", offers: passwords, untouched: true,
		says: "bob: a password and a key that sshd refuses (/home/bob may be written by others: 777); eve: a password and a key that sshd refuses (/home/eve/.ssh/authorized_keys belongs to another)",
		after: func(t *testing.T, h *vpstest.Host, c *client) {
			c.byKey(h, "bob", false)
			c.byKey(h, "eve", false)
		}},
	{number: 49, name: "another who logs in by password", hook: colleague + "colleague ann; key ann authorized_keys", do: loggedIn},
	{number: 49, name: "another who logs in by password, init.d", variant: true, hook: colleague + "colleague ann; key ann authorized_keys", options: []string{"init=sysv"},
		boot: "busybox syslogd -O /var/log/auth.log", do: loggedIn},
}

// byPassword is a login of the real ssh, or sftp, or a tunnel of ssh's, by a password alone.
func (c *client) byPassword(h *vpstest.Host, program, user string) bool {
	c.t.Helper()
	askpass := filepath.Join(c.t.TempDir(), "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho pw-of-"+user+"\n"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	args := []string{"-F", c.config, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1", "-o", "User=" + user}
	cmd := exec.Command("ssh", append(args, "--", h.Addr, "echo in as $USER")...)
	switch program {
	case "tunnel":
		cmd = exec.Command("ssh", append(args, "-W", "127.0.0.1:22", "--", h.Addr)...)
	case "sftp":
		cmd = exec.Command("sftp", append(args, "-o", "BatchMode=no", "-b", "-", "--", h.Addr)...)
		cmd.Stdin = strings.NewReader("pwd\n")
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SSH_ASKPASS=" + askpass, "SSH_ASKPASS_REQUIRE=force"}
	out, err := cmd.CombinedOutput()
	c.t.Logf("%s by %s's password: %v\n%s", program, user, err, out)
	for _, sign := range []string{"in as " + user, "Remote working directory", "SSH-2.0-"} {
		if strings.Contains(string(out), sign) {
			return true
		}
	}
	return false
}

// byKey judges by the real ssh whether the key that a hook made for user opens the server.
func (c *client) byKey(h *vpstest.Host, user string, want bool) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "id")
	c.write(file, h.Exec("cat /root/"+user))
	out, err := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "IdentitiesOnly=yes", "-i", file, "-l", user, "--", h.Addr, "echo in as $USER").CombinedOutput()
	if in := err == nil && strings.Contains(string(out), "in as "+user); in != want {
		c.t.Errorf("%s by key: %v, %s", user, err, out)
	}
}

// otherLoses: a dry run says the same and shows the plan; the key alone goes in; and bob loses his login only when that is said.
func otherLoses(t *testing.T, h *vpstest.Host, c *client) {
	stdout, stderr, code := c.kagiban(c.add(h, "--dry-run")...)
	if code != 5 || !strings.Contains(stdout, "+PasswordAuthentication no") || !strings.Contains(stdout, "loses the login by password: bob") || !strings.Contains(stderr, "--others-lose-password") {
		t.Errorf("dry run: exit %d", code)
	}
	if _, _, code := c.kagiban(c.add(h, "--no-enforce")...); code != 0 {
		t.Errorf("the key alone: exit %d", code)
	}
	if _, stderr, code := c.kagiban(c.add(h)...); code != 5 || strings.Contains(stderr, "will be changed") { // a plan would be asked about
		t.Errorf("with the key there: exit %d", code)
	}
	if !c.byPassword(h, "ssh", "bob") {
		t.Error("bob's password does not open the server any more")
	}
	if _, _, code := c.kagiban(c.add(h, "--others-lose-password")...); code != 0 {
		t.Errorf("exit %d", code)
	}
	if offers := c.offered("bob", h.Addr); offers != keysOnly {
		t.Errorf("bob is offered %q", offers)
	}
	c.again(h)
}

// customerLoses: sue's sftp works until it is said that it may end.
func customerLoses(t *testing.T, h *vpstest.Host, c *client) {
	if !c.byPassword(h, "sftp", "sue") || c.byPassword(h, "ssh", "sue") {
		t.Error("sue has no sftp, or a shell")
	}
	if _, _, code := c.kagiban(c.add(h, "--others-lose-password")...); code != 0 {
		t.Errorf("exit %d", code)
	}
	if offers := c.offered("sue", h.Addr); offers != keysOnly || c.byPassword(h, "sftp", "sue") {
		t.Errorf("sue is offered %q", offers)
	}
	c.again(h)
}

// loggedIn: ann has a key that opens the server, and comes by password nevertheless.
func loggedIn(t *testing.T, h *vpstest.Host, c *client) {
	if !c.byPassword(h, "ssh", "ann") {
		t.Fatal("ann's password does not open the server")
	}
	day := strings.TrimSpace(h.Exec("date +%Y-%m-%d"))
	named := scenario{code: 5, result: "failed", offers: passwords, untouched: true, says: "ann: logged in by password on " + day}
	named.add(t, h, c)
	c.byKey(h, "ann", true)
	scenario{args: []string{"--others-lose-password"}, result: "key-only", offers: keysOnly, says: "ann: logged in by password on " + day}.add(t, h, c)
	c.byKey(h, "ann", true)
}
