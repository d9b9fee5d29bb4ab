package vault

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// steps are the system calls by which a change reaches the disk.
const steps = "renameat,linkat,unlinkat,fsync,fchmod,utimensat"

// TestFaultAtEveryStep has strace(1) kill each change at each system call that touches the disk, or make that call fail, one
// after the other until the change comes through unhurt.
func TestFaultAtEveryStep(t *testing.T) {
	need(t, "strace", "strace")
	if out, err := exec.Command("strace", "-f", "-e", "inject=fsync:error=EIO:when=1", "true").CombinedOutput(); err != nil {
		t.Skipf("needs the right to trace processes: %v %s", err, out)
	}
	for _, what := range []string{"create", "passwd", "rename", "remove"} {
		for _, fault := range []string{"signal=KILL", "error=ENOSPC"} {
			t.Run(what+" "+fault, func(t *testing.T) {
				t.Parallel()
				hit := 0
				for _, call := range strings.Split(steps, ",") {
					hit += faultsAt(t, what, call, fault)
				}
				if hit < 3 {
					t.Errorf("only %d faults struck", hit)
				}
				t.Logf("%d faults struck", hit)
			})
		}
	}
}

// faultsAt lets the first, second, third... of one call go wrong and returns how many there were.
func faultsAt(t *testing.T, what, call, fault string) int {
	for n := 1; n < 20; n++ {
		v := crashVault(t)
		cmd := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
			"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n), os.Args[0])
		cmd.Env = append(os.Environ(), helperEnv+"="+what+" "+v.dir)
		out, err := cmd.CombinedOutput()
		if wrong := afterwards(v, what, err); wrong != "" {
			t.Errorf("%s number %d, %s: %s; the folder holds %q\n%s", call, n, fault, wrong, names(t, v), out)
		}
		if err == nil {
			return n - 1
		}
	}
	t.Errorf("%s: it never comes through", call)
	return 0
}
