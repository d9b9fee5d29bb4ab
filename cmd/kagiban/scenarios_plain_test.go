package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

const cloudInit = "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf\n"

// upstream takes away what Debian says about keyboard-interactive: sshd's own default is on.
const upstream = "sed -i '/^KbdInteractiveAuthentication/d; /^ChallengeResponseAuthentication/d' /etc/ssh/sshd_config\n"

// scenariosPlain are the servers of an ordinary provider, and what their owners did to sshd_config.
var scenariosPlain = []scenario{
	{number: 1, name: "sudo with a password", result: "key-only", offers: keysOnly},
	{number: 1, name: "the key alone", args: []string{"--no-enforce"}, result: "installed", offers: passwords},
	{number: 1, name: "a dry run", args: []string{"--dry-run"}, result: "unchanged", offers: passwords, untouched: true, says: "+PasswordAuthentication no"},
	{number: 2, name: "sudo without", options: []string{"sudo=nopasswd"}, result: "key-only", offers: keysOnly},
	{number: 3, name: "root", options: []string{"user=root", "root=yes"}, result: "key-only", offers: keysOnly},
	{number: 3, name: "root, and an owner with a password", options: []string{"root=yes"}, asRoot: true, code: 5, result: "failed", offers: passwords, untouched: true, says: "owner: a password and no key"},
	{number: 4, name: "cloud-init", hook: cloudInit, result: "key-only", offers: keysOnly},
	{number: 4, name: "cloud-init and its main file", variant: true, hook: cloudInit + "echo 'PasswordAuthentication yes' >>/etc/ssh/sshd_config", result: "key-only", offers: keysOnly},
	{number: 5, name: "yes above the Include", hook: "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config:1"},
	{number: 5, name: "keyboard-interactive above the Include", hook: upstream + "sed -i '1i ChallengeResponseAuthentication=yes # pam' /etc/ssh/sshd_config", code: 1, result: "failed", untouched: true, says: "/etc/ssh/sshd_config:1"},
	{number: 5, name: "a drop-in that sorts before ours", variant: true, hook: "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-a.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/00-a.conf:1"},
	{number: 5, name: "somebody else's 00-kagiban", hook: "echo 'PermitRootLogin no' >/etc/ssh/sshd_config.d/00-kagiban.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "kagiban did not write it"},
	{number: 7, name: "config ends in Match", hook: "printf 'Match User backup\\n\\tX11Forwarding no\\n' >>/etc/ssh/sshd_config", result: "key-only", offers: keysOnly},
	{number: 7, name: "a drop-in ends in Match", variant: true, hook: "printf 'Match User backup\\n\\tX11Forwarding no\\n' >/etc/ssh/sshd_config.d/40-backup.conf\n" + cloudInit, result: "key-only", offers: keysOnly},
	{number: 8, name: "Match lets passwords in", hook: "printf 'Match User backup\\n\\tPasswordAuthentication yes\\n' >>/etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config:"},
	{number: 8, name: "Match lets the owner's password in", hook: "printf 'Match User owner\\n\\tPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/70-owner.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/70-owner.conf:2"},
	{number: 8, name: "Match and an Include", hook: "printf 'Match User backup\\n\\tInclude /etc/ssh/backup.conf\\n' >>/etc/ssh/sshd_config; echo 'PasswordAuthentication yes' >/etc/ssh/backup.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/backup.conf:1"},
	{number: 9, name: "Match Address", hook: "printf 'PasswordAuthentication no\\nMatch Address 10.0.0.0/8,172.16.0.0/12,198.18.0.0/15\\n\\tPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/70-lan.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/70-lan.conf:3"},
	{number: 9, name: "Match Address elsewhere", hook: "printf 'Match Address 192.0.2.0/24\\n\\tKbdInteractiveAuthentication yes\\n' >/etc/ssh/sshd_config.d/70-lan.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/70-lan.conf:2"},
	{number: 10, name: "keyboard-interactive by default", hook: upstream, result: "key-only", offers: keysOnly},
	{number: 10, name: "keyboard-interactive on", hook: "printf 'KbdInteractiveAuthentication yes\\n' >/etc/ssh/sshd_config.d/60-kbd.conf", result: "key-only", offers: keysOnly},
	{number: 10, name: "keyboard-interactive on, by its old name", variant: true, hook: upstream + "printf 'ChallengeResponseAuthentication yes\\n' >/etc/ssh/sshd_config.d/60-kbd.conf", result: "key-only", offers: keysOnly},
	{number: 10, name: "keyboard-interactive alone", variant: true, hook: upstream + "echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/60-kbd.conf", result: "key-only", offers: keysOnly},
	{number: 11, name: "AuthenticationMethods publickey", hook: "echo 'AuthenticationMethods publickey' >/etc/ssh/sshd_config.d/60-methods.conf", do: alreadyKeyOnly},
	{number: 12, name: "a second factor", hook: "echo 'AuthenticationMethods publickey,password' >/etc/ssh/sshd_config.d/60-methods.conf", do: secondFactor},
	{number: 12, name: "a second factor by keyboard-interactive", hook: upstream + "echo 'AuthenticationMethods publickey,keyboard-interactive publickey,password' >/etc/ssh/sshd_config.d/60-methods.conf", do: secondFactor},
	{number: 12, name: "a second factor of others", hook: "printf 'Match User backup\\n\\tAuthenticationMethods publickey,password\\n' >/etc/ssh/sshd_config.d/60-methods.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/60-methods.conf:2"},
	{number: 13, name: "already key-only", hook: "printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\nChallengeResponseAuthentication no\\n' >/etc/ssh/sshd_config.d/10-theirs.conf", do: alreadyKeyOnly},
	{number: 14, name: "broken before we start", boot: "echo 'NoSuchOption yes' >/etc/ssh/sshd_config.d/70-broken.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "70-broken.conf"},
	{number: 14, name: "a link that leads nowhere", variant: true, boot: "ln -s nothing /etc/ssh/sshd_config.d/70-gone.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "70-gone.conf"},
	{number: 15, name: "ssh.socket", options: []string{"socket=yes"}, result: "key-only", offers: keysOnly},
	{number: 15, name: "ssh.socket, for each connection", options: []string{"socket=each"}, result: "key-only", offers: keysOnly},
	{number: 15, name: "ssh.socket before its first connection", options: []string{"socket=yes"}, boot: "systemctl stop ssh.service; [ ! -d /run/sshd ]", result: "key-only", offers: keysOnly},
	{number: 16, name: "init.d", options: []string{"init=sysv"}, result: "key-only", offers: keysOnly},
	{number: 19, name: "keys file without newline", hook: "mkdir -m 700 /home/owner/.ssh; printf 'ssh-ed25519 AAAA other' >/home/owner/.ssh/authorized_keys; chown -R owner: /home/owner/.ssh", result: "key-only", offers: keysOnly},
	{number: 19, name: "sshd_config without newline", variant: true, hook: "printf 'PermitRootLogin no' >>/etc/ssh/sshd_config; printf 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf", result: "key-only", offers: keysOnly},
	{number: 20, name: "sshd_config with CRLF", hook: cloudInit + "sed -i 's/$/\\r/' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*", result: "key-only", offers: keysOnly},
	{number: 20, name: "sshd_config with a BOM", boot: "sed -i '1s/^/\\xef\\xbb\\xbf/' /etc/ssh/sshd_config; ! sshd -t 2>/dev/null", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config"},
	{number: 24, name: "home that all may write", hook: "chmod 777 /home/owner", result: "key-only", offers: keysOnly},
	{number: 35, name: "no sudo", options: []string{"sudo=none"}, code: 4, result: "installed", offers: passwords, says: "passwords are still accepted"},
	{number: 5, name: "a second sshd", hook: "printf '[Service]\\nExecStart=/usr/sbin/sshd -D -p 2222 -o PidFile=none\\n' >/etc/systemd/system/ssh2.service; ln -s ../ssh2.service /etc/systemd/system/multi-user.target.wants/ssh2.service", code: 1, result: "failed", offers: passwords, untouched: true, says: ":2222"},
}

// letIn makes an identity that opens the host already, and returns its file.
func (c *client) letIn(h *vpstest.Host) string {
	c.t.Helper()
	return c.keyFor(h, "owner", "/home/owner")
}

func (c *client) letInRoot(h *vpstest.Host) string {
	c.t.Helper()
	return c.keyFor(h, "root", "/root")
}

func (c *client) keyFor(h *vpstest.Host, user, home string) string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		c.t.Fatal(err)
	}
	h.Exec("mkdir -p -m 700 " + home + "/.ssh && echo '" + strings.TrimSpace(string(public)) + "' >" + home + "/.ssh/authorized_keys && chown -R " + user + ": " + home + "/.ssh")
	return file
}

// alreadyKeyOnly: somebody else's drop-in does it already, and another key opens the server. Ours is installed and proved; no drop-in
// is added.
func alreadyKeyOnly(t *testing.T, h *vpstest.Host, c *client) {
	identity, before := c.letIn(h), sshdFiles(h)
	stdout, _, code := c.kagiban(c.add(h, "-i", identity, "--json")...)
	if code != 0 || !strings.Contains(stdout, `"result":"key-only"`) {
		t.Errorf("exit %d", code)
	}
	if after := sshdFiles(h); after != before {
		t.Errorf("sshd's files:\n%s", after)
	}
	if lines := h.Exec("grep -c . /home/owner/.ssh/authorized_keys"); lines != "2\n" {
		t.Errorf("%s keys", lines)
	}
	c.again(h)
}

// secondFactor: the key and the password are both asked for. That is never weakened: nothing is changed, and it is said why.
func secondFactor(t *testing.T, h *vpstest.Host, c *client) {
	identity, before := c.letIn(h), h.Snapshot()
	_, stderr, code := c.kagiban(c.add(h, "-i", identity)...)
	if code != 1 || !strings.Contains(stderr, "second factor") || !strings.Contains(stderr, "/etc/ssh/sshd_config.d/60-methods.conf:1") {
		t.Errorf("exit %d", code)
	}
	if after := h.Snapshot(); after != before {
		t.Errorf("the server was changed:\n%s\n%s", before, after)
	}
}
