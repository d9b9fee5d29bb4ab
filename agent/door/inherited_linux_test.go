package door

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kagiban/scripts/ground"
)

// inheritEnv lets the test binary play the program that a service manager starts.
const inheritEnv = "KAGIBAN_TEST_INHERIT"

// inherit says what was passed, then what of it a child would hear of, and then
// lets in one caller at each socket.
func inherit() int {
	all, err := Inherited()
	switch {
	case errors.Is(err, ErrInherited):
		fmt.Println("refused:", err)
	case err != nil:
		fmt.Println("fails:", err)
	}
	for _, l := range all {
		fmt.Println("at", filepath.Base(l.Addr().String()))
	}
	child := exec.Command("sh", "-c", "env | grep ^LISTEN_; ls -l /proc/self/fd | grep -c socket: ")
	child.Stderr = os.Stderr
	out, _ := child.Output()
	fmt.Printf("a child has %q\n", out)
	for _, l := range all {
		c, err := l.Accept()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		c.Write([]byte("x"))
		c.Close()
		l.Close()
	}
	return 0
}

// activate runs the test binary as a service manager would, by a shell that knows
// its own process id as $$.
func activate(t *testing.T, env string, files ...*os.File) (lines *bufio.Scanner, wait func() error) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `env `+env+` "$0"`, os.Args[0])
	if strings.Contains(env, "$$") { // the process id must stay: the shell becomes the program
		cmd = exec.Command("/bin/sh", "-c", `export `+env+`; exec "$0"`, os.Args[0])
	}
	cmd.Env = append(os.Environ(), inheritEnv+"=1")
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		f.Close()
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return bufio.NewScanner(out), cmd.Wait
}

// passed makes a socket that a service manager listens on. Its mode lets others
// in, as SocketMode= may.
func passed(t *testing.T, path string) *os.File {
	t.Helper()
	l := ground.Listen(t, path)
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return f
}

func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatal("it says no more")
	}
	return lines.Text()
}

func TestSocketsAreInherited(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	lines, wait := activate(t, "LISTEN_PID=$$ LISTEN_PIDFDID=7 LISTEN_FDS=2 LISTEN_FDNAMES=agent:control",
		passed(t, one), passed(t, two))
	for _, want := range []string{"at one", "at two", `a child has "0\n"`} {
		if got := next(t, lines); got != want {
			t.Errorf("it says %q, and not %q", got, want)
		}
	}
	for _, path := range []string{one, two} {
		c, err := Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if n, err := c.Read(make([]byte, 1)); n != 1 {
			t.Errorf("at %s nobody lets us in: %v", path, err)
		}
	}
	if err := wait(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("beside the two sockets, which are not its own, nothing should be left: %v, %v", left, err)
	}
}

func TestWhatIsNotPassedToUsIsLeft(t *testing.T) {
	for env, want := range map[string]string{
		"LISTEN_FDS=1":                  "",
		"LISTEN_PID=1 LISTEN_FDS=1":     "",
		"LISTEN_PID=$$":                 `refused: LISTEN_FDS is ""`,
		"LISTEN_PID=$$ LISTEN_FDS=0":    `refused: LISTEN_FDS is "0"`,
		"LISTEN_PID=$$ LISTEN_FDS=x":    `refused: LISTEN_FDS is "x"`,
		"LISTEN_PID=$$ LISTEN_FDS=9999": `refused: LISTEN_FDS is "9999"`,
		"LISTEN_PID=$$ LISTEN_FDS=2":    "refused: inherited socket 2",
	} {
		t.Run(env, func(t *testing.T) {
			lines, _ := activate(t, env, passed(t, filepath.Join(t.TempDir(), "socket")))
			if got := next(t, lines); want != "" {
				if !strings.HasPrefix(got, want) {
					t.Errorf("it says %q, and not %q", got, want)
				}
				next(t, lines)
			} else if !strings.HasPrefix(got, `a child has "`) || strings.Contains(got, "LISTEN_") {
				t.Errorf("it says %q", got)
			}
		})
	}
}

func TestOnlyAListeningUnixSocketIsTaken(t *testing.T) {
	dir := t.TempDir()
	socket := func(domain, kind int, bind unix.Sockaddr) func() (int, error) {
		return func() (int, error) {
			fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
			if err == nil && bind != nil {
				err = unix.Bind(fd, bind)
			}
			return fd, err
		}
	}
	at := func(name string) unix.Sockaddr { return &unix.SockaddrUnix{Name: filepath.Join(dir, name)} }
	listening := func(make func() (int, error)) func() (int, error) {
		return func() (int, error) {
			fd, err := make()
			if err == nil {
				err = unix.Listen(fd, 1)
			}
			return fd, err
		}
	}
	good := listening(socket(unix.AF_UNIX, unix.SOCK_STREAM, at("good")))
	things := map[string]func() (int, error){
		"a file":        func() (int, error) { return unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0) },
		"TCP":           listening(socket(unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})),
		"datagrams":     socket(unix.AF_UNIX, unix.SOCK_DGRAM, at("datagrams")),
		"packets":       listening(socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, at("packets"))),
		"not listening": socket(unix.AF_UNIX, unix.SOCK_STREAM, at("deaf")),
		"connected": func() (int, error) {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			unix.Close(pair[1])
			return pair[0], err
		},
		"closed": func() (int, error) { return 1 << 16, nil },
	}
	for name, make := range things {
		t.Run(name, func(t *testing.T) {
			fd, err := make()
			if err != nil {
				t.Fatal(err)
			}
			if l, err := FromFile(os.NewFile(uintptr(fd), name)); !errors.Is(err, ErrInherited) {
				t.Errorf("%v, error %v", l, err)
			}
		})
	}
	fd, err := good() // the control
	if err != nil {
		t.Fatal(err)
	}
	l, err := FromFile(os.NewFile(uintptr(fd), "good"))
	if err != nil {
		t.Fatal(err)
	}
	if !answers(t, l, filepath.Join(dir, "good")) {
		t.Error("nobody answers")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestAStrangerIsShutOutOfAnInheritedSocket: whoever made it, whatever its mode.
func TestAStrangerIsShutOutOfAnInheritedSocket(t *testing.T) {
	folder := openFolder(t)
	path := filepath.Join(folder, "socket")
	f := passed(t, path)
	for _, open := range []string{folder, path} {
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	l, err := FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 1)
	l.Refused = func(_ Caller, err error) { refused <- err }
	go func() {
		c, err := l.Accept()
		if err == nil {
			c.Write([]byte{1})
			c.Close()
		}
	}()
	defer l.Close()
	if _, code := asUser(t, 65534, folder, path); code != 3 {
		t.Errorf("another user was let in: his program ends with %d", code)
	}
	if err := <-refused; !errors.Is(err, ErrStranger) {
		t.Errorf("refused for %v", err)
	}
}
