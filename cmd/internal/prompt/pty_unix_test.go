//go:build unix

package prompt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestMain makes of this test binary the program that asks: a question needs a
// controlling terminal, and a process gets one only at its start.
func TestMain(m *testing.M) {
	if what := os.Getenv("PROMPT_TEST_ASK"); what != "" {
		asker(what)
		return
	}
	os.Exit(m.Run())
}

// asker asks one question and writes the outcome to stdout, which is no terminal.
func asker(what string) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // the test ends the context by closing stdin
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	p := New(os.Getenv)
	p.UsePinentry(func() string { return os.Getenv("PROMPT_TEST_PINENTRY") })
	var answer any
	var err error
	switch what {
	case "hangup":
		signal.Ignore(syscall.SIGHUP)
		fallthrough
	case "secret":
		answer, err = p.Secret(ctx, "Passphrase\x1b[31m: ")
	case "again":
		answer, err = p.SecretAgain(ctx, "A key is wanted. Passphrase\x1b[31m 100%: ", "not\x1b[31m that")
	case "new":
		answer, err = p.NewSecret(ctx, "New: ", "Again: ")
	case "confirm":
		answer, err = p.Confirm(ctx, "Sure? ")
	case "approve":
		var c Consent
		c, err = p.Approve(ctx, Approval{
			About: "log in\x1b[31m\nwith key laptop", Ask: "Allow it?", Answers: "(y, 10m, lock, N)",
			AskPlain: "Allow it until Monday?", Plain: Consent{Yes: true, UntilLocked: true},
		})
		answer = fmt.Sprint(c)
	case "can":
		answer = p.CanAsk()
	case "can by askpass":
		answer = NewAskpass(os.Getenv).CanAsk()
	}
	fmt.Printf("%q %v", fmt.Sprintf("%s", answer), err)
}

// screen is the terminal of an asker as the person sees it.
type screen struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	in     *os.File  // the asker's
	stdin  io.Closer // closing it ends the asker's context
	before unix.Termios
	cmd    *exec.Cmd
	result bytes.Buffer

	mu   sync.Mutex
	seen []byte
}

// ask starts an asker on a new terminal that is watched.
func ask(t *testing.T, what string, background bool, env ...string) *screen {
	t.Helper()
	s := start(t, what, background, env...)
	go s.watch()
	return s
}

// newScreen is a new terminal.
func newScreen(t *testing.T) *screen {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, master: master, slave: slave, in: in, stdin: out}
	t.Cleanup(func() { slave.Close(); master.Close(); in.Close(); out.Close() })
	termios, err := unix.IoctlGetTermios(int(slave.Fd()), ioctlGetTermios)
	if err != nil {
		t.Fatal(err)
	}
	s.before = *termios
	return s
}

// start starts an asker on a new terminal; it may run in the background of it,
// put there by a shell with job control.
func start(t *testing.T, what string, background bool, env ...string) *screen {
	t.Helper()
	s := newScreen(t)
	cmd := exec.Command(os.Args[0])
	if background {
		cmd = exec.Command("sh", "-mc", `"$0" <&3 & wait`, os.Args[0])
	}
	cmd.Env = append(os.Environ(), "PROMPT_TEST_ASK="+what, "GORACE=atexit_sleep_ms=0", "DISPLAY=", "WAYLAND_DISPLAY=", "SSH_ASKPASS=", "SSH_ASKPASS_REQUIRE=", "GPG_TTY=")
	cmd.Env = append(cmd.Env, env...)
	cmd.ExtraFiles = []*os.File{s.in, s.slave}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 4}
	s.run(cmd)
	return s
}

// run starts that asker.
func (s *screen) run(cmd *exec.Cmd) {
	s.t.Helper()
	s.cmd = cmd
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, &s.result, os.Stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.in.Close()
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
}

func (s *screen) watch() {
	buf := make([]byte, 1024)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.seen = append(s.seen, buf[:n]...)
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.seen)
}

// await waits until the screen shows want.
func (s *screen) await(want string) *screen {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(s.text(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("screen %q, want %q", s.text(), want)
		}
	}
	return s
}

func (s *screen) typed(keys string) *screen {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// wait waits for the asker's end.
func (s *screen) wait() {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			s.t.Fatalf("asker: %v", err)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatalf("no end; screen %q", s.text())
	}
}

// outcome waits for the asker's end, checks that the terminal is as it was, and
// returns what the asker got.
func (s *screen) outcome() string {
	s.t.Helper()
	s.wait()
	after, err := unix.IoctlGetTermios(int(s.master.Fd()), ioctlGetTermios)
	if err != nil {
		s.t.Fatal(err)
	}
	if *after != s.before {
		s.t.Errorf("terminal %+v, was %+v", *after, s.before)
	}
	return s.result.String()
}

// hangUpAt takes the terminal away when it shows text, and nobody watches it: the
// asker hears of that.
func (s *screen) hangUpAt(text string) {
	s.t.Helper()
	buf := make([]byte, 1000)
	for shown := ""; !strings.Contains(shown, text); {
		n, err := s.master.Read(buf)
		if err != nil {
			s.t.Fatal(err)
		}
		shown += string(buf[:n])
	}
	s.slave.Close()
	s.master.Close()
	s.wait()
	if got, want := s.result.String(), `"" `+ErrHungUp.Error(); got != want {
		s.t.Errorf("outcome %s, want %s", got, want)
	}
}

func TestTerminal(t *testing.T) {
	tests := []struct {
		name, what string
		keys       []string // question to wait for, then what is typed, in turn
		want       string
		secret     string // never on the screen
	}{
		{"secret", "secret", []string{"Passphrase: ", "hunter2\r"}, `"hunter2" <nil>`, "hunter2"},
		{"secret mended", "secret", []string{"Passphrase: ", "xx\x15hunté\x7fe\x082\r"}, `"hunt2" <nil>`, "hunt"},
		{"empty", "secret", []string{"Passphrase: ", "\r"}, `"" ` + ErrEmpty.Error(), "-"},
		{"Ctrl-C", "secret", []string{"Passphrase: ", "hun\x03"}, `"" ` + ErrInterrupted.Error(), "hun"},
		{"Ctrl-D", "secret", []string{"Passphrase: ", "\x04"}, `"" ` + ErrNoAnswer.Error(), "-"},
		{"too long", "secret", []string{"Passphrase: ", strings.Repeat("y", 2000), "", strings.Repeat("y", 2097)}, `"" an answer of more than 4096 bytes`, "yy"},
		{"new", "new", []string{"New: ", "hunter2\r", "Again: ", "hunter2\r"}, `"hunter2" <nil>`, "hunter2"},
		{"new differs", "new", []string{"New: ", "hunter2\r", "Again: ", "hunter3\r"}, `"" ` + ErrDiffer.Error(), "hunter"},
		{"new interrupted", "new", []string{"New: ", "hunter2\r", "Again: ", "\x03"}, `"" ` + ErrInterrupted.Error(), "hunter"},
		{"yes, shown as it is typed", "confirm", []string{"Sure? ", " y\x1bes ", " yes ", "\r"}, `"%!s(bool=true)" <nil>`, "\x1b"},
		{"yes", "confirm", []string{"Sure? ", "Yes\r"}, `"%!s(bool=true)" <nil>`, "-"},
		{"no", "confirm", []string{"Sure? ", "ye\r"}, `"%!s(bool=false)" <nil>`, "-"},
		{"approve once", "approve", []string{"log in\r\nwith key laptop\r\nAllow it? (y, 10m, lock, N) ", "y\r"}, `"{true 0s false}" <nil>`, "Monday"},
		{"approve for a time", "approve", []string{"N) ", "1h\r"}, `"{true 1h0m0s false}" <nil>`, "Monday"},
		{"approve until locked", "approve", []string{"N) ", "lock\r"}, `"{true 0s true}" <nil>`, "Monday"},
		{"nothing approves nothing", "approve", []string{"N) ", "\r"}, `"{false 0s false}" <nil>`, "Monday"},
		{"approve interrupted", "approve", []string{"N) ", "y\x03"}, `"{false 0s false}" ` + ErrInterrupted.Error(), "Monday"},
		{"nothing is no", "confirm", []string{"Sure? ", "\r"}, `"%!s(bool=false)" <nil>`, "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := ask(t, tt.what, false)
			for i := 0; i < len(tt.keys); i += 2 {
				s.await(tt.keys[i]).typed(tt.keys[i+1])
			}
			if got := s.outcome(); got != tt.want {
				t.Errorf("outcome %s, want %s", got, tt.want)
			}
			if strings.Contains(s.text(), tt.secret) {
				t.Errorf("the screen %q shows %q", s.text(), tt.secret)
			}
			s.await("\r\n") // whatever happens, the next text begins on a new line
		})
	}
}

// TestContextEndsQuestion: a question that nobody answers ends with its context.
func TestContextEndsQuestion(t *testing.T) {
	s := ask(t, "secret", false).await("Passphrase: ").typed("hun")
	s.stdin.Close()
	if got, want := s.outcome(), `"" `+context.Canceled.Error(); got != want {
		t.Errorf("outcome %s, want %s", got, want)
	}
}

// TestHangUp: the terminal goes away while a question stands on it, and SIGHUP,
// which would end the process anyway, is ignored.
func TestHangUp(t *testing.T) {
	start(t, "hangup", false).hangUpAt("Passphrase: ")
}

// TestBackground: asking from the background would stop the whole process.
func TestBackground(t *testing.T) {
	if got := ask(t, "can", false).outcome(); !strings.Contains(got, "true") {
		t.Errorf("in the foreground CanAsk gives %s", got)
	}
	s := ask(t, "secret", true)
	if got, want := s.outcome(), `"" `+ErrCannotAsk.Error(); got != want {
		t.Errorf("outcome %s, want %s", got, want)
	}
}

// TestAskpassBeforeTerminal: SSH_ASKPASS_REQUIRE decides where both are there.
func TestAskpassBeforeTerminal(t *testing.T) {
	program := script(t, `echo from-askpass`)
	tests := []struct {
		name string
		env  []string
		tty  bool
	}{
		{"neither asked for", []string{"DISPLAY=:0"}, true},
		{"prefer", []string{"DISPLAY=:0", "SSH_ASKPASS_REQUIRE=prefer"}, false},
		{"prefer on Wayland", []string{"WAYLAND_DISPLAY=w", "SSH_ASKPASS_REQUIRE=prefer"}, false},
		{"prefer without display", []string{"SSH_ASKPASS_REQUIRE=prefer"}, true},
		{"force", []string{"SSH_ASKPASS_REQUIRE=force"}, false},
		{"never", []string{"DISPLAY=:0", "SSH_ASKPASS_REQUIRE=never"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := ask(t, "secret", false, append(tt.env, "SSH_ASKPASS="+program)...)
			want := `"from-askpass" <nil>`
			if tt.tty {
				s.await("Passphrase: ").typed("from-tty\r")
				want = `"from-tty" <nil>`
			}
			if got := s.outcome(); got != want {
				t.Errorf("outcome %s, want %s", got, want)
			}
		})
	}
}

// TestAskpassOrNothing: a terminal, or a pinentry, is not what was asked for.
func TestAskpassOrNothing(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"pinentry", "pinentry-tty", "ssh-askpass"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for env, want := range map[string]string{"DISPLAY=": "false", "DISPLAY=:0": "true"} {
		s := ask(t, "can by askpass", false, env, "PATH="+bin)
		if got := s.outcome(); !strings.Contains(got, want) {
			t.Errorf("%s: %s", env, got)
		}
	}
}

// TestReadAfterHangUp: a terminal that is gone reads as "nothing typed", for ever.
func TestReadAfterHangUp(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	term, err := openTerminal(slave.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer term.close()
	slave.Close()
	master.Close()
	for range 100 {
		n, err := term.Read(make([]byte, 1))
		if err != nil {
			return
		}
		if n != 0 {
			t.Fatalf("%d bytes from nowhere", n)
		}
	}
	t.Error("a hundred reads found no end")
}
