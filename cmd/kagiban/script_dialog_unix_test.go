//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// dialog runs a program on a terminal of its own, with a person at it:
//
//	dialog FILE PROGRAM [ARG...]
//
// Each line of FILE is "what the screen shows => what the person then types"; Enter
// follows by itself. Lines are taken in turn, each looking at what came on the
// screen since the last one. stdout and stderr go to the story as with exec, and
// the screen to the file "screen". With "!" the program must fail.
func dialog(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: dialog FILE PROGRAM [ARG...]")
	}
	ts.Check(ts.Exec("env", "-0"))
	environment := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
	master, slave, err := pty.Open()
	ts.Check(err)
	defer master.Close()
	cmd := exec.Command("env", args[1:]...) // env looks the program up in the story's PATH
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	cmd.ExtraFiles = []*os.File{slave}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	ts.Check(cmd.Start())
	slave.Close()

	var seen screen
	go seen.watch(master)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for _, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n") {
		shown, typed, _ := strings.Cut(line, "=>")
		if !seen.await(strings.TrimSpace(shown)) {
			_ = cmd.Process.Kill()
			ts.Fatalf("the screen never showed %q, but %q", shown, seen.text())
		}
		_, err := master.WriteString(strings.TrimSpace(typed) + "\r")
		ts.Check(err)
	}
	select {
	case err = <-done:
	case <-time.After(dialogPatience):
		_ = cmd.Process.Kill()
		ts.Fatalf("the program still waits; the screen shows %q", seen.text())
	}
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(seen.text()), 0o600))
	if (err != nil) != neg {
		ts.Fatalf("the program ended with %v; the screen shows %q", err, seen.text())
	}
}

// dialogPatience is how long a program may take between two questions, on a busy machine.
const dialogPatience = time.Minute

// screen is what came to a terminal.
type screen struct {
	mu    sync.Mutex
	bytes bytes.Buffer
	from  int // what was awaited already
}

func (s *screen) watch(master *os.File) {
	buf := make([]byte, 1024)
	for {
		n, err := master.Read(buf)
		s.mu.Lock()
		s.bytes.Write(buf[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes.String()
}

// await waits until the screen shows want, beyond what it showed before.
func (s *screen) await(want string) bool {
	for end := time.Now().Add(dialogPatience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if at := strings.Index(s.text()[s.from:], want); at >= 0 {
			s.from += at + len(want)
			return true
		}
	}
	return false
}
