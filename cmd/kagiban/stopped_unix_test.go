//go:build unix

package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// stopped is a run of host add that is stopped (SIGSTOP) right after it has said that a step is done. What it does next goes through a
// relay, which listens to what it says before it passes anything on: so nothing of the next step has reached the server.
type stopped struct {
	x       *site
	cmd     *exec.Cmd
	mark    string
	talk    bytes.Buffer
	mu      sync.Mutex    // of talk and mark
	reached chan struct{} // closed: it has said it
	freed   chan struct{} // closed: it may go on
	read    chan struct{} // closed: it has said all
	raw     syscall.RawConn
}

// start starts host add; words is the step after which it is stopped, "" none.
func (x *site) start(words string, more ...string) *stopped {
	x.t.Helper()
	mark := ""
	if words != "" {
		mark = "  ok    " + words + " "
	}
	return x.follow(x.c.command(x.add(append([]string{"--undo-after", "10s"}, more...)...)...), mark)
}

// follow starts a command, which is stopped when it has said mark, "" never.
func (x *site) follow(cmd *exec.Cmd, mark string) *stopped {
	x.t.Helper()
	s := &stopped{x: x, cmd: cmd, mark: mark, reached: make(chan struct{}), freed: make(chan struct{}), read: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		x.t.Fatal(err)
	}
	if s.raw, err = r.SyscallConn(); err != nil {
		x.t.Fatal(err)
	}
	s.cmd.Stderr = w
	x.relay.run.Store(s)
	if err := s.cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // one that has ended is no error
	_ = w.Close()
	go func() {
		defer close(s.read)
		for more := true; more; {
			if err := s.raw.Read(func(fd uintptr) bool { var some bool; some, more = s.take(fd); return some || !more }); err != nil {
				return
			}
		}
		_ = r.Close()
	}()
	return s
}

// take reads what it has said; more is false when it has ended.
func (s *stopped) take(fd uintptr) (some, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	buffer := make([]byte, 4096)
	for {
		n, err := syscall.Read(int(fd), buffer)
		if n <= 0 {
			return some, err == syscall.EAGAIN || err == syscall.EINTR
		}
		some = true
		s.talk.Write(buffer[:n])
		if s.mark != "" && strings.Contains(s.talk.String(), s.mark) {
			s.mark = ""
			_ = s.cmd.Process.Signal(syscall.SIGSTOP)
			close(s.reached)
		}
	}
}

// pass returns when the relay may go on.
func (s *stopped) pass() {
	_ = s.raw.Control(func(fd uintptr) { s.take(fd) }) // closed: it has ended
	select {
	case <-s.reached:
		<-s.freed
	default:
	}
}

// stopAfter starts host add and returns when it stands after the step of these words.
func (x *site) stopAfter(words string, more ...string) *stopped {
	x.t.Helper()
	s := x.start(words, more...)
	select {
	case <-s.reached:
	case <-s.read:
		_ = s.cmd.Wait()
		x.t.Fatalf("it did not come to %q: %s", words, s.said())
	}
	return s
}

func (s *stopped) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.talk.String()
}

// kill is kill -9.
func (s *stopped) kill() {
	_ = s.cmd.Process.Kill()
	<-s.read
	_ = s.cmd.Wait()
	close(s.freed)
	s.x.t.Logf("killed after:\n%s", s.said())
}

func (s *stopped) goOn() {
	close(s.freed)
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
}

// end waits until it ends by itself.
func (s *stopped) end() (said string, code int) {
	s.x.t.Helper()
	timer := time.AfterFunc(100*time.Second, func() {
		s.x.t.Error("the client does not end")
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // it says where it stands
	})
	defer timer.Stop()
	<-s.read
	_ = s.cmd.Wait() // its exit code tells
	s.x.t.Logf("exit %d\n%s", s.cmd.ProcessState.ExitCode(), s.said())
	return s.said(), s.cmd.ProcessState.ExitCode()
}

// relay stands between a client and a server.
type relay struct {
	port string
	run  atomic.Pointer[stopped] // whose words are heeded
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &relay{}
	_, r.port, _ = net.SplitHostPort(l.Addr().String())
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go r.connect(in, to, r.run.Load())
		}
	}()
	return r
}

// connect passes one connection on. The server hears of it only once the client may go on.
func (r *relay) connect(in net.Conn, to string, s *stopped) {
	if s != nil {
		s.pass()
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		_ = in.Close()
		return
	}
	go pour(out, in)
	if s == nil {
		pour(in, out)
		return
	}
	pour(heeding{in, s}, out)
}

// heeding is the client's end: what is read from it waits until the client may go on.
type heeding struct {
	net.Conn
	s *stopped
}

func (h heeding) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.s.pass()
	return n, err
}
