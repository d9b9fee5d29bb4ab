//go:build linux

package agent

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The test of Harden needs processes of one user that is not root, who may read
// everything. This file makes the test binary play them: the victim, hardened or
// not, and the reader of its memory.
const roleEnv = "KAGIBAN_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "hardened", "plain":
		playVictim(os.Getenv(roleEnv) == "hardened")
	case "reader":
		if _, err := os.Open(os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playVictim says that it is ready, and waits to be read or killed. What a core
// may be long is raised first: it is Harden that has to forbid it.
func playVictim(hardened bool) {
	var limit syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
	limit.Cur = limit.Max
	syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	if hardened {
		if err := Harden(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println("ready")
	io.ReadAll(os.Stdin)
	os.Exit(0)
}

// asNobody prepares a copy of this program, run by a user who is not root.
func asNobody(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	folder, err := os.MkdirTemp("", "harden")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	program := os.Args[0]
	var attr *syscall.SysProcAttr
	if os.Geteuid() == 0 { // the folder of the test binary is root's alone
		body, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(folder, "victim")
		if err := os.WriteFile(program, body, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = folder // where a core would go
	cmd.Env = append(os.Environ(), roleEnv+"="+role, "GOTRACEBACK=crash")
	cmd.SysProcAttr = attr
	return cmd
}

// victim starts one and waits until it is ready.
func victim(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	cmd := asNobody(t, role)
	stdin, err := cmd.StdinPipe() // open until the test ends
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("the %s process says %q, error %v", role, line, err)
	}
	return cmd
}

func TestAHardenedProcessCannotBeRead(t *testing.T) {
	read := func(role string) (string, error) {
		pid := victim(t, role).Process.Pid
		out, err := asNobody(t, "reader", fmt.Sprintf("/proc/%d/mem", pid)).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := read("plain"); err != nil {
		t.Skipf("needs a system where a user may read the memory of his own processes "+
			"(/proc/sys/kernel/yama/ptrace_scope 0), else nothing is shown: %s", out)
	}
	if out, err := read("hardened"); err == nil || !strings.Contains(out, "permission denied") {
		t.Errorf("the memory of a hardened process can be read by its user: %q, %v", out, err)
	}
}

func TestAHardenedProcessLeavesNoCore(t *testing.T) {
	// dies says what core a process may leave, and whether it left one.
	dies := func(role string) (limit string, left bool) {
		cmd := victim(t, role)
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(limits)) {
			if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
				limit = strings.Join(strings.Fields(rest)[:2], " ")
			}
		}
		cmd.Process.Signal(syscall.SIGABRT)
		cmd.Wait()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if status.Signal() != syscall.SIGABRT {
			t.Errorf("the %s process did not die of its signal: %v", role, cmd.ProcessState)
		}
		return limit, status.CoreDump()
	}
	limit, left := dies("hardened")
	if left || limit != "0 0" {
		t.Errorf("a hardened process may leave a core of %s bytes; core left: %v", limit, left)
	}
	if _, left := dies("plain"); !left {
		t.Log("no process leaves a core on this system, so only the limit was shown")
	}
}
