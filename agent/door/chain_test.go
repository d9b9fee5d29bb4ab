package door

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"kagiban/scripts/ground"
)

// waiting is a program that does nothing, in a folder until its end.
func waiting(t *testing.T, folder string) (pid int, end func()) {
	t.Helper()
	cmd := exec.Command("cat")
	if runtime.GOOS == "windows" {
		cmd = exec.Command("cmd")
	}
	cmd.Dir = folder
	ground.Stay(t, cmd)
	return cmd.Process.Pid, func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

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
	if len(here) < 1 || here[0].PID != os.Getpid() || here[0].Program != self || here[0].UID == "" {
		t.Fatalf("%+v of %d", here, os.Getpid())
	}
	if above := os.Getppid(); above > 1 && (len(here) < 2 || here[1].PID != above || here[1].Program == "") { // 0 in a wine that Linux started
		t.Errorf("%+v under %d", here, above)
	}
	child, _ := waiting(t, t.TempDir())
	if all := Chain(child); len(all) < 2 || all[0].PID != child || filepath.Base(all[0].Program) == filepath.Base(self) || all[1] != here[0] {
		t.Errorf("%+v of %d under %+v", all, child, here[0])
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
	child, end := waiting(t, folder)
	if got := WorkDir(child); got != folder {
		t.Errorf("%q, want %q", got, folder)
	}
	end()
	ground.Until(t, "it works nowhere", func() bool { return WorkDir(child) == "" })
	if all := Chain(child); all != nil {
		t.Errorf("of one that has ended: %+v", all)
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
