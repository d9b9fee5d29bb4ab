package door

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

// pipeName is one that nobody has.
func pipeName() string { return `\\.\pipe\kagiban-test-` + rand.Text() }

// echo answers every connection with what it says.
func echo(t *testing.T, l *Listener) {
	t.Helper()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
}

func mustDial(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// TestPipeManyClients: all at once, with more than the pipe holds.
func TestPipeManyClients(t *testing.T) {
	path := pipeName()
	echo(t, mustListen(t, path))
	var clients sync.WaitGroup
	for i := range 20 {
		clients.Go(func() {
			c, err := Dial(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			said := bytes.Repeat([]byte{byte(i), 1, 2}, maxMessage/3)
			go c.Write(said)
			heard := make([]byte, len(said))
			if _, err := io.ReadFull(c, heard); err != nil || !bytes.Equal(heard, said) {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	clients.Wait()
}

// TestPipeName: it is taken as long as its listener lives, and then free.
func TestPipeName(t *testing.T) {
	path := pipeName()
	if !IsGone(path) {
		t.Error("it was there before")
	}
	if _, err := Dial(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nobody's: %v", err)
	}
	l := mustListen(t, path)
	if _, err := Listen(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a second listener: %v", err)
	}
	echo(t, l)
	c := mustDial(t, path)
	if IsGone(path) || !Same(path, strings.ToUpper(strings.ReplaceAll(path, `\`, "/"))) {
		t.Error("it is not there")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after its end: %v", err)
	}
	if _, err := io.WriteString(c, "x"); err != nil { // what was let in stays
		t.Error(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 1 {
		t.Error(err)
	}
	c.Close()
	awaitGone(t, path)
	mustListen(t, path)
	if _, err := Listen(`\\.\pipe\` + strings.Repeat("x", maxPath)); !errors.As(err, new(*PathTooLongError)) {
		t.Errorf("a long one: %v", err)
	}
}

// TestPipeIsNoFile: SSH_AUTH_SOCK of a shell of MSYS names a file, in which its agent says where it is. Nothing is written there.
func TestPipeIsNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.4711")
	if err := os.WriteFile(path, []byte("!<socket >"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Dial(path)
	if err == nil {
		io.WriteString(c, "\x00\x00\x00\x01\x0b")
		c.Close()
	}
	text, readErr := os.ReadFile(path)
	if !errors.Is(err, ErrNotSocket) || string(text) != "!<socket >" {
		t.Errorf("%v, and the file has %q, %v", err, text, readErr)
	}
}

// awaitGone waits for the connections that a listener leaves behind.
func awaitGone(t *testing.T, path string) {
	t.Helper()
	ground.Until(t, "the name is gone", func() bool { return IsGone(path) })
}

// TestPipeIsHeld: however fast clients come and go, the name is never free for another.
func TestPipeIsHeld(t *testing.T) {
	path := pipeName()
	l := mustListen(t, path)
	echo(t, l)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 50 {
				if c, err := Dial(path); err == nil {
					c.Close()
				}
				if IsGone(path) {
					t.Error("the name is free")
					return
				}
			}
		})
	}
	clients.Wait()
}

// TestPipeEnds: closing ends a read, a deadline does, and the other end hears of it.
func TestPipeEnds(t *testing.T) {
	path := pipeName()
	l := mustListen(t, path)
	accepting := make(chan error)
	go func() {
		_, err := l.Accept()
		accepting <- err
	}()
	near := mustDial(t, path)
	if err := <-accepting; err != nil {
		t.Fatal(err)
	}
	near.SetReadDeadline(time.Now().Add(time.Millisecond))
	var late net.Error
	if _, err := near.Read(make([]byte, 1)); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("too late: %v", err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		accepting <- err
	}()
	mustDial(t, path).Close()
	if err := <-accepting; !errors.Is(err, io.EOF) {
		t.Errorf("the other end: %v", err)
	}
	near.SetReadDeadline(time.Time{})
	reading := make(chan error)
	go func() {
		_, err := near.Read(make([]byte, 1))
		reading <- err
	}()
	near.Close()
	if err := <-reading; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	go func() {
		_, err := l.Accept()
		accepting <- err
	}()
	l.Close()
	if err := <-accepting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting: %v", err)
	}
}

// TestPipeEndsAtOnce: whoever hears from Accept that the listener is closed finds its name free.
func TestPipeEndsAtOnce(t *testing.T) {
	for range 50 {
		path := pipeName()
		l := mustListen(t, path)
		go l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		if !IsGone(path) {
			t.Fatal("the name stays")
		}
	}
}

func me(t *testing.T) string {
	t.Helper()
	sid, err := userSID()
	if err != nil {
		t.Fatal(err)
	}
	return sid.String()
}

// TestMutex: only one at a time has it.
func TestMutex(t *testing.T) {
	name := `Local\kagiban-test-` + rand.Text()
	var inside atomic.Int32
	var takers sync.WaitGroup
	for range 4 {
		takers.Go(func() {
			for range 20 {
				unlock := lockMutex(name)
				if inside.Add(1) > 1 {
					t.Error("two have it")
				}
				runtime.Gosched()
				inside.Add(-1)
				unlock()
			}
		})
	}
	takers.Wait()
}

// TestFurther: all doors are opened once, and whoever comes second hears so.
func TestFurther(t *testing.T) {
	first := Further()
	for i, name := range []string{WayPuTTY, WayWindow, WayOpenSSH} {
		if first[i].Name != name || first[i].Path == "" || first[i].Listener == nil || first[i].Err != nil {
			t.Fatalf("%+v", first[i])
		}
		echo(t, first[i].Listener)
	}
	if !strings.HasPrefix(first[0].Path, `\\.\pipe\pageant.`) || len(first[0].Path) < len(`\\.\pipe\pageant.x.`)+64 {
		t.Error(first[0].Path)
	}
	if !Same(first[0].Path, OpenSSHPipe) || Same(first[0].Path, pipeName()) {
		t.Error("one process has both")
	}
	for _, w := range Further() {
		if w.Listener != nil || !errors.Is(w.Err, ErrInUse) {
			t.Errorf("a second time: %+v", w)
		}
		if self, err := os.Executable(); err != nil || w.Holder.PID != os.Getpid() || !strings.EqualFold(w.Holder.Program, self) {
			t.Errorf("who has %s is %+v, and should be %s, %v", w.Name, w.Holder, self, err)
		}
	}
	for _, w := range first {
		w.Listener.Close()
	}
	awaitGone(t, first[0].Path)
	awaitGone(t, OpenSSHPipe)
	for _, w := range Further() {
		if w.Err != nil {
			t.Errorf("after the end of the first: %v", w.Err)
			continue
		}
		w.Listener.Close()
	}
	awaitGone(t, first[0].Path)
	awaitGone(t, OpenSSHPipe)
}
