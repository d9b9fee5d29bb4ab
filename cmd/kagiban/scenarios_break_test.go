package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

const (
	lan = "printf 'Match Address 192.0.2.0/24\\n\\tPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/70-lan.conf\n"
	// ownSocket: a socket of the administrator's own starts an sshd for each connection, and nothing can tell it to read its files again.
	ownSocket = "printf '[Socket]\\nListenStream=22\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' >/etc/systemd/system/door.socket\n" +
		"printf '[Service]\\nExecStartPre=/bin/mkdir -p -m 755 /run/sshd\\nExecStart=-/usr/sbin/sshd -i\\nStandardInput=socket\\n' >/etc/systemd/system/door@.service\n" +
		"systemctl disable ssh.service; systemctl enable door.socket\n"
	// secondAddress: one sshd for the address that we know, and another one, which takes passwords whatever ours does, for the rest.
	secondAddress = "echo \"ListenAddress $VPS_ADDR\" >>/etc/ssh/sshd_config; echo 'ListenAddress 127.0.0.9' >/etc/ssh/inner\n" +
		"printf '[Service]\\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/inner -o PidFile=none\\nRuntimeDirectory=sshd\\nRuntimeDirectoryPreserve=yes\\n' >/etc/systemd/system/ssh2.service; ln -s ../ssh2.service /etc/systemd/system/multi-user.target.wants/ssh2.service\n"
)

// scenariosBreak are what a hostile look at the whole came upon.
var scenariosBreak = []scenario{
	{number: 9, name: "sshd_config with CRLF, and a Match in a drop-in", hook: lan + "sed -i 's/$/\\r/' /etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "70-lan.conf:2"},
	{number: 9, name: "an Include in single quotes", variant: true, hook: lan + "sed -i \"s#^Include .*#Include '/etc/ssh/sshd_config.d/*.conf'#\" /etc/ssh/sshd_config", only: []string{"bookworm", "trixie", "newest"},
		code: 1, result: "failed", offers: passwords, untouched: true, says: "70-lan.conf:2"},
	{number: 9, name: "Match LocalPort", hook: "printf 'Match LocalPort 2222\\n\\tX11Forwarding no\\n' >>/etc/ssh/sshd_config", result: "key-only", offers: keysOnly},
	{number: 8, name: "Match all lets passwords in", hook: "printf 'Match User backup\\n\\tX11Forwarding no\\nMatch all\\n\\tPasswordAuthentication yes\\n' >>/etc/ssh/sshd_config", code: 1, result: "failed",
		offers: passwords, untouched: true, says: "\"Match all\""},
	{number: 11, name: "AuthenticationMethods publickey, but not for all", hook: "printf 'AuthenticationMethods publickey\\nMatch Address 192.0.2.0/24\\n\\tAuthenticationMethods publickey password\\n' >>/etc/ssh/sshd_config", do: loosened},
	{number: 9, name: "no keys from elsewhere", hook: "printf 'Match Address *,!10.0.0.0/8,!198.18.0.0/15,!172.16.0.0/12\\n\\tPubkeyAuthentication no\\n' >>/etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true,
		says: "(pubkeyauthentication no inside"},
	{number: 14, name: "a port that sshd has not read yet", boot: "echo 'Port 2222' >/etc/ssh/sshd_config.d/50-port.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: ":2222"},
	{number: 14, name: "an address that sshd has not read yet", boot: "echo 'ListenAddress 192.0.2.9' >/etc/ssh/sshd_config.d/50-port.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "192.0.2.9:22"},
	{number: 14, name: "passwords are off in files that sshd has not read yet", boot: passwordsOff, do: interrupted},
	{number: 15, name: "a socket of the administrator's own", hook: ownSocket, do: cannotBeTold},
	{number: 45, name: "watcher stopped, then undo", do: undoneLate},
	{number: 45, name: "no ssh there, and passwords are turned off meanwhile", hook: "rm /usr/bin/ssh", do: settledWithoutSSH},
	{number: 6, name: "no Include, sshd_config immutable", hook: noInclude + "chattr +i /etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chattr -ia '/etc/ssh/sshd_config'"},
	{number: 5, name: "a link that sorts before ours", hook: "echo 'PasswordAuthentication yes' >/opt/first; ln -s /opt/first /etc/ssh/sshd_config.d/00-a.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/00-a.conf:1"},
	{number: 16, name: "a stale pid file, init.d", options: []string{"init=sysv"}, boot: "sleep 600 >/dev/null 2>&1 & echo $! >/run/sshd.pid; echo $! >/run/sleeper", do: stalePID},
	{number: 6, name: "an Include without its folder", variant: true, hook: "rm -r /etc/ssh/sshd_config.d", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo mkdir -m 755 /etc/ssh/sshd_config.d"},
	{number: 49, name: "another's key is revoked", hook: colleague + "colleague ann; key ann authorized_keys; cp ~ann/.ssh/authorized_keys /etc/ssh/revoked; echo 'RevokedKeys /etc/ssh/revoked' >/etc/ssh/sshd_config.d/60-revoked.conf",
		code: 5, result: "failed", offers: passwords, untouched: true, says: "ann: a password and no key"},
	{number: 49, name: "another's key is in a KRL", variant: true, hook: colleague + "colleague ann; key ann authorized_keys; ssh-keygen -q -k -f /etc/ssh/revoked ~ann/.ssh/authorized_keys; echo 'RevokedKeys /etc/ssh/revoked' >/etc/ssh/sshd_config.d/60-revoked.conf",
		code: 5, result: "failed", offers: passwords, untouched: true, says: "ann: a password and no key"},
	{number: 49, name: "somebody else's key is in a KRL", variant: true, hook: colleague + "colleague ann; key ann authorized_keys; ssh-keygen -q -k -f /etc/ssh/revoked /etc/ssh/ssh_host_ed25519_key.pub; echo 'RevokedKeys /etc/ssh/revoked' >/etc/ssh/sshd_config.d/60-revoked.conf",
		result: "key-only", offers: keysOnly},
	{number: 49, name: "somebody else's key is revoked", hook: colleague + "colleague ann; key ann authorized_keys; cp /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/revoked; echo 'RevokedKeys /etc/ssh/revoked' >/etc/ssh/sshd_config.d/60-revoked.conf",
		result: "key-only", offers: keysOnly},
	{number: 50, name: "a second sshd on the same port", hook: secondAddress, code: 1, result: "failed", offers: passwords, untouched: true, says: "127.0.0.9:22"},
}

const passwordsOff = "echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/50-off.conf"

// loosened: sshd offers keys alone here, and passwords elsewhere. That is not yet key-only, and becomes so.
func loosened(t *testing.T, h *vpstest.Host, c *client) {
	identity := c.letIn(h)
	if stdout, _, code := c.kagiban(c.add(h, "-i", identity)...); code != 0 || !strings.Contains(stdout, "vps1 is key-only: proved") {
		t.Errorf("exit %d, %q", code, stdout)
	}
	if open := h.Exec("sshd -T -C user=owner,host=x,addr=192.0.2.5,laddr=192.0.2.1,lport=22 | grep -ix 'passwordauthentication yes' || true"); open != "" {
		t.Errorf("from elsewhere: %s", open)
	}
	c.again(h)
}

// cannotBeTold: what cannot be put in force is undone, and that is seen to end, since sshd offers what it did.
func cannotBeTold(t *testing.T, h *vpstest.Host, c *client) {
	before := h.Snapshot()
	if _, stderr, code := c.kagiban(c.add(h)...); code != 6 || !strings.Contains(stderr, "the server is as it was before") {
		t.Errorf("exit %d", code)
	}
	if after := h.Snapshot(); after != before {
		t.Errorf("the server was changed:\n%s\n%s", before, after)
	}
	if left := h.Exec("ls /run/kagiban"); left != "undone\n" {
		t.Errorf("left behind: %s", left)
	}
}

// stalePID: a process that only has the number that sshd had once is left alone.
func stalePID(t *testing.T, h *vpstest.Host, c *client) {
	if _, _, code := c.kagiban(c.add(h)...); code != 6 {
		t.Errorf("exit %d", code)
	}
	h.Exec("kill -0 $(cat /run/sleeper)")
	c.until(10*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
}

// cutInForce starts a run and ends it by a signal when passwords are off and nothing is confirmed yet.
func (c *client) cutInForce(h *vpstest.Host, signal syscall.Signal, more ...string) string {
	c.t.Helper()
	cmd := c.command(c.add(h, more...)...)
	var talk strings.Builder
	cmd.Stdout, cmd.Stderr = &talk, onLine{&talk, "passwords off", func() { _ = cmd.Process.Signal(signal) }}
	err := cmd.Run()
	c.t.Logf("%v\n%s", err, talk.String())
	return talk.String()
}

// onLine writes what it is given on, and does something once a word was in it.
type onLine struct {
	to   *strings.Builder
	word string
	do   func()
}

func (o onLine) Write(b []byte) (int, error) {
	if strings.Contains(string(b), o.word) {
		o.do()
	}
	return o.to.Write(b)
}

// interrupted: the undo has sshd read files that turn passwords off. Then this client's key is what opens the server, and stays.
func interrupted(t *testing.T, h *vpstest.Host, c *client) {
	if talk := c.cutInForce(h, syscall.SIGINT); !strings.Contains(talk, "no password opens the server") {
		t.Errorf("%q", talk)
	}
	c.until(10*time.Second, keysOnly, func() string { return c.offered(h.User, h.Addr) })
	if out := h.Exec("ls /etc/ssh/sshd_config.d; grep -c . /home/owner/.ssh/authorized_keys"); out != "50-off.conf\n1\n" {
		t.Errorf("%q", out)
	}
	c.onceMore(h)
}

// undoneLate: a change that nobody confirmed, and whose watcher was stopped for good, is taken back by `host undo`, too.
func undoneLate(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	undo := []string{"host", "undo", "vps1", "-F", c.config, "--passphrase-file", c.passphrase, "--password-file", h.PasswordFile, "--yes"}
	if _, _, code := c.kagiban(undo...); code != 0 {
		t.Errorf("exit %d", code)
	}
	c.cutInForce(h, syscall.SIGKILL, "--undo-after", "10s")
	h.Exec("systemctl stop 'kagiban-undo-*'")
	c.until(30*time.Second, "over", func() string {
		return strings.TrimSpace(h.Exec("read -r _ at _ </run/kagiban/pending; [ \"$(cut -d. -f1 /proc/uptime)\" -lt \"$at\" ] || echo over"))
	})
	if stdout, _, code := c.kagiban(undo...); code != 0 || !strings.Contains(stdout, "takes publickey, password again") {
		t.Errorf("exit %d, %q", code, stdout)
	}
	c.until(10*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
}

// settledWithoutSSH: where there is nobody to ask sshd on the server, an undo ends when it has done what it can.
func settledWithoutSSH(t *testing.T, h *vpstest.Host, c *client) {
	c.cutInForce(h, syscall.SIGKILL, "--undo-after", "10s")
	h.Exec(passwordsOff)
	c.until(40*time.Second, "undone\n", func() string { return h.Exec("ls /run/kagiban") })
}
