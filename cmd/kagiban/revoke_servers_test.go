package main

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
	"kagiban/scripts/vpstest"
)

// lostKey is somebody's key: its line without an end, its fingerprint, and its private half in a file for the real ssh.
type lostKey struct{ line, print, file string }

func (c *client) newKey(comment string) lostKey {
	c.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		c.t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		c.t.Fatal(err)
	}
	k := lostKey{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment, ssh.FingerprintSHA256(key), filepath.Join(c.t.TempDir(), "id")}
	c.write(k.file, string(pem.EncodeToMemory(block)))
	return k
}

// opens judges by the real ssh.
func (k lostKey) opens(c *client, user string, h *vpstest.Host) bool {
	out, err := k.ssh(c, user, h, "echo in as $USER").CombinedOutput()
	c.t.Logf("ssh %s@%s: %v %s", user, h.Name, err, out)
	return err == nil && strings.Contains(string(out), "in as "+user)
}

func (k lostKey) ssh(c *client, user string, h *vpstest.Host, command string) *exec.Cmd {
	return exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "IdentitiesOnly=yes", "-i", k.file, "-l", user, "--", h.Addr, command)
}

// keysAt reads a file of the host's; put writes one, byte for byte.
func keysAt(h *vpstest.Host, path string) string { return h.Exec("cat " + path) }

func put(c *client, h *vpstest.Host, user, path, text string) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "text")
	c.write(file, text)
	h.Put(file, "/root/put")
	h.Exec("mkdir -p -m 700 $(dirname " + path + ") && mv /root/put " + path + " && chmod 600 " + path + " && chown " + user + ": $(dirname " + path + ") " + path)
}

// known installs this client's key, which stays, and has the host in the book under its own name.
func (c *client) known(h *vpstest.Host) {
	c.t.Helper()
	args := c.add(h, "--no-enforce")
	for i, arg := range args {
		if arg == "vps1" {
			args[i] = h.Name
		}
	}
	c.must(args...)
}

func (c *client) revoke(more ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	return c.kagiban(append([]string{"revoke", "-F", c.config, "--passphrase-file", c.passphrase}, more...)...)
}

// crowd are the lines of fifty clients, as people leave them: options, comments, blank and broken lines, CRLF, and no end of the last one.
func (c *client) crowd() (text string, keys []lostKey) {
	for i := range 50 {
		k := c.newKey(fmt.Sprintf("client%02d", i))
		keys = append(keys, k)
		switch i % 5 {
		case 1:
			text += `command="echo \"hi, there\"",no-pty ` + k.line + "\n"
		case 2:
			text += "# " + k.line + "\n\n" + k.line + "\r\n"
		case 3:
			text += "\t" + k.line + "  \nssh-ed25519 AAAAbroken\n"
		default:
			text += k.line + "\n"
		}
	}
	return strings.TrimSuffix(text, "\n"), keys
}

// TestRevokeOneOfFifty: one of fifty clients' keys goes from each file in which it stands, and every other byte stays. Nothing happens in a dry run, for a
// name that two keys have, and to the key in use.
func TestRevokeOneOfFifty(t *testing.T) {
	h, c := vpstest.Up(t, "sed -i '1i AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/keys/%u' /etc/ssh/sshd_config\nmkdir -m 755 /etc/ssh/keys\n", "sudo=nopasswd"), newClient(t)
	c.known(h)
	crowd, keys := c.crowd()
	const file = "/home/owner/.ssh/authorized_keys"
	crowd = keysAt(h, file) + crowd
	lost, bound, twin := keys[10], keys[11], c.newKey("client12")
	put(c, h, "owner", file, crowd)
	h.Exec("chmod 640 " + file)
	put(c, h, "owner", file+"2", lost.line+"\n"+twin.line+"\n")
	put(c, h, "root", "/etc/ssh/keys/owner", `from="192.0.2.7" `+lost.line+"\n")
	put(c, h, "root", "/root/.ssh/authorized_keys", "# kept\n"+lost.line+"\n"+keys[3].line)
	h.Exec("chmod 755 /etc/ssh/keys; chmod 644 /etc/ssh/keys/owner")
	pages := book.Book{Path: filepath.Join(c.home, "hosts.toml")}
	if err := pages.Tie(t.Context(), book.Tie{Key: "client10", Fingerprint: lost.print, Host: h.Name}); err != nil {
		t.Fatal(err)
	}
	before := h.Snapshot()
	for _, s := range []struct {
		name string
		args []string
		code int
		says []string // of all that is printed
	}{
		{"a dry run", []string{"client10", "--dry-run"}, 0, []string{"-" + lost.line, "--- " + file + "\n", "/etc/ssh/keys/owner", "dry run, 4 lines in 4 files would go"}},
		{"two keys of that name", []string{"client12", "--yes"}, 5, []string{keys[12].print, twin.print, "client12 is the name of several keys"}},
		{"the key in use", []string{"laptop", "--yes"}, 1, []string{"laptop (SHA256:", "is never revoked", "kagiban rotate laptop"}},
		{"nobody's", []string{"client99", "--yes"}, 1, []string{"no key called client99"}},
		{"nobody to ask", []string{"client10"}, 5, []string{"--yes"}},
	} {
		stdout, stderr, code := c.revoke(s.args...)
		for _, says := range s.says {
			if !strings.Contains(stdout+stderr, strings.ReplaceAll(says, "\n", "")) {
				t.Errorf("%s does not say %q", s.name, says)
			}
		}
		if code != s.code || h.Snapshot() != before {
			t.Errorf("%s: exit %d, want %d; changed: %v", s.name, code, s.code, h.Snapshot() != before)
		}
	}
	if stdout, _, code := c.revoke("client10", "--yes"); code != 0 || stdout != h.Name+": revoked (4 lines in 4 files, refused on a new connection)\n" {
		t.Errorf("exit %d, %q", code, stdout)
	}
	if ties, err := pages.Ties(); err != nil || len(ties) != 1 || ties[0].Key != "laptop" {
		t.Errorf("tied are %v, %v", ties, err)
	}
	if got, want := keysAt(h, file), strings.Replace(crowd, lost.line+"\n", "", 1); got != want {
		t.Errorf("the other 49 are not as they were:\n%q\n%q", got, want)
	}
	got := keysAt(h, file+"2 /etc/ssh/keys/owner /root/.ssh/authorized_keys") + h.Exec("stat -c '%a %U:%G %n' "+file+" "+file+"2 /etc/ssh/keys/owner /root/.ssh/authorized_keys")
	if want := twin.line + "\n# kept\n" + keys[3].line + "640 owner:owner " + file + "\n600 owner:owner " + file + "2\n644 root:root /etc/ssh/keys/owner\n600 root:root /root/.ssh/authorized_keys\n"; got != want {
		t.Errorf("the other files:\n%s\nwant\n%s", got, want)
	}
	for user, k := range map[string]lostKey{"owner": lost, "root": lost} {
		if k.opens(c, user, h) {
			t.Errorf("it still opens %s", user)
		}
	}
	if !keys[0].opens(c, "owner", h) {
		t.Error("another client does not get in any more")
	}
	// By its .pub file: a line that is bound to a command goes as well.
	c.write(bound.file+".pub", bound.line+"\n")
	if stdout, _, code := c.revoke(bound.file+".pub", "--yes"); code != 0 || !strings.Contains(stdout, "(1 line in 1 file, refused") {
		t.Errorf("by file: exit %d, %q", code, stdout)
	}
	if stdout, _, code := c.revoke(lost.print, "--on", h.Name, "--yes"); code != 1 || stdout != "" { // nobody has seen it
		t.Errorf("again: exit %d, %q", code, stdout)
	}
	if stdout, _, code := c.revoke(bound.file+".pub", "--yes"); code != 0 || stdout != h.Name+": not there\n" {
		t.Errorf("again by file: exit %d, %q", code, stdout)
	}
}

// TestRevokeLater: one server of two is down. It is remembered, and status says so. --yes of another key is no word about this one; an answer is, and so is
// the line that status shows. Who lets the key in again on purpose owes nothing.
func TestRevokeLater(t *testing.T) {
	hosts, c := vpstest.Many(t, []string{"", ""}, "sudo=nopasswd"), newClient(t)
	h, down := hosts[0], hosts[1]
	lost, next := c.newKey("phone"), c.newKey("tablet")
	for _, host := range []*vpstest.Host{h, down} {
		c.known(host)
		host.Exec("printf '%s\\n' '" + lost.line + "' '" + next.line + "' >>/home/owner/.ssh/authorized_keys")
	}
	down.Exec("systemctl stop ssh")
	_, stderr, code := c.revoke("pone", "--yes")
	if code != 1 || !strings.Contains(stderr, "no key called pone was found on this computer, "+h.Name+"; these could not be asked: "+down.Name+"\n") {
		t.Errorf("a name that is not known where one could look: exit %d, %q", code, stderr)
	}
	stdout, stderr, code := c.revoke("phone", "--yes")
	if code != 1 || !strings.Contains(stdout, h.Name+": revoked (1 line in 1 file, refused") || !strings.Contains(stdout, down.Name+": unreachable, remembered") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if stdout, _, _ := c.kagiban("status"); !strings.Contains(stdout, "kagiban revoke "+lost.print) || !strings.Contains(stdout, "owed "+down.Name) {
		t.Errorf("status: %s", stdout)
	}
	down.Exec("systemctl start ssh")
	stdout, stderr, code = c.revoke(next.print, "--yes")
	if code != 0 || !strings.Contains(stdout, down.Name+": revoked (1 line in 1 file, refused") || !strings.Contains(stderr, "not meant by --yes: "+lost.print) || !lost.opens(c, "owner", down) {
		t.Errorf("another key: exit %d, %q, %q", code, stdout, stderr)
	}
	owes := func() bool {
		out, _, _ := c.kagiban("status")
		return strings.Contains(out, "owed "+down.Name)
	}
	down.Exec("printf '%s\\n' '" + next.line + "' >>/home/owner/.ssh/authorized_keys")
	stdout, stderr, code = c.answering("yes").revoke(next.print, "--on", down.Name)
	if code != 0 || !strings.Contains(stdout, down.Name+": revoked (2 lines in 1 file, refused") || !strings.Contains(stderr, "owed there since") || owes() {
		t.Errorf("caught up: exit %d, %q, %q", code, stdout, stderr)
	}
	h.Exec("printf '%s\\n' '" + lost.line + "' >>/home/owner/.ssh/authorized_keys")
	down.Exec("systemctl stop ssh")
	if stdout, _, code = c.revoke("phone", "--yes"); code != 1 || !owes() {
		t.Errorf("once more: exit %d, %q", code, stdout)
	}
	down.Exec("systemctl start ssh")
	c.write(lost.file+".pub", lost.line+"\n")
	if _, stderr, code = c.kagiban("host", "admit", down.Name, lost.file+".pub", "--yes", "-F", c.config, "--passphrase-file", c.passphrase); code != 0 || !strings.Contains(stderr, "let in again") || owes() {
		t.Errorf("let in again: exit %d, %q", code, stderr)
	}
	if stdout, _, code = c.revoke(lost.print, "--yes"); code != 0 {
		t.Errorf("at last: exit %d, %q", code, stdout)
	}
	if lost.opens(c, "owner", down) || next.opens(c, "owner", down) || next.opens(c, "owner", h) {
		t.Error("one of them still opens a server")
	}
	if stdout, _, _ := c.kagiban("status"); strings.Contains(stdout, "owed ") || strings.Contains(stdout, "kagiban revoke") {
		t.Errorf("status: %s", stdout)
	}
}

// TestRevokeSessions: what the key has open is told, and ended only where that is wanted; another key's session stays, and be it that a log file, in
// which anybody may write, calls it the lost key's.
func TestRevokeSessions(t *testing.T) {
	h, c := vpstest.Up(t, "", "sudo=nopasswd"), newClient(t)
	c.known(h)
	lost, other := c.newKey("lost"), c.newKey("other")
	h.Exec("printf '%s\\n' '" + lost.line + "' '" + other.line + "' >>/home/owner/.ssh/authorized_keys")
	ended := map[string]chan error{"lost": lost.session(c, h, "lost"), "other": other.session(c, h, "other")}
	// forge has the log say of each connection that the lost key has opened it.
	forge := func() {
		h.Exec(`ss -tnpH state established | sed -n 's/.*[]: ]\([0-9.]*\)]*:\([0-9]*\) *users:.*/\1 \2 &/p' | while read -r at port rest; do
			for pid in $(echo "$rest" | grep -o 'pid=[0-9]*' | cut -d= -f2); do
				echo "Nov 23 00:00:00 vps sshd[$pid]: Accepted publickey for owner from $at port $port ssh2: ED25519 ` + lost.print + `"
			done
		done >>/var/log/auth.log`)
	}
	forge()
	stdout, stderr, code := c.revoke("lost", "--yes")
	if code != 0 || !strings.Contains(stdout, "revoked (1 line in 1 file") || strings.Count(stderr, "still open by that key: owner from ") != 1 {
		t.Errorf("exit %d, %q", code, stderr)
	}
	c.write(lost.file+".pub", lost.line+"\n")
	_, stderr, code = c.revoke(lost.file+".pub", "--end-sessions", "--yes")
	if code != 0 || strings.Count(stderr, ": ended: owner from ") != 1 || strings.Contains(stderr, "still open") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	select {
	case <-ended["lost"]:
	case <-time.After(20 * time.Second):
		t.Error("its session goes on")
	}
	select {
	case err := <-ended["other"]:
		t.Errorf("another key's session has ended: %v", err)
	default:
	}
	// Where there is no journal, nobody knows for sure.
	h.Exec("mv $(command -v journalctl) /root/")
	_, stderr, code = c.revoke(lost.file+".pub", "--end-sessions", "--yes")
	if code != 4 || strings.Count(stderr, "perhaps open by that key") != 1 || strings.Contains(stderr, ": ended: ") {
		t.Errorf("without a journal: exit %d, %q", code, stderr)
	}
	select {
	case err := <-ended["other"]:
		t.Errorf("another key's session has ended on a log file's word: %v", err)
	default:
	}
}

// session opens one that goes on, and says when it has ended.
func (k lostKey) session(c *client, h *vpstest.Host, name string) chan error {
	c.t.Helper()
	cmd := k.ssh(c, "owner", h, "touch /tmp/in-"+name+"; sleep 300")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	c.t.Cleanup(func() { _ = cmd.Process.Kill() })
	c.until(20*time.Second, "in", func() string { return h.Exec("[ ! -e /tmp/in-" + name + " ] || printf in") })
	return done
}

// otherPeople: bob has the lost key and one of his own, ann has nothing but the lost one, eve has links in place of files.
const otherPeople = `for who in bob ann eve; do useradd -m -s /bin/bash $who; install -d -m 700 -o $who -g $who /home/$who/.ssh; done
mkdir -p /srv/list && chmod 755 /srv/list
ln -s /srv/list/keys /home/eve/.ssh/authorized_keys
ln -s /home/bob/.ssh/authorized_keys /home/eve/.ssh/authorized_keys2
`

// TestRevokeOthersFiles: with root, in every account's files; as that account where a folder is its own, so that no link of theirs makes
// root write. Whose only key it is, is asked about first, and --yes is no answer.
func TestRevokeOthersFiles(t *testing.T) {
	h, c := vpstest.Up(t, otherPeople), newClient(t)
	c.known(h)
	lost, own := c.newKey("lost"), c.newKey("bob")
	for path, text := range map[string]string{"/home/bob/.ssh/authorized_keys": lost.line + "\n" + own.line + "\n", "/home/ann/.ssh/authorized_keys": lost.line + "\n", "/srv/list/keys": lost.line + "\n"} {
		who := strings.Split(path, "/")[2]
		if who == "list" {
			who = "root"
		}
		put(c, h, who, path, text)
	}
	h.Exec("chmod 755 /srv/list; chmod 644 /srv/list/keys")
	before := h.Snapshot() + keysAt(h, "/srv/list/keys")
	args := []string{lost.file + ".pub", "--yes", "--sudo-password-file", h.PasswordFile}
	c.write(lost.file+".pub", lost.line+"\n")
	// bob calls it as the owner calls another: a name of his says nothing, and is no answer.
	named := []string{"vault", "--yes", "--sudo-password-file", h.PasswordFile}
	h.Exec("sed -i 's/ bob$/ vault/' /home/bob/.ssh/authorized_keys")
	if _, stderr, code := c.revoke(named...); code != 5 || !strings.Contains(stderr, "only accounts of others call a key vault") || !strings.Contains(stderr, "kagiban revoke "+own.print) {
		t.Errorf("bob's name for a key: exit %d, %s", code, stderr)
	}
	h.Exec("sed -i 's/ vault$/ bob/' /home/bob/.ssh/authorized_keys")
	_, stderr, code := c.revoke(args...)
	if code != 5 || !strings.Contains(stderr, "ann: it has no other key") || strings.Contains(stderr, "bob:") || !strings.Contains(stderr, "--others-lose-login") || h.Snapshot()+keysAt(h, "/srv/list/keys") != before {
		t.Errorf("ann's only key: exit %d, %s", code, stderr)
	}
	args = append(args, "--others-lose-login")
	_, stderr, code = c.revoke(args...)
	if code != 4 || !strings.Contains(stderr, "eve@"+h.Name+" still takes ") || !strings.Contains(stderr, "sudo nano '/srv/list/keys'") || keysAt(h, "/srv/list/keys") != lost.line+"\n" {
		t.Errorf("through a link: exit %d, %s", code, stderr)
	}
	h.Exec("rm /home/eve/.ssh/authorized_keys")
	if stdout, _, code := c.revoke(args...); code != 0 || stdout != h.Name+": not there\n" {
		t.Errorf("exit %d, %q", code, stdout)
	}
	want := own.line + "\n600 bob:bob\n600 ann:ann\n/home/bob/.ssh/authorized_keys\n" + lost.line + "\n"
	if got := keysAt(h, "/home/bob/.ssh/authorized_keys /home/ann/.ssh/authorized_keys") + h.Exec("cd /home; stat -c '%a %U:%G' bob/.ssh/authorized_keys ann/.ssh/authorized_keys; readlink eve/.ssh/authorized_keys2; cat /srv/list/keys"); got != want {
		t.Errorf("the files:\n%s\nwant\n%s", got, want)
	}
	if !own.opens(c, "bob", h) {
		t.Error("bob does not get in any more")
	}
}

// TestRevokeKilled: the client is killed while the server writes, and the server's shell is. The file is the old one or the new one, and the next run
// goes on.
func TestRevokeKilled(t *testing.T) {
	t.Parallel()
	for _, whose := range []string{"client", "server"} {
		t.Run(whose, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "sudo=nopasswd"), newClient(t)
			c.known(h)
			lost := c.newKey("lost")
			const file = "/home/owner/.ssh/authorized_keys"
			keeps := keysAt(h, file)
			h.Exec("printf '%s\\n' '" + lost.line + "' >>" + file)
			h.Exec("mv /bin/sync /bin/sync.real && printf '#!/bin/sh\\nsleep 3\\nexec /bin/sync.real\\n' >/bin/sync && chmod 755 /bin/sync")
			cmd := c.command("revoke", "lost", "-F", c.config, "--passphrase-file", c.passphrase, "--yes")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			c.until(30*time.Second, "there", func() string {
				return h.Exec("[ -z \"$(ls -A /home/owner/.ssh | grep kagiban)\" ] || printf there")
			})
			if whose == "server" {
				h.Exec("kill -9 $(ls -A /home/owner/.ssh | sed -n 's/^.authorized_keys.kagiban.//p')")
			} else if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed, or it failed
			for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				if got := keysAt(h, file); got != keeps && got != keeps+lost.line+"\n" {
					t.Fatalf("neither old nor new: %q", got)
				}
			}
			h.Exec("mv /bin/sync.real /bin/sync")
			c.write(lost.file+".pub", lost.line+"\n")
			if _, _, code := c.revoke(lost.file+".pub", "--yes"); code != 0 {
				t.Errorf("the next run: exit %d", code)
			}
			if got := keysAt(h, file) + h.Exec("ls -A /home/owner/.ssh"); got != keeps+"authorized_keys\n" {
				t.Errorf("left: %q", got)
			}
		})
	}
}
