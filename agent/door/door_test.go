//go:build linux || darwin || freebsd

package door

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"kagiban/scripts/ground"
)

// answers says whether somebody listens at path, by being let in.
func answers(t *testing.T, l *Listener, path string) bool {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		return false
	}
	defer c.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return accepted.Close() == nil
}

// stale leaves a socket that nobody listens on, as a killed agent does.
func stale(t *testing.T, path string) {
	t.Helper()
	ground.Listen(t, path).Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
}

func TestTheSocketIsPrivateEvenInAnOpenFolder(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "agent.sock")
	l := mustListen(t, path)
	for _, name := range []string{path, path + ".lock"} {
		info, err := os.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if got := syscall.Umask(0); got != 0 {
		t.Errorf("the umask of the process was left at %o", got)
	}
	if !answers(t, l, path) {
		t.Error("nobody answers")
	}
	if l.Addr().String() != path {
		t.Errorf("the address is %v", l.Addr())
	}
}

func TestALiveSocketIsNeverStolen(t *testing.T) {
	t.Run("of ours", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agent.sock")
		l := mustListen(t, path)
		if _, err := Listen(path); !errors.Is(err, ErrInUse) {
			t.Errorf("error %v", err)
		}
		if c, err := l.Accept(); err != nil { // the question whether we are alive
			t.Error(err)
		} else {
			c.Close()
		}
		if !answers(t, l, path) {
			t.Error("the first agent lost its socket")
		}
	})
	t.Run("of another agent", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agent.sock")
		other, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := Listen(path); !errors.Is(err, ErrInUse) {
			t.Errorf("error %v", err)
		}
		if c, err := Dial(path); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
	})
	if runtime.GOOS != "linux" {
		return // the others refuse a connection to a full queue as if nobody listened
	}
	t.Run("of an agent that is too busy to accept", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agent.sock")
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Listen(fd, 0); err != nil {
			t.Fatal(err)
		}
		for range 5 { // fill its queue
			c, err := net.DialTimeout("unix", path, 0)
			if err == nil {
				defer c.Close()
			}
		}
		if _, err := Listen(path); !errors.Is(err, ErrInUse) {
			t.Errorf("error %v", err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Error("its socket was removed")
		}
	})
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	stale(t, path)
	if !answers(t, mustListen(t, path), path) {
		t.Error("nobody answers")
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "elsewhere.sock")
	mustListen(t, live)
	things := map[string]func(path string) error{
		"a file":              func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"a folder":            func(path string) error { return os.Mkdir(path, 0o700) },
		"a link to nowhere":   func(path string) error { return os.Symlink("nowhere", path) },
		"a link to a socket":  func(path string) error { return os.Symlink(live, path) },
		"a pipe with a name":  func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"an empty file":       func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a link to a file":    func(path string) error { return os.Symlink("/etc/passwd", path) },
		"a hard link to data": func(path string) error { return os.WriteFile(path, []byte("x"), 0o400) },
	}
	for name, make := range things {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "agent.sock")
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Listen(path); !errors.Is(err, ErrNotSocket) {
				t.Errorf("error %v", err)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it is gone: %v", err)
			}
		})
	}
}

func TestAPathThatIsTooLongSaysSo(t *testing.T) {
	dir := t.TempDir()
	name := func(length int) string { return filepath.Join(dir, strings.Repeat("x", length-len(dir)-1)) }
	_, err := Listen(name(maxPath + 1))
	var tooLong *PathTooLongError
	if !errors.As(err, &tooLong) || tooLong.Limit != maxPath || !strings.Contains(err.Error(), strconv.Itoa(maxPath)) {
		t.Errorf("error %v", err)
	}
	longest := name(maxPath) // its control: the limit is the true one
	if !answers(t, mustListen(t, longest), longest) {
		t.Error("nobody answers")
	}
}

func TestListenErrorsNameThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no-such-folder", "agent.sock")
	if _, err := Listen(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestCloseRemovesTheSocketOnlyIfItIsStillOurs(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agent.sock")
		l := mustListen(t, path)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
	})
	t.Run("another's", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agent.sock")
		l := mustListen(t, path)
		os.Remove(path) // somebody tidies up, and a second agent starts
		second := mustListen(t, path)
		l.Close()
		if !answers(t, second, path) {
			t.Error("the second agent lost its socket")
		}
	})
	t.Run("gone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agent.sock")
		l := mustListen(t, path)
		os.Remove(path)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestOfManyStartsOneWins: all find the same stale socket. Nobody may think that
// he won who has no socket.
func TestOfManyStartsOneWins(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "agent.sock")
		stale(t, path)
		var won atomic.Int32
		var winner atomic.Pointer[Listener]
		var starting sync.WaitGroup
		for range 16 {
			starting.Go(func() {
				l, err := Listen(path)
				if err == nil {
					won.Add(1)
					winner.Store(l)
				} else if !errors.Is(err, ErrInUse) {
					t.Errorf("error %v", err)
				}
			})
		}
		starting.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d starts won", won.Load())
		}
		winner.Load().Close()
	}
}

func TestOnlyTheUserAndRootAreLetIn(t *testing.T) {
	tests := map[string]error{
		"1000":  nil,
		"0":     nil,
		"1001":  ErrStranger,
		"65534": ErrStranger,
		"":      ErrStranger,
	}
	for uid, want := range tests {
		if err := admit(Caller{UID: uid}, "1000"); !errors.Is(err, want) {
			t.Errorf("uid %q: error %v, want %v", uid, err, want)
		}
	}
}

func TestShortagesAreNotTheEnd(t *testing.T) {
	if !isShortage(&net.OpError{Err: os.NewSyscallError("accept4", syscall.EMFILE)}) {
		t.Error("too many open files would end the agent")
	}
	if isShortage(net.ErrClosed) || isShortage(syscall.EINVAL) {
		t.Error("an end is taken for a shortage")
	}
}
