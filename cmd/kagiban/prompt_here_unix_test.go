//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/scripts/ground"
)

// promptTerminal is `agent prompt-here` on a terminal of its own.
type promptTerminal struct {
	t      *testing.T
	p      *program
	master *os.File
	cmd    *exec.Cmd
	seen   screen
	done   chan error
}

func promptHere(t *testing.T, p *program) *promptTerminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(master.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "pty") // one whose Close does not wait for a Read
	h := &promptTerminal{t: t, p: p, master: master, done: make(chan error, 1), cmd: exec.Command(builtBinary(t), "agent", "prompt-here")}
	h.cmd.Env = []string{"KAGIBAN_HOME=" + p.getenv("KAGIBAN_HOME"), "PATH=" + os.Getenv("PATH")}
	h.cmd.Stdin, h.cmd.Stdout, h.cmd.Stderr = slave, slave, slave
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	t.Cleanup(func() { h.cmd.Process.Kill(); master.Close() })
	go h.seen.watch(master)
	go func() { h.done <- h.cmd.Wait() }()
	h.shows("the agent asks at this terminal now")
	return h
}

func (h *promptTerminal) shows(want string) {
	h.t.Helper()
	if !h.seen.await(want) {
		h.t.Fatalf("the screen never showed %q, but %q", want, h.seen.text())
	}
}

// ends waits for the end of the command, which is no failure.
func (h *promptTerminal) ends() {
	h.t.Helper()
	select {
	case err := <-h.done:
		if err != nil {
			h.t.Errorf("%v: %s", err, h.seen.text())
		}
	case <-time.After(dialogPatience):
		h.t.Fatal("it goes on: ", h.seen.text())
	}
	h.canAsk(false)
}

func (h *promptTerminal) hangsUp() {
	h.t.Helper()
	h.master.Close()
	select {
	case <-h.done:
	case <-time.After(dialogPatience):
		h.t.Fatal("it goes on without a terminal")
	}
}

// canAsk waits until the agent says whether it can.
func (h *promptTerminal) canAsk(want bool) {
	h.t.Helper()
	c, err := control.Dial(filepath.Join(h.p.getenv("KAGIBAN_HOME"), "run", "control.sock"), door.Dial)
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	ground.Until(h.t, fmt.Sprint("the agent can ask: ", want), func() bool { status, err := c.Status(); return err == nil && status.CanAsk == want })
}

// use begins to use a locked key, and gives how that ended.
func (h *promptTerminal) use() (*exec.Cmd, chan error) {
	h.t.Helper()
	home := h.p.getenv("KAGIBAN_HOME")
	cmd := exec.Command("ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", filepath.Join(home, "keys", "laptop.pub"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SSH_AUTH_SOCK=" + filepath.Join(home, "run", "agent.sock")}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	used := make(chan error, 1)
	go func() { used <- cmd.Wait() }()
	return cmd, used
}

func refused(t *testing.T, used chan error) {
	t.Helper()
	select {
	case err := <-used:
		if err == nil {
			t.Error("the key was used")
		}
	case <-time.After(dialogPatience):
		t.Fatal("who wants the key still waits")
	}
}

// TestPromptHereEnds: the terminal goes away while a question stands on it, and the
// question ends at once; one that is stopped is asked nothing; Ctrl-C takes a question away, and without one the terminal.
func TestPromptHereEnds(t *testing.T) {
	p := programAt(t, nil)
	startAgentOf(t, p)
	t.Run("hang-up", func(t *testing.T) {
		h := promptHere(t, p)
		_, used := h.use()
		h.shows("Its passphrase: ")
		h.hangsUp()
		refused(t, used)
	})
	t.Run("stopped", func(t *testing.T) {
		h := promptHere(t, p)
		if err := h.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		_, used := h.use()
		refused(t, used)
		h.canAsk(false) // nobody was asked; it was not that nobody answered
		if err := h.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		h.canAsk(true)
		h.hangsUp()
	})
	t.Run("nobody waits", func(t *testing.T) {
		h := promptHere(t, p)
		cmd, used := h.use()
		h.shows("Its passphrase: ")
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		refused(t, used)
		h.shows("nothing is asked any more")
		_, used = h.use() // the next one is asked
		h.shows("Its passphrase: ")
		h.master.WriteString("\x03") // takes the question away
		refused(t, used)
		_, used = h.use() // not again so soon: at once
		refused(t, used)
		h.master.WriteString("\x03")
		h.ends()
	})
}
