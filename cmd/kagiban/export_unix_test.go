//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// ansible is Debian's, with a home of its own, that logs in with a key of its own.
type ansible struct {
	t                      *testing.T
	folder, home, identity string
	config, askpass        string // ssh's
}

func newAnsible(c *client) *ansible {
	c.t.Helper()
	home := c.t.TempDir()
	a := &ansible{c.t, filepath.Join(home, "servers"), home, filepath.Join(home, "their_key"), filepath.Join(home, "ssh_config"), filepath.Join(home, "askpass")}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "somebody else", "-f", a.identity).CombinedOutput(); err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
	c.write(a.config, "Host *\n\tUserKnownHostsFile "+filepath.Join(filepath.Dir(c.config), "known_hosts")+"\n\tGlobalKnownHostsFile /dev/null\n\tIdentityAgent none\n")
	return a
}

var recap = regexp.MustCompile(`ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)`)

// play runs the exported playbook, and returns how many things it changed.
func (a *ansible) play(sshArgs string, args ...string) (changed string, out string, ok bool) {
	a.t.Helper()
	cmd := exec.Command("ansible-playbook", append([]string{"-i", filepath.Join(a.folder, "inventory.yml"), filepath.Join(a.folder, "playbook.yml")}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + a.home, "ANSIBLE_HOME=" + a.home, "ANSIBLE_LOCAL_TEMP=" + a.home, "ANSIBLE_NOCOLOR=1", "LC_ALL=C.UTF-8", "SSH_ASKPASS=" + a.askpass, "SSH_ASKPASS_REQUIRE=force",
		"ANSIBLE_SSH_CONTROL_PATH_DIR=" + filepath.Join(a.home, "cp"), "ANSIBLE_SSH_ARGS=-F " + a.config + " -o ControlMaster=auto -o ControlPersist=5s " + sshArgs}
	detach(cmd)
	text, err := cmd.CombinedOutput()
	a.t.Logf("ansible-playbook: %v\n%s", err, text)
	m := recap.FindStringSubmatch(string(text))
	if m == nil {
		a.t.Fatal("no recap")
	}
	return m[1], string(text), err == nil && m[2] == "0" && m[3] == "0"
}

// TestExportAnsible: Debian's ansible leads a server to the state that kagiban calls key-only, and a second run has nothing to do. It turns no
// password off where the key is not proved, or where that would not be the end of it.
func TestExportAnsible(t *testing.T) {
	h, c := vpstest.Up(t, "", "sudo=nopasswd"), newClient(t)
	c.must(c.add(h, "--no-enforce")...)
	a := newAnsible(c)
	theirs := strings.TrimSpace(read(t, a.identity+".pub"))
	h.Exec("printf '%s' '" + theirs + "' >/home/owner/.ssh/authorized_keys") // without a newline
	for range 2 {                                                            // what was written is written anew
		c.must("host", "export", "ansible", "-o", a.folder, "-F", c.config)
	}
	c.write(a.askpass, "#!/bin/sh\ncat "+h.PasswordFile+"\n")
	if err := os.Chmod(a.askpass, 0o700); err != nil {
		t.Fatal(err)
	}
	before := sshdFiles(h)
	byPassword, byKey := "-o PasswordAuthentication=yes -o PreferredAuthentications=password -o IdentityFile=none", "-o IdentityFile="+a.identity
	if _, out, ok := a.play(byPassword, "-e", "kagiban_patience=2"); ok || !strings.Contains(out, "TASK [A key opens the server]") || strings.Contains(out, "TASK [The drop-in") || sshdFiles(h) != before || c.offered(h.User, h.Addr) != passwords {
		t.Errorf("a key that is not proved: %v, %s", ok, sshdFiles(h))
	}
	h.Exec("sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config; printf '# Written by kagiban\nMaxAuthTries 5\n' >/etc/ssh/sshd_config.d/00-kagiban.conf") // above the Include; and one of before
	before = sshdFiles(h)
	if _, out, ok := a.play(byKey); ok || !strings.Contains(out, "failed, and taken back: Nobody gets in") || sshdFiles(h) != before || c.offered(h.User, h.Addr) != passwords {
		t.Errorf("a line that overrules the drop-in: %v, %s", ok, sshdFiles(h))
	}
	h.Exec("sed -i 1d /etc/ssh/sshd_config; rm /etc/ssh/sshd_config.d/00-kagiban.conf")

	if changed, _, ok := a.play(byKey); !ok || changed == "0" || c.offered(h.User, h.Addr) != keysOnly {
		t.Errorf("the first run: %v, %s changed", ok, changed)
	}
	ours := strings.TrimSpace(read(t, filepath.Join(c.home, "keys", "laptop.pub")))
	if keys := h.Exec("cat /home/owner/.ssh/authorized_keys"); keys != theirs+"\n"+ours+"\n" {
		t.Errorf("authorized_keys: %q", keys)
	}
	if changed, _, ok := a.play(byKey); !ok || changed != "0" {
		t.Errorf("the second run: %v, %s changed", ok, changed)
	}
	if out, _, code := c.kagiban("host", "check", "-F", c.config, "vps1", "--json", "--passphrase-file", c.passphrase); code != 0 || !strings.Contains(out, `"key_only":true`) {
		t.Errorf("host check: exit %d, %s", code, out)
	}
	c.again(h)
}

// TestExportCloudInit: cloud-init itself has nothing to say against the user-data, and the server that is born of it never offers a password.
func TestExportCloudInit(t *testing.T) {
	c := newClient(t)
	data, _, code := c.kagiban("host", "export", "cloud-init", "--user", "alice", "--key", "laptop", "--passphrase-file", c.passphrase)
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	h := vpstest.Up(t, "mkdir -p /var/lib/cloud/seed/nocloud\ncd /var/lib/cloud/seed/nocloud\necho 'instance-id: born' >meta-data\ncat >user-data <<'DATA'\n"+data+"DATA\n"+
		"echo 'datasource_list: [NoCloud]\nnetwork: {config: disabled}' >/etc/cloud/cloud.cfg.d/99-here.cfg\n", "base=cloud")
	seen := h.Exec("cd /var/lib/cloud/seed/nocloud; cloud-init schema --config-file user-data; echo 'ssh_pwauth: [no]' >>user-data; cloud-init schema --config-file user-data 2>&1 || echo the spoilt one is not")
	if !strings.Contains(seen, "Valid cloud-config: user-data") || !strings.Contains(seen, "the spoilt one is not") {
		t.Errorf("cloud-init schema: %s", seen)
	}
	h.Exec("timeout 120 cloud-init status --wait >&2 || true")
	for _, user := range []string{"alice", h.User, "root"} {
		if offers := c.offered(user, h.Addr); offers != keysOnly {
			t.Errorf("%s is offered %q", user, offers)
		}
	}
	if order := h.Exec("began=$(journalctl --no-pager -o short-unix -u ssh -g 'Server listening' | head -n 1 | cut -d . -f 1)\n" +
		"[ $(stat -c %Y /etc/ssh/sshd_config.d/00-kagiban.conf) -le $began ] && echo 'before sshd' || { echo $began; stat /etc/ssh/sshd_config.d/00-kagiban.conf; }"); order != "before sshd\n" {
		t.Errorf("the drop-in was not there when sshd first started: %s", order)
	}
	stdout, _, code := c.kagiban("host", "add", "alice@"+h.Addr, "--name", "born", "-F", c.config, "--key", "laptop", "--passphrase-file", c.passphrase, "--accept-new", "--yes")
	if code != 0 || !strings.Contains(stdout, "born is already key-only") {
		t.Errorf("host add: exit %d, %s", code, stdout)
	}
}
