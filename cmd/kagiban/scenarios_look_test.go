package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// Pieces of hooks.
const (
	someKeys   = "mkdir -m 700 /home/owner/.ssh; echo 'ssh-ed25519 AAAA other' >/home/owner/.ssh/authorized_keys; chmod 600 /home/owner/.ssh/authorized_keys; chown -R owner: /home/owner/.ssh\n"
	ownShell   = "usermod -s %s owner\n"
	noSSHD     = "ln -sf /dev/null /etc/systemd/system/ssh.service; rm -f /etc/systemd/system/multi-user.target.wants/ssh.service\n"
	startupEnd = "sed -i '1i %s' /home/owner/.bashrc\n"
)

// unit is a service of systemd's that starts at boot.
func unit(name, start string) string {
	return fmt.Sprintf("printf '[Service]\\nExecStart=%s\\n' >/etc/systemd/system/%s.service; ln -s ../%s.service /etc/systemd/system/multi-user.target.wants/\n", start, name, name)
}

// scenariosLook are what one may meet at the door: other servers, other shells, files that cannot be written.
var scenariosLook = []scenario{
	{number: 17, name: "dropbear", hook: noSSHD + "mkdir -p /etc/dropbear\n" + unit("db", "/usr/sbin/dropbear -F -E -R"), code: 4, result: "installed", offers: passwords, says: "this server is dropbear", after: sshdUntouched},
	{number: 17, name: "dropbear -s", variant: true, hook: noSSHD + "mkdir -p /etc/dropbear\n" + unit("db", "/usr/sbin/dropbear -F -E -R -s"), do: otherKeyFirst},
	{number: 18, name: "tinyssh", hook: noSSHD + tinyssh, do: otherKeyFirst},
	{number: 25, name: "keys file of root's", hook: someKeys + "chown root: /home/owner/.ssh/authorized_keys", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chown owner: '/home/owner/.ssh/authorized_keys'"},
	{number: 25, name: "keys file of root's that all may read", variant: true, hook: someKeys + "chown root: /home/owner/.ssh/authorized_keys; chmod 644 /home/owner/.ssh/authorized_keys", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chown owner: '/home/owner/.ssh/authorized_keys'"},
	{number: 25, name: "keys folder of root's", hook: someKeys + "chown root: /home/owner/.ssh; chmod 755 /home/owner/.ssh", code: 1, result: "failed", offers: passwords, untouched: true, says: "owner may not write /home/owner/.ssh"},
	{number: 24, name: "home of another's", hook: "useradd -M other; chown other /home/owner; chmod 755 /home/owner; install -d -m 700 -o owner /home/owner/.ssh", code: 6, result: "undone", offers: passwords, untouched: true, says: "sshd objects to /home/owner (owner 1001, mode 755)"},
	{number: 24, name: "home of another's, closed", variant: true, hook: "useradd -M other; chown other /home/owner; chmod 700 /home/owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chown owner: '/home/owner'"},
	{number: 24, name: "no home", hook: "rm -r /home/owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo mkhomedir_helper owner", after: mendedBy("mkhomedir_helper owner")},
	{number: 26, name: "keys file is a link", hook: "mkdir -m 700 /home/owner/.ssh /home/owner/keys; touch /home/owner/keys/mine; ln -s ../keys/mine /home/owner/.ssh/authorized_keys; chown -hR owner: /home/owner", result: "key-only", offers: keysOnly, after: stillLink},
	{number: 26, name: "keys file is a link to nowhere", variant: true, hook: "mkdir -m 700 /home/owner/.ssh; ln -s /nowhere/keys /home/owner/.ssh/authorized_keys; chown -hR owner: /home/owner/.ssh", code: 1, result: "failed", offers: passwords, untouched: true, says: "/home/owner/.ssh/authorized_keys is a link that leads nowhere"},
	{number: 27, name: "keys file immutable", hook: someKeys + "chattr +i /home/owner/.ssh/authorized_keys", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chattr -ia '/home/owner/.ssh/authorized_keys'"},
	{number: 27, name: "keys folder immutable", variant: true, hook: someKeys + "chattr +i /home/owner/.ssh", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chattr -ia '/home/owner/.ssh'"},
	{number: 27, name: "home append-only", variant: true, hook: "chattr +a /home/owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chattr -ia '/home/owner'"},
	{number: 27, name: "drop-in folder immutable", hook: "rmdir /etc/ssh/sshd_config.d; mkdir /etc/ssh/sshd_config.d; chattr +i /etc/ssh/sshd_config.d", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chattr -ia '/etc/ssh/sshd_config.d'"},
	{number: 28, name: "disk full", hook: someKeys, options: []string{"disk=16m"}, boot: "dd if=/dev/zero of=/var/full bs=4k 2>/dev/null || true", code: 1, result: "failed", offers: passwords, untouched: true, says: "the disk of / is full"},
	{number: 28, name: "disk full, the key alone", hook: someKeys, options: []string{"disk=16m"}, args: []string{"--no-enforce"}, boot: "dd if=/dev/zero of=/var/full bs=4k 2>/dev/null || true", code: 1, result: "failed", offers: passwords, untouched: true, says: "the disk of / is full"},
	{number: 28, name: "no inodes left", variant: true, boot: "mkdir /home/owner/.ssh; mount -t tmpfs -o size=1m,nr_inodes=2,uid=1000,gid=1000,mode=700 tmpfs /home/owner/.ssh; touch /home/owner/.ssh/x; chown owner: /home/owner/.ssh/x", code: 1, result: "failed", offers: passwords, untouched: true, says: "(No space left on device)"},
	{number: 27, name: "home immutable and open to all", hook: "chmod 777 /home/owner; " + someKeys + "chattr +i /home/owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "cannot change the mode of /home/owner (Operation not permitted)"},
	{number: 28, name: "run full", variant: true, boot: "dd if=/dev/zero of=/run/full bs=4k 2>/dev/null || true", code: 1, result: "failed", offers: passwords, untouched: true, says: "the disk of /run is full"},
	{number: 29, name: "home read-only", hook: someKeys, boot: "mount --bind /home/owner /home/owner; mount -o remount,bind,ro /home/owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo mount -o remount,bind,rw /home/owner", after: mendedBy("mount -o remount,bind,rw /home/owner")},
	{number: 29, name: "sshd folder read-only", boot: "mount --bind /etc/ssh /etc/ssh; mount -o remount,bind,ro /etc/ssh", code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo mount -o remount,bind,rw /etc/ssh", after: mendedBy("mount -o remount,bind,rw /etc/ssh")},
	{number: 29, name: "run read-only", boot: "mount --bind /run /run; mount -o remount,bind,ro /run", code: 1, result: "failed", offers: passwords, untouched: true, says: "/run is mounted read-only"},
	{number: 30, name: "fish", hook: fmt.Sprintf(ownShell, "/usr/bin/fish"), result: "key-only", offers: keysOnly},
	{number: 31, name: "nologin", hook: fmt.Sprintf(ownShell, "/usr/sbin/nologin"), code: 1, result: "failed", offers: passwords, untouched: true, says: "This account is currently not available"},
	{number: 31, name: "false for a shell", variant: true, hook: fmt.Sprintf(ownShell, "/bin/false"), code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chsh -s /bin/bash owner"},
	{number: 31, name: "rbash", hook: fmt.Sprintf(ownShell, "/bin/rbash"), result: "key-only", offers: keysOnly},
	{number: 31, name: "rbash with commands of its own", variant: true, hook: fmt.Sprintf(ownShell, "/bin/rbash") + fmt.Sprintf(startupEnd, "PATH=/home/owner/bin"), code: 1, result: "failed", offers: passwords, untouched: true, says: "sudo chsh -s /bin/bash owner"},
	{number: 32, name: "noisy .bashrc", hook: fmt.Sprintf(startupEnd, "for i in $(seq 1 10000); do echo \"welcome, friend, number $i\"; echo \"warning, friend, number $i\" >\\&2; done"), result: "key-only", offers: keysOnly},
	{number: 32, name: "Banner", hook: "echo 'Authorized use only. SSH-2.0-dropbear' >/etc/issue.net; echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/60-banner.conf", result: "key-only", offers: keysOnly},
	{number: 32, name: ".bashrc with exit 0", hook: fmt.Sprintf(startupEnd, "echo hello there; exit 0"), code: 1, result: "failed", offers: passwords, untouched: true, says: "startup files end the session before, or another command runs in its place. It ended with exit status 0 and printed \"hello there\""},
	{number: 33, name: "expired password", hook: "chage -d 0 owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "the password of owner@vps1 has expired"},
	{number: 33, name: "expired account", variant: true, hook: "chage -E 1 owner", code: 1, result: "failed", offers: passwords, untouched: true, says: "Your account has expired"},
	{number: 33, name: "logins closed", boot: "echo 'closed for repairs' >/etc/nologin", code: 1, result: "failed", offers: passwords, untouched: true, says: "it said: closed for repairs). It does so while there is a file /etc/nologin"},
	{number: 33, name: "logins closed without a word", boot: ": >/etc/nologin", code: 1, result: "failed", offers: passwords, untouched: true, says: "it did not say why). It does so while there is a file /etc/nologin"},
	{number: 21, name: "the same key with a command", do: sameKeyBound},
	{number: 23, name: "keys elsewhere", hook: keysElsewhere, do: keysPutByHand},
	{number: 23, name: "keys elsewhere, no root", hook: keysElsewhere, options: []string{"sudo=none"}, code: 6, result: "undone", offers: passwords, untouched: true, says: "sshd -T | grep -i authorizedkeysfile"},
	{number: 23, name: "keys elsewhere, put by hand, no root", hook: keysElsewhere, options: []string{"sudo=none"}, do: keysPutByHandNoRoot},
	{number: 23, name: "keys nowhere", variant: true, hook: "echo 'AuthorizedKeysFile none' >/etc/ssh/sshd_config.d/60-keys.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config.d/60-keys.conf:1 has AuthorizedKeysFile none"},
	{number: 23, name: "no keys are taken", hook: "echo 'PubkeyAuthentication no' >/etc/ssh/sshd_config.d/60-keys.conf", code: 1, result: "failed", offers: "password", untouched: true, says: "60-keys.conf:1 has PubkeyAuthentication no: sshd takes no keys (it offers password)"},
	{number: 38, name: "one try, and an agent with 8 keys", hook: oneTry, do: agentOfEight},
	{number: 38, name: "one try, and only the agent's fifth key opens it", hook: oneTry, do: agentsFifth},
	{number: 39, name: "no place left", hook: "printf 'MaxStartups 2\\nLoginGraceTime 600\\n' >/etc/ssh/sshd_config.d/60-places.conf", do: noPlaceLeft},
	{number: 39, name: "port closed", boot: "systemctl stop ssh.service", code: 1, result: "failed", untouched: true, says: "refuses connections: no SSH server listens there, or this computer is blocked"},
	{number: 47, name: "only ed25519 is known", do: oneHostKeyKnown},
	{number: 47, name: "the known host key is gone", do: knownHostKeyGone},
}

const (
	tinyssh = "mkdir -p /etc/tinyssh; /usr/sbin/tinysshd-makekey -q /etc/tinyssh/sshkeydir; cp /lib/systemd/system/tinysshd.socket /etc/systemd/system/tiny.socket\n" +
		"cp /lib/systemd/system/tinysshd@.service /etc/systemd/system/tiny@.service; mkdir -p /etc/systemd/system/sockets.target.wants; ln -s ../tiny.socket /etc/systemd/system/sockets.target.wants/\n"
	keysElsewhere = "mkdir -m 755 /etc/ssh/keys; echo 'AuthorizedKeysFile /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/60-keys.conf\n"
	oneTry        = "echo 'MaxAuthTries 1' >/etc/ssh/sshd_config.d/60-tries.conf\n"
)

// identity is a key of the owner's besides kagiban's.
type identity struct{ file, public string }

func newIdentity(t *testing.T) identity {
	t.Helper()
	i := identity{file: filepath.Join(t.TempDir(), "id")}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", i.file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(i.file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	i.public = strings.TrimSpace(string(public))
	return i
}

func eightKeys(t *testing.T) []identity {
	keys := make([]identity, 8)
	for i := range keys {
		keys[i] = newIdentity(t)
	}
	return keys
}

// agent starts OpenSSH's agent with these keys; kagiban is told of it.
func (c *client) agent(keys ...identity) {
	c.t.Helper()
	folder, err := os.MkdirTemp("", "kagiban-agent") // a socket's path is short
	if err != nil {
		c.t.Fatal(err)
	}
	socket := filepath.Join(folder, "s")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = agent.Process.Kill()
		_ = agent.Wait() // it was killed
		_ = os.RemoveAll(folder)
	})
	c.until(10*time.Second, "there", func() string {
		if _, err := os.Stat(socket); err != nil {
			return err.Error()
		}
		return "there"
	})
	c.env = append(c.env, "SSH_AUTH_SOCK="+socket)
	for _, key := range keys {
		add := exec.Command("ssh-add", "-q", key.file)
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err != nil {
			c.t.Fatalf("%v: %s", err, out)
		}
	}
}

// publicLine is the line of kagiban's key in authorized_keys.
func (c *client) publicLine() string {
	c.t.Helper()
	out, _, code := c.kagiban("key", "show", "laptop", "--public")
	if code != 0 {
		c.t.Fatal("no key laptop")
	}
	return strings.TrimSpace(out)
}

// know puts one of the server's host keys into known_hosts, and nothing else.
func (c *client) know(h *vpstest.Host, kind string) {
	c.write(filepath.Join(filepath.Dir(c.home), "known_hosts"), h.Addr+" "+h.Exec("cut -d' ' -f1,2 /etc/ssh/ssh_host_"+kind+"_key.pub"))
}

// otherKeyFirst: a server that takes no passwords, which another key opens already.
func otherKeyFirst(t *testing.T, h *vpstest.Host, c *client) {
	identity := newIdentity(t)
	h.Exec("install -d -m 700 -o owner -g owner /home/owner/.ssh; install -m 600 -o owner -g owner /dev/null /home/owner/.ssh/authorized_keys; echo '" + identity.public + "' >/home/owner/.ssh/authorized_keys")
	s := scenario{code: 4, result: "installed", offers: keysOnly, says: "nothing that is typed (whether other accounts are was not checked)", args: []string{"-i", identity.file}}
	s.add(t, h, c)
	s.result = "unchanged" // it opens by the new key alone, too
	s.args = nil
	s.add(t, h, c)
	sshdUntouched(t, h, c)
}

func sshdUntouched(t *testing.T, h *vpstest.Host, _ *client) {
	if got := h.Exec("ls /etc/ssh/sshd_config.d"); got != "" {
		t.Errorf("sshd's files: %s", got)
	}
}

func stillLink(t *testing.T, h *vpstest.Host, _ *client) {
	if got := h.Exec("readlink /home/owner/.ssh/authorized_keys; grep -c ssh-ed25519 /home/owner/keys/mine"); got != "../keys/mine\n1\n" {
		t.Errorf("%q", got)
	}
}

// mendedBy: the command that the message names mends it.
func mendedBy(command string) func(*testing.T, *vpstest.Host, *client) {
	return func(t *testing.T, h *vpstest.Host, c *client) {
		h.Exec(command)
		c.onceMore(h)
	}
}

// sameKeyBound: the key is there with a forced command, so a login by it would not be a login.
func sameKeyBound(t *testing.T, h *vpstest.Host, c *client) {
	line := "command=\"echo no\",restrict " + c.publicLine()
	h.Exec("install -d -m 700 -o owner -g owner /home/owner/.ssh; install -m 600 -o owner -g owner /dev/null /home/owner/.ssh/authorized_keys; printf '# mine\\n%s\\n' '" + line + "' >/home/owner/.ssh/authorized_keys")
	scenario{code: 1, result: "failed", offers: passwords, untouched: true, says: "/home/owner/.ssh/authorized_keys:2 has this key with options"}.add(t, h, c)
	h.Exec("sed -i 2d /home/owner/.ssh/authorized_keys") // as the message has it
	c.onceMore(h)
}

// keysPutByHand: the message says which command puts the key where sshd looks; then all goes on, and ~/.ssh stays as it was.
func keysPutByHand(t *testing.T, h *vpstest.Host, c *client) {
	command := "printf '%s\\n' '" + c.publicLine() + "' | sudo tee -a /etc/ssh/keys/owner"
	scenario{code: 1, result: "failed", offers: passwords, untouched: true, says: command}.add(t, h, c)
	scenario{code: 1, result: "failed", offers: passwords, untouched: true, says: "60-keys.conf:1 has AuthorizedKeysFile /etc/ssh/keys/%u"}.add(t, h, c)
	h.Exec(strings.Replace(command, "sudo ", "", 1))
	scenario{result: "key-only", offers: keysOnly}.add(t, h, c)
	if got := h.Exec("ls -a /home/owner | grep -x .ssh || true"); got != "" {
		t.Errorf("~/.ssh was touched: %q", got)
	}
}

// keysPutByHandNoRoot: the key opens the server already, by a file that the user does not even see.
func keysPutByHandNoRoot(t *testing.T, h *vpstest.Host, c *client) {
	h.Exec("echo '" + c.publicLine() + "' >/etc/ssh/keys/owner")
	scenario{code: 4, result: "unchanged", offers: passwords, untouched: true, says: "passwords are still accepted"}.add(t, h, c)
}

// agentOfEight: of eight keys the first alone is looked at; the password opens the server nevertheless.
func agentOfEight(t *testing.T, h *vpstest.Host, c *client) {
	c.agent(eightKeys(t)...)
	s := scenario{result: "key-only", offers: keysOnly}
	s.add(t, h, c)
}

// agentsFifth: passwords are off already, and each connection looks at one key.
func agentsFifth(t *testing.T, h *vpstest.Host, c *client) {
	keys := eightKeys(t)
	c.agent(keys...)
	h.Exec("printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\n' >/etc/ssh/sshd_config.d/61-keys.conf; " + vpstest.Reload + "\n" +
		"install -d -m 700 -o owner -g owner /home/owner/.ssh; install -m 600 -o owner -g owner /dev/null /home/owner/.ssh/authorized_keys; echo '" + keys[4].public + "' >/home/owner/.ssh/authorized_keys")
	scenario{result: "key-only", offers: keysOnly}.add(t, h, c)
}

// noPlaceLeft: others hold every place that sshd has for who is not logged in yet.
func noPlaceLeft(t *testing.T, h *vpstest.Host, c *client) {
	for range 2 {
		idle, err := net.Dial("tcp", h.Addr+":22")
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		if _, err := idle.Read(make([]byte, 4)); err != nil { // it has its place
			t.Fatal(err)
		}
	}
	before := h.Snapshot()
	_, stderr, code := c.kagiban(c.add(h)...)
	if code != 1 || !strings.Contains(stderr, "hung up before the login") || !strings.Contains(stderr, "MaxStartups") || h.Snapshot() != before {
		t.Errorf("exit %d", code)
	}
}

// oneHostKeyKnown: the server has three host keys, and ssh knows the one that it would not ask for first.
func oneHostKeyKnown(t *testing.T, h *vpstest.Host, c *client) {
	for _, kind := range []string{"rsa", "ed25519"} {
		c.know(h, kind)
		args := c.add(h)
		for i, arg := range args {
			if arg == "--accept-new" {
				args = append(args[:i], args[i+1:]...)
				break
			}
		}
		if _, _, code := c.kagiban(args...); code != 0 {
			t.Errorf("%s: exit %d", kind, code)
		}
	}
}

// knownHostKeyGone: ssh knows a host key that the server has no more. Nothing secret is sent, whatever flags are given.
func knownHostKeyGone(t *testing.T, h *vpstest.Host, c *client) {
	c.know(h, "ed25519")
	h.Exec("rm /etc/ssh/ssh_host_ed25519_key*; systemctl restart ssh")
	scenario{code: 1, result: "failed", untouched: true, says: "known_hosts:1 has another"}.add(t, h, c)
	if log := h.Exec("journalctl -u ssh --no-pager -o cat"); strings.Contains(log, "Accepted") || strings.Contains(log, "Failed") {
		t.Errorf("something was shown: %s", log)
	}
}
