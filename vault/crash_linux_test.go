package vault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// steps are the system calls by which a change reaches the disk.
const steps = "renameat,linkat,unlinkat,fsync,fchmod,utimensat"

func needTrace(t *testing.T) {
	t.Helper()
	ground.Program(t, "strace", "strace")
	if out, err := exec.Command("strace", "-f", "-e", "inject=fsync:error=EIO:when=1", "true").CombinedOutput(); err != nil {
		t.Skipf("needs the right to trace processes: %v %s", err, out)
	}
}

// TestFaultAtEveryStep has strace(1) kill each change at each system call that touches the disk, or make that call fail, one
// after the other until the change comes through unhurt.
func TestFaultAtEveryStep(t *testing.T) {
	needTrace(t)
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
		cmd.Env = append(os.Environ(), atOnce, helperEnv+"="+what+" "+v.dir)
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

// TestFlushOrder: what is written is flushed before it gets its name, and the folder after each name that comes or goes. That
// holds against power loss, which no test here can bring about.
func TestFlushOrder(t *testing.T) {
	needTrace(t)
	const placed, renamed, removed, folder = "linkat", "renameat", "unlinkat", "fsync keys"
	for what, want := range map[string][]string{
		"create": {"fsync temp", placed, removed, folder, "fsync temp", renamed, folder},
		"passwd": {"fsync temp", renamed, folder},
		"rename": {"fsync temp", renamed, folder, renamed, folder, removed, folder},
		"remove": {removed, folder, removed, folder},
	} {
		v := crashVault(t)
		log := filepath.Join(t.TempDir(), "log")
		run(t, "env", atOnce, helperEnv+"="+what+" "+v.dir, "strace", "-f", "-y", "-qq", "-e", "signal=none", "-o", log,
			"-e", "trace=fsync,renameat,linkat,unlinkat", os.Args[0])
		var got []string
		for line := range strings.Lines(string(readAll(t, log))) {
			call := regexp.MustCompile(`^\d+ +(\w+)\(.*?(/keys>|kagiban-tmp-\w+>)?\) += 0$`).FindStringSubmatch(strings.TrimSpace(line))
			switch {
			case call == nil: // failed (what was not there could not be removed), or not about files
			case call[1] != "fsync":
				got = append(got, call[1])
			case call[2] == "/keys>":
				got = append(got, folder)
			case call[2] != "":
				got = append(got, "fsync temp")
			default:
				got = append(got, line)
			}
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s: %q, want %q\n%s", what, got, want, readAll(t, log))
		}
	}
}
