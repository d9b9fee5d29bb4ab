//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/sys/unix"
)

const (
	passphrase = "nobody guesses this"
	startLimit = 20 * time.Second
)

// An anchor is an agent that is measured.
type anchor struct {
	name    string
	version string
	command func(socket string) []string
	forks   bool // the process that is begun prints the agent's and ends: pageant
}

// A running one.
type running struct {
	*anchor
	home    string
	socket  string
	command *exec.Cmd
	pid     int
	keys    int           // that it lists
	said    string        // a file with what it says; not a pipe: what forks keeps it open
	ended   chan struct{} // command has ended
}

// serveKeyring is the agent of golang.org/x/crypto/ssh/agent, as anybody would start it.
func serveKeyring(path string) error {
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	keyring := agent.NewKeyring()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_ = agent.ServeAgent(keyring, c) // its client has hung up
		}()
	}
}

// start begins one in a folder of its own, and returns how long its first answer took.
func (b *bench) start(a *anchor) (*running, time.Duration, error) {
	home, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, 0, err
	}
	r := &running{anchor: a, home: home, socket: filepath.Join(home, "agent.sock"), said: filepath.Join(home, "said"), ended: make(chan struct{})}
	if a.name == ours { // a home where it has been before
		r.socket = filepath.Join(home, "run", "agent.sock")
		if err := copyAll(b.vault+"/.", home); err != nil {
			return nil, 0, err
		}
	}
	words := a.command(r.socket)
	r.command = exec.CommandContext(b.ctx, words[0], words[1:]...)
	r.command.Env = append(os.Environ(), "HOME="+home, "KAGIBAN_HOME="+home, "SSH_ASKPASS="+b.askpass, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:99", "SSH_AUTH_SOCK=")
	said, err := os.Create(r.said)
	if err != nil {
		return nil, 0, err
	}
	defer said.Close()
	r.command.Stdout, r.command.Stderr = said, said
	begun := time.Now()
	if err := r.command.Start(); err != nil {
		return nil, 0, err
	}
	go func() {
		_ = r.command.Wait() // it is killed
		close(r.ended)
	}()
	l, err := patiently(r.socket, startLimit)
	took := time.Since(begun)
	if r.pid = r.command.Process.Pid; err == nil && a.forks {
		r.pid, err = r.forked()
	}
	if err != nil {
		r.stop()
		return nil, 0, fmt.Errorf("%s does not begin: %w; it says %s", a.name, err, r.words())
	}
	return r, took, l.Close()
}

// copyAll copies a folder and all in it, with the dates, to another.
func copyAll(from, to string) error {
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	return nil
}

// forked is the agent that a process which has ended says that it has left behind.
func (r *running) forked() (int, error) {
	<-r.ended
	_, after, _ := strings.Cut(r.words(), "SSH_AGENT_PID=")
	digits, _, _ := strings.Cut(after, ";")
	return strconv.Atoi(digits)
}

// words are what it has said.
func (r *running) words() string {
	text, _ := os.ReadFile(r.said) // for a message
	return string(text)
}

func (r *running) stop() {
	if r.forks && r.pid > 1 {
		_ = unix.Kill(r.pid, unix.SIGKILL) // it may have ended
	}
	_ = r.command.Process.Kill()
	<-r.ended
}

// cpu is what the process has used, all its threads together.
func (r *running) cpu() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED of the kernel: clock_getcpuclockid(3) makes the same number
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^r.pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("the clock of %s: %w", r.name, err)
	}
	return time.Duration(t.Nano()), nil
}

// rss is its resident memory, in MiB (proc(5), VmRSS).
func (r *running) rss() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	words := strings.Fields(after)
	if len(words) == 0 {
		return 0, fmt.Errorf("%s has ended: %s", r.name, r.words())
	}
	kib, err := strconv.ParseFloat(words[0], 64)
	return kib / 1024, err
}

// kagiban runs the program with its home.
func (b *bench) kagiban(ctx context.Context, home string, args ...string) error {
	c := exec.CommandContext(ctx, b.program, args...)
	c.Env = append(os.Environ(), "HOME="+home, "KAGIBAN_HOME="+home, "SSH_ASKPASS=")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("kagiban %s: %w: %s", args[0], err, said)
	}
	return nil
}
