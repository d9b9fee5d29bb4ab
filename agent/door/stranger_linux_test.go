package door

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// callEnv names the socket that the program of another user is to call at.
const callEnv = "KAGIBAN_TEST_CALL"

// TestMain lets the test binary play that program, and one that inherits sockets.
func TestMain(m *testing.M) {
	if path := os.Getenv(callEnv); path != "" {
		os.Exit(call(path))
	}
	if os.Getenv(inheritEnv) != "" {
		os.Exit(inherit())
	}
	os.Exit(m.Run())
}

// call connects and waits to be served: 0 if it was, 3 if it was shut out, 4 if
// it could not even connect.
func call(path string) int {
	c, err := Dial(path)
	if err != nil {
		return 4
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if n, _ := c.Read(make([]byte, 1)); n == 0 {
		return 3
	}
	return 0
}

// openFolder is one that other users can enter, for a test that has such a user.
func openFolder(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run a program as another user")
	}
	folder, err := os.MkdirTemp("", "door") // the test's own lies in a private one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// asUser runs call as another user, by a copy of this program that he can reach.
func asUser(t *testing.T, uid uint32, folder, socket string) (pid, code int) {
	t.Helper()
	program := filepath.Join(folder, "caller")
	body, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, body, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), callEnv+"="+socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	return cmd.Process.Pid, cmd.ProcessState.ExitCode()
}

func TestAnotherUserIsShutOut(t *testing.T) {
	folder := openFolder(t)
	socket := filepath.Join(folder, "agent.sock")
	l := mustListen(t, socket)
	refused := make(chan Caller, 10)
	l.Refused = func(c Caller, err error) {
		if !errors.Is(err, ErrStranger) {
			t.Errorf("refused for %v", err)
		}
		refused <- c
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte{1})
			c.Close()
		}
	}()

	if _, code := asUser(t, 65534, folder, socket); code != 4 {
		t.Errorf("the mode of the socket lets another user connect: his program ends with %d", code)
	}
	if err := os.Chmod(socket, 0o666); err != nil { // the second wall
		t.Fatal(err)
	}
	pid, code := asUser(t, 65534, folder, socket)
	if code != 3 {
		t.Errorf("another user was let in: his program ends with %d", code)
	}
	if c := <-refused; c.UID != "65534" || c.PID != pid || !strings.HasSuffix(c.Program, "caller") {
		t.Errorf("refused was %+v, and it was process %d", c, pid)
	}
	if _, code := asUser(t, 0, folder, socket); code != 0 { // the control
		t.Errorf("our own program was shut out: it ends with %d", code)
	}
}
