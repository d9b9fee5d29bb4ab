package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNobodyReadsTheMemoryOfAnAgent: a program of the same user, who is not root,
// can neither attach to an agent as a debugger does nor open its memory. The
// program is a plain copy, not setgid: the system protects those by itself, so
// that they would show nothing.
func TestNobodyReadsTheMemoryOfAnAgent(t *testing.T) {
	folder := plainUsersFolder(t)
	program, tester := filepath.Join(folder, "kagiban"), filepath.Join(folder, "tester")
	copyProgram(t, builtBinary(t), program)
	copyProgram(t, os.Args[0], tester)
	const attached, refused = "attach: ok, memory: ok", "attach: operation not permitted, memory: permission denied"
	socket := filepath.Join(folder, "socket")
	tests := []struct {
		name, socket, want string
		victim             []string
	}{
		{"a program that is not hardened", "", attached, []string{"sleep", "3600"}}, // else nothing is shown
		{"agent run", filepath.Join(folder, "home", "run", "agent.sock"), refused, []string{program, "agent", "run"}},
		{"ssh-agent", socket, refused, []string{program, "ssh-agent", "-D", "-a", socket}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(tester, append([]string{"-test.run=^TestPlayTracer$", "--", test.socket}, test.victim...)...)
			cmd.Dir = folder
			cmd.Env = []string{tracerEnv + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + folder, "KAGIBAN_HOME=" + filepath.Join(folder, "home")}
			if os.Geteuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: plainUser, Gid: plainUser}}
			}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "tracer: "+test.want+"\n") {
				t.Errorf("the tracer ends with %v and says\n%swant %s", err, out, test.want)
			}
		})
	}
}

// plainUser is nobody.
const plainUser = 65534

// plainUsersFolder is a folder of a user who is not root.
func plainUsersFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ptrace-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if os.Geteuid() == 0 {
		if err := os.Chown(folder, plainUser, plainUser); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	body, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, body, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, 0o755); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode() != 0o755 {
		t.Fatalf("%s is %v, %v", to, info, err)
	}
}

const tracerEnv = "KAGIBAN_TEST_TRACER"

// TestPlayTracer is no test: it is the other program of the test above. It starts
// the victim itself, for some systems let a program trace its own children only.
func TestPlayTracer(t *testing.T) {
	if os.Getenv(tracerEnv) == "" {
		return
	}
	args := flag.Args()    // its socket, the victim, its arguments
	runtime.LockOSThread() // a tracer is a thread
	victim := exec.Command(args[1], args[2:]...)
	var says bytes.Buffer
	victim.Stderr = &says
	input, err := victim.StdinPipe() // open until the end
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer victim.Wait()
	defer victim.Process.Kill()
	if err := answers(args[0]); err != nil {
		victim.Process.Kill()
		victim.Wait()
		t.Fatalf("it does not answer: %v; it says %s", err, says.String())
	}
	fmt.Printf("tracer: attach: %s, memory: %s\n", ending(attach(victim.Process.Pid)), ending(openMemory(victim.Process.Pid)))
}

// answers waits for the first answer of an agent: whoever has that may hand over
// keys. Without a socket there is nothing to wait for.
func answers(socket string) error {
	for deadline := time.Now().Add(time.Minute); socket != ""; time.Sleep(time.Millisecond) {
		c, err := net.Dial("unix", socket)
		if err == nil {
			defer c.Close()
			c.SetDeadline(deadline)
			c.Write([]byte{0, 0, 0, 1, 11})
			_, err = io.ReadFull(c, make([]byte, 5))
			return err
		}
		if time.Now().After(deadline) {
			return err
		}
	}
	return nil
}

func ending(err error) string {
	if err == nil {
		return "ok"
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

func attach(pid int) error {
	if err := unix.PtraceAttach(pid); err != nil {
		return err
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	return unix.PtraceDetach(pid)
}

func openMemory(pid int) error {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return err
	}
	return f.Close()
}
