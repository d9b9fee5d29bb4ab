//go:build unix

package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// addAll are the arguments of `host add` for several servers, without those that answer questions.
func (c *client) addAll(hosts []*vpstest.Host, more ...string) []string {
	args := []string{"host", "add", "-F", c.config, "--key", "laptop", "--passphrase-file", c.passphrase}
	for _, h := range hosts {
		args = append(args, h.User+"@"+h.Addr)
	}
	return append(args, more...)
}

// TestFleetAtATerminal: three servers at once, and a person who is asked one thing at a time, for the password once, and about the plans once.
func TestFleetAtATerminal(t *testing.T) {
	hosts, c := vpstest.Many(t, slices.Repeat([]string{common}, 3), "init=sysv"), newClient(t)
	c.env = []string{"TERM=xterm"}

	o := startOnTerminal(t, c.command(c.addAll(hosts, "--same-password", "--accept-new", "--parallel", "2")...), 24, 100)
	o.shows("password of owner@")
	o.types("\x03") // Ctrl-C
	screen, code := o.ends()
	if code != 130 || strings.Count(screen, "password of owner@") != 1 || strings.Count(screen, ": failed (exit 130)") != 2 || strings.Count(screen, ": not begun") != 1 {
		t.Errorf("Ctrl-C at a question: exit %d", code)
	}

	o = startOnTerminal(t, c.command(c.addAll(hosts, "--same-password")...), 24, 100)
	screen, code = o.answers(map[string][]string{
		"_key.pub)? (y/N":                       {"y"},
		"password of owner@":                    {"mistyped", commonPassword},
		"or all: with this and all that follow": {"all"},
	})
	if code != 0 || strings.Count(screen, "password of owner@") != 2 || strings.Count(screen, "go on with ") != 1 {
		t.Errorf("exit %d, the password was asked for %d times and about plans %d times", code, strings.Count(screen, "password of owner@"), strings.Count(screen, "go on with "))
	}
	if strings.Count(screen, ", and of all the others: ") != 2 {
		t.Error("it is not said that the password is for all")
	}
	for _, h := range hosts {
		if !strings.Contains(screen, h.Addr+" is key-only") {
			t.Errorf("no verdict for %s", h.Addr)
		}
		if offers := c.offered(h.User, h.Addr); offers != keysOnly {
			t.Errorf("%s offers %q", h.Addr, offers)
		}
	}
	if !regexp.MustCompile(`\x1b\[\dA\x1b\[J`).MatchString(screen) || strings.Contains(screen, commonPassword) {
		t.Error("no table was drawn, or the password was")
	}
	if n := strings.Count(screen, "Does the provider's console show the same"); n != 3 {
		t.Errorf("%d host keys were asked about", n)
	}
	for _, question := range []string{"Does the provider's console", "password of owner@", "go on with "} {
		for _, part := range strings.Split(screen, question)[1:] {
			answered, _, _ := strings.Cut(part, "\n")
			if strings.Contains(answered, "\x1b") {
				t.Errorf("the table was drawn over a question: %q", answered)
			}
		}
	}
}

// TestFleetInterrupted: Ctrl-C while the first of three is under way. That one is taken back, and the others are not begun.
func TestFleetInterrupted(t *testing.T) {
	hosts, c := vpstest.Many(t, slices.Repeat([]string{common}, 3), "init=sysv"), newClient(t)
	before := hosts[0].Snapshot()
	cmd := c.command(c.addAll(hosts, "--parallel", "1", "--accept-new", "--yes", "--password-file", c.secretFile(commonPassword))...)
	seen := &screen{}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	go seen.watch(read)
	if !seen.await(hosts[0].Addr + ": ok    passwords off") {
		t.Error("the change was not made")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code tells
	t.Logf("%s%s", out.String(), seen.text())
	if code := cmd.ProcessState.ExitCode(); code != 130 || strings.Count(out.String(), "not begun") != 2 || !strings.Contains(out.String(), hosts[0].Addr+": undone (exit 130)") {
		t.Errorf("exit %d, %s", code, out.String())
	}
	if got := hosts[0].Snapshot(); got != before {
		t.Errorf("the first is not as it was:\n%s", got)
	}
	c.until(30*time.Second, passwords, func() string { return c.offered(hosts[0].User, hosts[0].Addr) })

	// Stdin is read once for all of them.
	cmd = c.command(c.addAll(hosts, "--accept-new", "--yes", "--password-file", "-")...)
	cmd.Stdin = strings.NewReader(commonPassword + "\n")
	text, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(text), " is key-only") != 3 {
		t.Errorf("%v: %s", err, text)
	}
}

// TestSlowPerson: a server does not wait for a person as long as they take (LoginGraceTime), as the last of many hosts that all have a question
// will see. What they answered is not lost.
func TestSlowPerson(t *testing.T) {
	h, c := vpstest.Up(t, common+"echo 'LoginGraceTime 10' >/etc/ssh/sshd_config.d/10-grace.conf\n", "init=sysv"), newClient(t)
	gone := func() {
		t.Helper()
		c.until(60*time.Second, "0\n", func() string { return h.Exec("ss -tnH state established '( sport = :22 )' | wc -l") })
	}
	o := startOnTerminal(t, c.command(c.addAll([]*vpstest.Host{h}, "--yes")...), 24, 100)
	o.shows("_key.pub)? (y/N")
	gone()
	o.types("y\r")
	o.shows("password of owner@")
	gone()
	o.types(commonPassword + "\r")
	screen, code := o.ends()
	if code != 0 || strings.Count(screen, "_key.pub)? (y/N") != 1 || strings.Count(screen, "password of owner@") != 1 || !strings.Contains(screen, " is key-only") {
		t.Errorf("exit %d", code)
	}
}
