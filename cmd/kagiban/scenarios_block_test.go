package main

import (
	"strings"
	"testing"
	"time"

	"kagiban/hostsetup/sshd"
	"kagiban/scripts/vpstest"
)

const (
	noInclude = "sed -i '/^Include/d' /etc/ssh/sshd_config\n"
	// A real sshd that has never heard of Include, as before OpenSSH 8.2: the word is taken out of its table of keywords.
	oldSSHD = noInclude + "LC_ALL=C sed -i 's/\\x00[iI]nclude\\x00/\\x00xnclude\\x00/g' /usr/sbin/sshd $(ls /usr/lib/openssh/sshd-session /usr/lib/openssh/sshd-auth 2>/dev/null)\n" +
		"echo 'Include /nonexistent/*' >/tmp/x; sshd -t -f /tmp/x 2>&1 | grep 'onfiguration option'; rm /tmp/x\n"
)

// scenariosBlock are servers on which sshd_config.d is not read, or not for everybody: there the settings are a block in sshd_config.
var scenariosBlock = []scenario{
	{number: 6, name: "no Include", hook: noInclude, result: "key-only", offers: keysOnly, after: blockStands},
	{number: 6, name: "no Include, and a yes", variant: true, hook: noInclude + "sed -i '1i # mine\\nPasswordAuthentication yes' /etc/ssh/sshd_config", result: "key-only", offers: keysOnly, after: blockStands},
	{number: 6, name: "no Include, CRLF, no final newline", hook: noInclude + "sed -i 's/$/\\r/' /etc/ssh/sshd_config; printf 'UseDNS no' >>/etc/ssh/sshd_config", result: "key-only", offers: keysOnly, after: blockStands},
	{number: 6, name: "no Include, sshd_config is a link", hook: noInclude + "mv /etc/ssh/sshd_config /etc/ssh/own; chmod 600 /etc/ssh/own; ln -s own /etc/ssh/sshd_config", result: "key-only", offers: keysOnly, after: func(t *testing.T, h *vpstest.Host, c *client) {
		if got := h.Exec("readlink /etc/ssh/sshd_config; stat -c %a /etc/ssh/own"); got != "own\n600\n" {
			t.Errorf("%q", got)
		}
		blockStands(t, h, c)
	}},
	{number: 6, name: "the Include inside of a Match", hook: noInclude + "printf 'Match User backup\\n\\tInclude /etc/ssh/sshd_config.d/*.conf\\n' >>/etc/ssh/sshd_config", result: "key-only", offers: keysOnly, after: blockStands},
	{number: 6, name: "no Include, Match lets passwords in", hook: noInclude + "printf 'Match User backup\\n\\tPasswordAuthentication yes\\n' >>/etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config:"},
	{number: 6, name: "no Include, client killed", hook: noInclude, do: killedInForce},
	{number: 6, name: "no Include, client killed, init.d", variant: true, hook: noInclude, options: []string{"init=sysv"}, do: killedInForce},
	{number: 6, name: "no Include, reboot", hook: noInclude, do: blockRebooted},
	{number: 6, name: "older than Include", hook: oldSSHD, result: "key-only", offers: keysOnly, after: blockStands},
	{number: 6, name: "older than Include, client killed", variant: true, hook: oldSSHD, do: killedInForce},
	{number: 6, name: "older than Include, reboot", hook: oldSSHD, do: blockRebooted},
	{number: 6, name: "older than Include, reboot, init.d", hook: oldSSHD, options: []string{"init=sysv"}, do: blockRebooted},
	{number: 6, name: "older than Include, client killed, init.d", hook: oldSSHD + "rm /etc/default/ssh", options: []string{"init=sysv"}, do: killedInForce},
	{number: 6, name: "the block's end is gone", hook: noInclude, boot: "sed -i '1i # kagiban: begin' /etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "delete the other mark"},
}

// blockStands: the block is there, whole and first; host undo takes it away, and all else is as it was.
func blockStands(t *testing.T, h *vpstest.Host, c *client) {
	config := h.Exec("cat /etc/ssh/sshd_config")
	rest, found := strings.CutPrefix(config, sshd.Block)
	if !found {
		t.Errorf("sshd_config is\n%s", config)
	}
	if left := h.Exec(recoveryLeft); left != "" {
		t.Errorf("left: %s", left)
	}
	if _, _, code := c.kagiban("host", "undo", "vps1", "-F", c.config, "--yes", "--passphrase-file", c.passphrase, "--password-file", h.PasswordFile); code != 0 {
		t.Errorf("undo: exit %d", code)
	}
	if offers := c.offered(h.User, h.Addr); offers != passwords {
		t.Errorf("after undo: %q", offers)
	}
	if now := h.Exec("cat /etc/ssh/sshd_config"); now != rest {
		t.Errorf("after undo sshd_config is\n%s\nwant\n%s", now, rest)
	}
}

// recoveryLeft names what takes an old sshd's block out at boot.
const recoveryLeft = "ls -d /etc/ssh/kagiban* /etc/systemd/system/kagiban* /etc/systemd/system/*.wants/kagiban* 2>/dev/null; grep -s kagiban /etc/default/ssh; true"

func everySSHDFile(h *vpstest.Host) string {
	return sshdFiles(h) + h.Exec("cat /etc/default/ssh 2>/dev/null; "+recoveryLeft)
}

// blockRebooted: the power is cut when the change is in force. At the next boot sshd has its old configuration: from an Include of what is
// gone, or, where sshd knows none, because the block was taken out before it started.
func blockRebooted(t *testing.T, h *vpstest.Host, c *client) {
	before := everySSHDFile(h)
	old := h.Exec("echo 'Include /nonexistent/*' | sshd -t -f /dev/stdin 2>&1 | grep 'onfiguration option' || true") != ""
	c.dieInForce(h, "10m")
	if in := h.Exec(recoveryLeft); (in != "") != old {
		t.Errorf("what takes the block out at boot: %q", in)
	}
	h.Reboot(true)
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	if after := everySSHDFile(h); old && after != before {
		t.Errorf("after the reboot:\n%s\nwant\n%s", after, before)
	}
	c.onceMore(h)
}
