package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// must runs a command that has to succeed, and returns what it says on stdout.
func (c *client) must(args ...string) string {
	c.t.Helper()
	out, _, code := c.kagiban(args...)
	if code != 0 {
		c.t.Fatalf("kagiban %s: exit %d", strings.Join(args, " "), code)
	}
	return out
}

// startAgent starts its agent, until the end of the test.
func (c *client) startAgent() {
	c.t.Helper()
	c.must("agent", "start")
	c.t.Cleanup(func() { endAgent(c.home) })
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
