package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

const (
	// watchful makes sshd tighter than it is by default: two refused passwords, or five visits without any attempt, and the door is closed
	// for a while. It also says what it counts.
	watchful = "printf 'PerSourcePenalties authfail:10s noauth:4s min:20s max:600s\\nLogLevel VERBOSE\\n' >/etc/ssh/sshd_config.d/20-penalties.conf\n"
	// fail2ban with Debian's own jail for sshd. Without syslog older releases have to be told where the log is, as their README says.
	fail2ban = "systemctl enable fail2ban.service 2>/dev/null\ngrep -q 'backend = systemd' /etc/fail2ban/jail.d/defaults-debian.conf || printf '[sshd]\\nbackend = systemd\\n' >/etc/fail2ban/jail.local\n"
	// frugal puts busybox's applets in place of the usual tools, and its sh in place of dash.
	frugal = "for tool in sh cat grep egrep fgrep sed awk cut head tail wc ls mv cp ln rm rmdir chmod chown sync sort uniq readlink mkdir cmp sleep " +
		"setsid id tr find dirname basename date kill printf test tee touch mktemp stat env seq expr od base64 xargs uname hostname true false echo " +
		"pidof ps sha256sum; do for dir in /bin /usr/bin; do [ ! -e $dir/$tool ] || ! busybox --list | grep -qx $tool || ln -sf /bin/busybox $dir/$tool; done; done\n" +
		"[ \"$(readlink /bin/sh)\" = /bin/busybox ]\n"
	// bare: what is useful, and not everywhere.
	bare = frugal + "rm -f /bin/ss /usr/bin/ss /usr/sbin/ss /usr/bin/getent /usr/bin/setsid /usr/bin/ssh /usr/bin/cksum\n"
	// mortal: logind ends what a session leaves behind.
	mortal = "mkdir -p /etc/systemd/logind.conf.d; printf '[Login]\\nKillUserProcesses=yes\\n' >/etc/systemd/logind.conf.d/kill.conf\n"
)

// scenariosRuns take more than one run of host add, or what happens to the server in between.
var scenariosRuns = []scenario{
	{number: 16, name: "busybox userland", hook: frugal, result: "key-only", offers: keysOnly},
	{number: 16, name: "busybox userland, client killed", variant: true, hook: frugal, do: killedInForce},
	{number: 16, name: "busybox userland, init.d", hook: frugal, options: []string{"init=sysv"}, result: "key-only", offers: keysOnly},
	{number: 16, name: "busybox userland, init.d, client killed", hook: frugal, options: []string{"init=sysv"}, do: killedInForce},
	{number: 16, name: "bare userland", variant: true, hook: bare, result: "key-only", offers: keysOnly},
	{number: 16, name: "bare userland, init.d", variant: true, hook: bare, options: []string{"init=sysv"}, result: "key-only", offers: keysOnly},
	{number: 16, name: "bare userland, init.d, client killed", hook: bare, options: []string{"init=sysv"}, do: killedInForce},
	{number: 20, name: "keys file with CRLF", do: keysFileCRLF},
	{number: 20, name: "keys file with a BOM", do: keysFileBOM},
	{number: 36, name: "PerSourcePenalties", hook: watchful, only: []string{"trixie", "newest"}, do: func(t *testing.T, h *vpstest.Host, c *client) { threeVisits(t, h, c, "penalty") }},
	{number: 37, name: "fail2ban", hook: fail2ban, do: func(t *testing.T, h *vpstest.Host, c *client) {
		c.until(60*time.Second, "0", func() string { return banned(h) }) // it has begun
		threeVisits(t, h, c, "fail2ban")
	}},
	{number: 43, name: "hard reboot before the confirmation", do: rebootBefore},
	{number: 43, name: "hard reboot before the confirmation, init.d", variant: true, options: []string{"init=sysv"}, do: rebootBefore},
	{number: 43, name: "hard reboot before the confirmation, ssh.socket", variant: true, options: []string{"socket=yes"}, do: rebootBefore},
	{number: 43, name: "hard reboot after the confirmation", do: rebootAfter},
	{number: 43, name: "hard reboot after the confirmation, init.d", variant: true, options: []string{"init=sysv"}, do: rebootAfter},
	{number: 44, name: "KillUserProcesses", hook: mortal, do: killedSession},
	{number: 48, name: "a second client by the first's key", do: func(t *testing.T, h *vpstest.Host, c *client) { secondClient(t, h, c, false) }},
	{number: 48, name: "a second client by the first's agent", do: func(t *testing.T, h *vpstest.Host, c *client) { secondClient(t, h, c, true) }},
}

// opens tells whether the real ssh gets in with an identity alone.
func (c *client) opens(h *vpstest.Host, identity string) bool {
	out, err := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "IdentitiesOnly=yes", "-i", identity,
		"-l", h.User, "--", h.Addr, "echo opened").CombinedOutput()
	c.t.Logf("ssh -i %s: %v\n%s", identity, err, out)
	return strings.Contains(string(out), "opened\n")
}

func keysFileCRLF(t *testing.T, h *vpstest.Host, c *client) {
	identity := c.letIn(h)
	h.Exec("sed -i 's/$/\\r/' /home/owner/.ssh/authorized_keys")
	c.onceMore(h)
	if !c.opens(h, identity) {
		t.Error("the key that was there does not open it any more")
	}
	c.again(h)
}

// keysFileBOM: sshd does not take the first line for a key, so our key is not there although one sees it.
func keysFileBOM(t *testing.T, h *vpstest.Host, c *client) {
	public, err := os.ReadFile(filepath.Join(c.home, "keys", "laptop.pub"))
	if err != nil {
		t.Fatal(err)
	}
	h.Exec("mkdir -m 700 /home/owner/.ssh && printf '\\357\\273\\277%s\\n' '" + strings.TrimSpace(string(public)) + "' >/home/owner/.ssh/authorized_keys && chown -R owner: /home/owner/.ssh")
	c.onceMore(h)
	if offers := c.offered(h.User, h.Addr); offers != keysOnly {
		t.Errorf("offers %q", offers)
	}
	c.again(h)
}

// banned is how many addresses fail2ban has kept out so far; "" while it does not answer.
func banned(h *vpstest.Host) string {
	return strings.TrimSpace(h.Exec("fail2ban-client status sshd 2>/dev/null | sed -n 's/.*Total banned:[^0-9]*//p'"))
}

// threeVisits: three runs in a row, and three each of which finds passwords on and no key (a reload makes sshd forget its penalties), are never
// taken for an attack by what watches the door. It does watch: wrong passwords are.
func threeVisits(t *testing.T, h *vpstest.Host, c *client, watch string) {
	c.onceMore(h)
	c.again(h)
	c.again(h)
	for range 3 {
		c.onceMore(h)
		h.Exec("rm -r /etc/ssh/sshd_config.d/00-kagiban.conf /home/owner/.ssh; " + vpstest.Reload)
	}
	noticed := "journalctl -o cat | grep -i penalt || true"
	if watch == "fail2ban" {
		noticed = "fail2ban-client status sshd | sed -n 's/.*Total failed:[^0-9]*//p'"
	}
	t.Logf("counted against us: %s", h.Exec(noticed))
	if watch == "fail2ban" && banned(h) != "0" {
		t.Errorf("banned: %s", h.Exec("fail2ban-client status sshd"))
	}
	if offers := c.offered(h.User, h.Addr); offers != passwords {
		t.Errorf("afterwards %q is offered: the client is shut out", offers)
	}
	wrong := filepath.Join(t.TempDir(), "wrong")
	c.write(wrong, "not it\n")
	args := c.add(h)
	for i, arg := range args {
		if arg == h.PasswordFile {
			args[i] = wrong
		}
	}
	c.until(120*time.Second, "shut out", func() string {
		c.kagiban(args...)
		if watch == "fail2ban" && banned(h) == "0" { // it bans when it likes: a connection that is open then hears nothing more
			return "let in"
		}
		return map[bool]string{true: "shut out", false: "let in"}[c.offered(h.User, h.Addr) == ""]
	})
	if watch == "penalty" { // that passes, and it is waited for
		if _, stderr, code := c.kagiban(c.add(h)...); code != 0 || strings.Count(stderr, "PerSourcePenalties") != 1 {
			t.Errorf("shut out for a moment: exit %d, %q", code, stderr)
		}
	}
}

// killedInForce: the client dies by kill -9 once the change is in force. The server goes back by itself.
func killedInForce(t *testing.T, h *vpstest.Host, c *client) {
	before := everySSHDFile(h)
	c.dieInForce(h, "10s")
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	c.until(30*time.Second, before, func() string { return everySSHDFile(h) })
	c.onceMore(h)
}

// rebootBefore: the power is cut while the change waits for its confirmation.
func rebootBefore(t *testing.T, h *vpstest.Host, c *client) {
	c.dieInForce(h, "10m")
	if _, stderr, code := c.kagiban(c.add(h)...); code != 1 || !strings.Contains(stderr, "another change") {
		t.Errorf("while it waits: exit %d", code)
	}
	h.Reboot(true)
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	h.Exec("mkdir -p /run/sshd; sshd -t")
	// What the first change left is not mistaken for an earlier drop-in, to be put back.
	c.dieInForce(h, "10s")
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	c.until(30*time.Second, "", func() string { return h.Exec("ls /etc/ssh/sshd_config.d") })
	c.onceMore(h)
	c.again(h)
}

// rebootAfter: the power is cut as soon as the run has said that it is done.
func rebootAfter(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	h.Reboot(true)
	c.until(60*time.Second, keysOnly, func() string { return c.offered(h.User, h.Addr) })
	h.Exec("mkdir -p /run/sshd; sshd -t")
	c.again(h)
}

// killedSession: the watcher is no child of the login, so it outlives it.
func killedSession(t *testing.T, h *vpstest.Host, c *client) {
	identity := c.letIn(h)
	out, err := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-i", identity, "-l", "owner", "--", h.Addr,
		"setsid sleep 600 </dev/null >/dev/null 2>&1 & kill -0 $!").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.until(10*time.Second, "", func() string { return h.Exec("pgrep -x sleep -u owner || true") }) // sessions are ended for good here
	c.dieInForce(h, "10s")
	c.until(60*time.Second, passwords, func() string { return c.offered("owner", h.Addr) })
	c.onceMore(h)
}

// secondClient: passwords are off. Another computer of the owner's comes in by the first one's key, and adds its own.
func secondClient(t *testing.T, h *vpstest.Host, first *client, agent bool) {
	second := newClient(t)
	first.onceMore(h)
	exported, fresh := filepath.Join(t.TempDir(), "exported"), filepath.Join(t.TempDir(), "fresh")
	first.write(fresh, "for the file\n")
	first.must("key", "export", "laptop", "-o", exported, "--passphrase-file", first.passphrase, "--new-passphrase-file", fresh)
	if out, err := exec.Command("ssh-keygen", "-q", "-p", "-f", exported, "-P", "for the file", "-N", "").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var via []string
	if agent {
		first.startAgent()
		first.must("unlock", "laptop", "--passphrase-file", first.passphrase)
	} else {
		via = []string{"-i", exported}
	}
	second.write(second.passphrase, "battery staple\n")
	args := append([]string{"host", "add", h.User + "@" + h.Addr, "--name", "vps1", "-F", second.config, "--key", "desk", "--passphrase-file", second.passphrase,
		"--sudo-password-file", h.PasswordFile, "--accept-new", "--yes"}, via...)
	cmd := second.command(args...)
	if agent {
		cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+filepath.Join(first.home, "run", "agent.sock"))
	}
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &talk, &talk
	err := cmd.Run()
	t.Logf("the second client: %v\n%s", err, talk.String())
	if err != nil {
		t.Error("it could not add its key")
	}
	for user, want := range map[string]string{h.User: keysOnly, "root": keysOnly} {
		if offers := second.offered(user, h.Addr); offers != want {
			t.Errorf("%s is offered %q", user, offers)
		}
	}
	if !first.opens(h, exported) {
		t.Error("the first client's key does not open it any more")
	}
	first.again(h)
	stdout, _, code := second.kagiban(args[:len(args)-len(via)]...)
	if code != 0 || !strings.Contains(stdout, "vps1 is already key-only") {
		t.Errorf("the second client by its own key: exit %d, %q", code, stdout)
	}
}
