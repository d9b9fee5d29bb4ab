package door

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// TestChain: this process, and whoever started it; and the same seen from below.
func TestChain(t *testing.T) {
	here := Chain(os.Getpid())
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		if here != nil {
			t.Errorf("%+v", here)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if len(here) < 2 || here[0].PID != os.Getpid() || here[0].Program != self || here[0].UID == "" || here[1].PID != os.Getppid() || here[1].Program == "" {
		t.Errorf("%+v of %d under %d", here, os.Getpid(), os.Getppid())
	}
	if got := Chain(0); got != nil {
		t.Errorf("of nobody: %+v", got)
	}
}

// TestWorkDir: a child that works elsewhere.
func TestWorkDir(t *testing.T) {
	if runtime.GOOS != "linux" {
		if got := WorkDir(os.Getpid()); got != "" {
			t.Error(got)
		}
		return
	}
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cat")
	cmd.Dir = folder
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := WorkDir(cmd.Process.Pid); got != folder {
		t.Errorf("%q, want %q", got, folder)
	}
	if all := Chain(cmd.Process.Pid); len(all) < 2 || all[1].PID != os.Getpid() || filepath.Base(all[0].Program) == filepath.Base(os.Args[0]) {
		t.Errorf("%+v", all)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for end := time.Now().Add(20 * time.Second); WorkDir(cmd.Process.Pid) != "" && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if got, all := WorkDir(cmd.Process.Pid), Chain(cmd.Process.Pid); got != "" || all != nil {
		t.Errorf("of one that has ended: %q, %+v", got, all)
	}
}

// TestClimb has an end, whatever the system says of parents.
func TestClimb(t *testing.T) {
	all := climb(9, func(pid int) (Caller, int, bool) { return Caller{PID: pid, Program: strconv.Itoa(pid)}, 9, true })
	if len(all) != maxChain {
		t.Errorf("%d programs", len(all))
	}
	all = climb(3, func(pid int) (Caller, int, bool) { return Caller{PID: pid}, pid - 1, true })
	if len(all) != 2 { // not process 1
		t.Errorf("%+v", all)
	}
}
