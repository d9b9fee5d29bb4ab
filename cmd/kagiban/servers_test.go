package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// client is a computer of the owner's: a home with a key in it, and ssh's files beside it. It runs the shipped binary.
type client struct {
	t                        *testing.T
	home, config, passphrase string
	env                      []string // besides the bare environment
}

func newClient(t *testing.T) *client {
	t.Helper()
	folder := t.TempDir()
	c := &client{t, filepath.Join(folder, "home"), filepath.Join(folder, "ssh_config"), filepath.Join(folder, "passphrase"), nil}
	if err := os.CopyFS(c.home, os.DirFS("../../vault/testdata/homes/locked")); err != nil {
		t.Fatal(err)
	}
	c.write(c.config, "Host *\n\tUserKnownHostsFile "+filepath.Join(folder, "known_hosts")+"\n\tGlobalKnownHostsFile /dev/null\n\tIdentityFile none\n\tIdentityAgent none\n")
	c.write(c.passphrase, "correct horse\n")
	for _, path := range []string{c.home, filepath.Join(c.home, "keys")} {
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(c.home, "keys", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Chmod(f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *client) write(path, text string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// secretFile is a new file that holds a secret.
func (c *client) secretFile(secret string) string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "secret")
	c.write(file, secret+"\n")
	return file
}

// command is kagiban with no terminal and a bare environment.
func (c *client) command(args ...string) *exec.Cmd {
	cmd := exec.Command(builtBinary(c.t), args...)
	cmd.Env = []string{"KAGIBAN_HOME=" + c.home, "HOME=" + filepath.Dir(c.home), "PATH=" + os.Getenv("PATH")}
	cmd.Env = append(cmd.Env, c.env...)
	detach(cmd)
	return cmd
}

// kagiban runs a command to its end.
func (c *client) kagiban(args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	cmd := c.command(args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	c.t.Logf("kagiban %s: exit %d\n%s%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), out.String(), talk.String())
	return out.String(), talk.String(), cmd.ProcessState.ExitCode()
}

// add are the arguments of `host add` for a server.
func (c *client) add(h *vpstest.Host, more ...string) []string {
	return append([]string{"host", "add", h.User + "@" + h.Addr, "--name", "vps1", "-F", c.config, "--key", "laptop", "--passphrase-file", c.passphrase,
		"--password-file", h.PasswordFile, "--accept-new", "--yes"}, more...)
}

// check are the arguments of `host check` for all servers of the book.
func (c *client) check(h *vpstest.Host, more ...string) []string {
	return append([]string{"host", "check", "-F", c.config, "--passphrase-file", c.passphrase, "--sudo-password-file", h.PasswordFile}, more...)
}

var denied = regexp.MustCompile(`Permission denied \(([a-z,-]*)\)`)

// lightKex is for the logins by which tests look and look again: the exchange that ssh prefers takes it six times as long.
const lightKex = "KexAlgorithms=curve25519-sha256"

// offers is what the server offers to user, once it answers: where each connection has an sshd of its own, one may be refused.
func (c *client) offers(user, address string) (offers string) {
	for end := time.Now().Add(20 * time.Second); offers == "" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		offers = c.offered(user, address)
	}
	return offers
}

// offered asks the server with the real ssh what it offers to user; "" while it does not answer.
func (c *client) offered(user, address string) string {
	out, err := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "PreferredAuthentications=none", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", lightKex, "-o", "ConnectTimeout=5", "-l", user, "--", address, "true").CombinedOutput()
	if err == nil {
		return "none"
	}
	if m := denied.FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return ""
}

// until polls, since a server needs its time, and fails with what was seen last.
func (c *client) until(limit time.Duration, want string, see func() string) {
	c.t.Helper()
	last := ""
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) { // each look is a program or more
		if last = see(); last == want {
			return
		}
	}
	c.t.Errorf("after %s: %q, want %q", limit, last, want)
}

const (
	keysOnly  = "publickey"
	passwords = "publickey,password"
)

// again: the second run finds all as it should be, and changes no byte.
func (c *client) again(h *vpstest.Host, more ...string) {
	c.t.Helper()
	before := h.Snapshot()
	stdout, _, code := c.kagiban(c.add(h, more...)...)
	if code != 0 || !strings.Contains(stdout, "vps1 is already key-only") {
		c.t.Errorf("second run: exit %d, %q", code, stdout)
	}
	if after := h.Snapshot(); after != before {
		c.t.Errorf("the second run changed something:\n%s\n%s", before, after)
	}
}

// TestClientKilled: the client dies by kill -9 once the change is in force. The server goes back by itself.
func TestClientKilled(t *testing.T) {
	t.Parallel()
	for _, init := range []string{"systemd", "sysv"} {
		t.Run(init, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "init="+init), newClient(t)
			before := sshdFiles(h)
			c.dieInForce(h, "10s")
			c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
			if after := sshdFiles(h); after != before {
				t.Errorf("sshd's files:\n%s", after)
			}
			c.onceMore(h)
		})
	}
}

// TestUndoWaitsForAnothersMistake: meanwhile somebody breaks sshd's configuration. The undo does not call itself done, does not touch their file,
// does not kill the running sshd, and comes to its end when they have mended it.
func TestUndoWaitsForAnothersMistake(t *testing.T) {
	t.Parallel()
	for _, init := range []string{"systemd", "sysv"} {
		t.Run(init, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "init="+init), newClient(t)
			c.dieInForce(h, "10s")
			const theirs = "/etc/ssh/sshd_config.d/70-theirs.conf"
			h.Exec("echo 'NoSuchOption yes' >" + theirs)
			c.until(60*time.Second, "undoing", func() string {
				return strings.TrimSpace(h.Exec("ls /run/kagiban | grep -x -e undoing -e undone -e pending"))
			})
			if got := h.Exec("ls /etc/ssh/sshd_config.d; cat " + theirs); got != "70-theirs.conf\nNoSuchOption yes\n" {
				t.Errorf("sshd's files: %q", got)
			}
			if offers := c.offered(h.User, h.Addr); offers != keysOnly {
				t.Errorf("the running sshd offers %q: it was told to read a broken file", offers)
			}
			c.until(30*time.Second, "told", func() string {
				_, stderr, code := c.kagiban(c.add(h)...) // by the key, whose line stays as long as the change does
				return map[bool]string{true: "told"}[code == 1 && strings.Contains(stderr, "undoing") && strings.Contains(stderr, "NoSuchOption")]
			})
			h.Exec("rm " + theirs)
			c.until(90*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
			c.onceMore(h)
		})
	}
}

// TestUndoAfterAnothersDecision: meanwhile an administrator turns passwords off for good. sshd will never again offer what it did; the undo is over
// when nothing of ours is left, and their decision stands.
func TestUndoAfterAnothersDecision(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	c.dieInForce(h, "10s")
	h.Exec("printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\n' >/etc/ssh/sshd_config.d/10-theirs.conf")
	c.until(60*time.Second, "10-theirs.conf\nundone\n", func() string { return h.Exec("ls /etc/ssh/sshd_config.d; ls /run/kagiban") })
	if offers := c.offered(h.User, h.Addr); offers != keysOnly {
		t.Errorf("offered: %q", offers)
	}
	c.onceMore(h)
}

// TestUndoIsSeenNotBelieved: the reload says that it went well, and sshd still offers what it did. Then the undo is not over.
func TestUndoIsSeenNotBelieved(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	c.dieInForce(h, "10s")
	const override = "/run/systemd/system/ssh.service.d"
	h.Exec("mkdir -p " + override + " && printf '[Service]\\nExecReload=\\nExecReload=/bin/sh -c \"echo x >>/run/reloads\"\\n' >" + override + "/x.conf && systemctl daemon-reload")
	c.until(60*time.Second, "again", func() string { return h.Exec("[ \"$(cat /run/reloads 2>/dev/null | wc -l)\" -lt 2 ] || printf again") })
	if state := h.Exec("ls /run/kagiban /etc/ssh/sshd_config.d | grep -x -e undoing -e undone -e 00-kagiban.conf"); state != "undoing\n" {
		t.Errorf("the state is %q", state)
	}
	h.Exec("rm -r " + override + " && systemctl daemon-reload")
	c.until(90*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	c.until(60*time.Second, "undone", func() string { return strings.TrimSpace(h.Exec("ls /run/kagiban | grep -x -e undoing -e undone")) })
}

// TestWatcherKilled: under systemd the watcher comes back; without it each of two brings the other back. And the undo with it.
func TestWatcherKilled(t *testing.T) {
	t.Parallel()
	for _, s := range []struct{ init, kill string }{
		{"systemd", "watcher"},
		{"sysv", "watcher"},
		{"sysv", "minder"},
	} {
		t.Run(s.init+" "+s.kill, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "init="+s.init), newClient(t)
			c.dieInForce(h, "10s")
			pid := h.Exec("cat /run/kagiban/*/" + s.kill)
			h.Exec("kill -9 " + pid)
			c.until(10*time.Second, "another", func() string { // killed once more, so that the one that came back is put to the test, too
				return h.Exec("now=$(cat /run/kagiban/*/" + s.kill + "); [ $now = " + strings.TrimSpace(pid) + " ] || { kill -9 $now && printf another; } || true")
			})
			c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
			c.until(30*time.Second, "", func() string { return h.Exec("ls /run/kagiban | grep -v -x undone || true") })
		})
	}
}

// TestWatchersKilledForGood: both watchers are killed at once, and the change stays in force until somebody comes: the next run takes it
// back first.
func TestWatchersKilledForGood(t *testing.T) {
	h, c := vpstest.Up(t, "", "init=sysv"), newClient(t)
	c.dieInForce(h, "10s")
	h.Exec("kill -9 $(cat /run/kagiban/*/watcher /run/kagiban/*/minder)")
	c.until(30*time.Second, "over", func() string {
		return h.Exec("read -r _ deadline _ </run/kagiban/pending; [ $(cut -d. -f1 /proc/uptime) -lt $deadline ] || printf over")
	})
	c.onceMore(h)
	if got := sshdFiles(h); !strings.Contains(got, "# Written by kagiban") || strings.Contains(got, "not confirmed") {
		t.Errorf("sshd's files: %s", got)
	}
}

// dieInForce runs host add, and kills it by kill -9 when the change is in force and not confirmed: the third connection, which would be
// the proof, never comes through.
func (c *client) dieInForce(h *vpstest.Host, undoAfter string, more ...string) {
	c.t.Helper()
	gate := newGate(c.t, h.Addr+":22", 2)
	args := append(append(c.add(h, "--undo-after", undoAfter), "-p", gate.port), more...)
	args[2] = h.User + "@127.0.0.1"
	cmd := c.command(args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-gate.held:
	case <-time.After(60 * time.Second):
		c.t.Error("the change was not made")
	}
	c.until(5*time.Second, keysOnly, func() string { return c.offered(h.User, h.Addr) }) // in force
	if err := cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	c.t.Log(talk.String())
}

// onceMore: after whatever happened the road is open, and leads to its end.
func (c *client) onceMore(h *vpstest.Host) {
	c.t.Helper()
	if _, _, code := c.kagiban(c.add(h)...); code != 0 {
		c.t.Errorf("second try: exit %d", code)
	}
}

func sshdFiles(h *vpstest.Host) string {
	return h.Exec("cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* 2>/dev/null || true")
}

// TestHostKeyChanged: another server answers. Nothing secret is sent, whatever flags are given.
func TestHostKeyChanged(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	if _, _, code := c.kagiban(c.add(h, "--no-enforce")...); code != 0 {
		t.Fatalf("exit %d", code)
	}
	h.Exec("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")
	_, stderr, code := c.kagiban(c.add(h)...)
	if code != 1 || !strings.Contains(stderr, "known_hosts:1 has another") || !strings.Contains(stderr, "nothing secret was sent") {
		t.Errorf("exit %d", code)
	}
	if log := h.Exec("journalctl -u ssh --no-pager -o cat | tail -n 3"); strings.Contains(log, "Accepted") {
		t.Errorf("a login after the change: %s", log)
	}
}

// TestPasswordsThatFail: each way in which a password is not to be had ends at once, with its own sentence.
func TestPasswordsThatFail(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	wrong := filepath.Join(t.TempDir(), "wrong")
	c.write(wrong, "not it\n")
	before := h.Snapshot()
	for _, s := range []struct {
		file, says string
		code       int
	}{
		{wrong, "was not taken for owner@vps1", 1},
		{wrong + ".none", "no such file", 1},
		{"", "cannot be asked for here", 5},
	} {
		args := c.add(h)
		at := slices.Index(args, h.PasswordFile)
		if args[at] = s.file; s.file == "" {
			args = slices.Delete(args, at-1, at+1)
		}
		if _, stderr, code := c.kagiban(args...); code != s.code || !strings.Contains(stderr, s.says) || strings.Contains(stderr, "that was not it") {
			t.Errorf("%q: exit %d, want %d and %q", s.file, code, s.code, s.says)
		}
	}
	if h.Snapshot() != before {
		t.Error("something was changed")
	}
}

// TestHostCheckAndUndo: the way back, proved from outside.
func TestHostCheckAndUndo(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	before := sshdFiles(h)
	if _, _, code := c.kagiban(c.add(h)...); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if out, _, code := c.kagiban(c.check(h, "--json")...); code != 0 || !strings.Contains(out, `"key_only":true,"methods":["publickey"],"problems":[]`) {
		t.Errorf("check: exit %d, %s", code, out)
	}
	if out, _, code := c.kagiban(c.add(h, "--no-enforce")...); code != 0 || !strings.Contains(out, "nothing typed was offered before") {
		t.Errorf("--no-enforce afterwards: exit %d, %s", code, out)
	}
	if out, _, _ := c.kagiban("host", "list"); !strings.Contains(out, "key-only") {
		t.Errorf("list: %s", out)
	}
	// As if an earlier undo had been cut short half-way.
	h.Exec("mv /etc/ssh/sshd_config.d/00-kagiban.conf /etc/ssh/sshd_config.d/00-kagiban.conf.kept")
	if _, _, code := c.kagiban("host", "undo", "vps1", "-F", c.config, "--yes", "--passphrase-file", c.passphrase, "--password-file", h.PasswordFile); code != 0 {
		t.Errorf("undo: exit %d", code)
	}
	if offers := c.offered(h.User, h.Addr); offers != passwords {
		t.Errorf("after undo: %q", offers)
	}
	if after := sshdFiles(h); after != before {
		t.Errorf("after undo sshd's files differ:\n%s", after)
	}
	if out, _, code := c.kagiban(c.check(h)...); code != 4 || !strings.Contains(out, "NOT key-only") {
		t.Errorf("check: exit %d, %s", code, out)
	}
	if out, _, code := c.kagiban("host", "list"); code != 0 || !strings.Contains(out, "passwords on") {
		t.Errorf("list: exit %d, %s", code, out)
	}
	if _, _, code := c.kagiban("host", "remove", "vps1"); code != 0 {
		t.Errorf("remove: exit %d", code)
	}
}

// gate passes on a number of connections, and holds those that come after.
type gate struct {
	port string
	held chan struct{}
}

func newGate(t *testing.T, to string, pass int) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	g := &gate{port, make(chan struct{}, 8)}
	go func() {
		for n := 0; ; n++ {
			in, err := l.Accept()
			if err != nil {
				return
			}
			if n >= pass {
				g.held <- struct{}{}
				continue
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			go pour(in, out)
			go pour(out, in)
		}
	}()
	return g
}

func pour(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = from.Close()
	_ = to.Close()
}
