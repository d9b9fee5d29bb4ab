//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// onTerminal is a program with all of stdin, stdout and stderr on a terminal of its own.
type onTerminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	seen   screen
	done   chan error
	read   chan struct{} // closed when all that came on the screen was seen
}

func startOnTerminal(t *testing.T, cmd *exec.Cmd, rows, columns uint16) *onTerminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	o := &onTerminal{t: t, cmd: cmd, master: master, done: make(chan error, 1), read: make(chan struct{})}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
		}
	})
	go func() {
		o.seen.watch(master)
		close(o.read)
	}()
	go func() { o.done <- cmd.Wait() }()
	return o
}

// shows waits for want on the screen, beyond what it was waited for before.
func (o *onTerminal) shows(want string) {
	o.t.Helper()
	if !o.seen.await(want) {
		o.t.Fatalf("the screen never showed %q, but %q", want, o.seen.text())
	}
}

// types what is then followed by nothing: Enter is a part of it.
func (o *onTerminal) types(keys string) {
	o.t.Helper()
	if _, err := o.master.WriteString(keys); err != nil {
		o.t.Fatal(err)
	}
}

// answers types an answer to each question that comes, whichever comes when, until the program ends: the first of those that stand
// beside a piece of the question, then the second, and the last one ever after.
func (o *onTerminal) answers(to map[string][]string) (screen string, code int) {
	o.t.Helper()
	for end := time.Now().Add(dialogPatience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-o.done:
			o.done <- err
			return o.ends()
		default:
		}
		text, next, at := o.seen.text(), "", -1
		for question := range to {
			if i := strings.Index(text[o.seen.from:], question); i >= 0 && (at < 0 || i < at) {
				next, at = question, i
			}
		}
		if next == "" {
			continue
		}
		o.seen.from += at + len(next)
		o.types(to[next][0] + "\r")
		if len(to[next]) > 1 {
			to[next] = to[next][1:]
		}
	}
	o.t.Fatal("it goes on: ", o.seen.text())
	return "", 0
}

// ends waits for the end, and returns all that was on the screen and the exit code.
func (o *onTerminal) ends() (screen string, code int) {
	o.t.Helper()
	select {
	case <-o.done:
		<-o.read
	case <-time.After(dialogPatience):
		o.t.Fatal("it goes on: ", o.seen.text())
	}
	o.t.Logf("%s: exit %d\n%s", strings.Join(o.cmd.Args, " "), o.cmd.ProcessState.ExitCode(), strings.ReplaceAll(o.seen.text(), "\x1b", "<ESC>"))
	return o.seen.text(), o.cmd.ProcessState.ExitCode()
}
