package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullEnv makes the test binary the inside of TestDiskFull: its value is the folder to mount a small disk on.
const fullEnv = "JOURNAL_TEST_FULL"

// TestDiskFull runs fillDisk in a mount namespace of its own, so that the small disk is seen by nobody else and is gone
// with the process.
func TestDiskFull(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() == noMount) {
		t.Skipf("needs mount namespaces (root, or user namespaces): %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

const noMount = 77

func onFullDisk(dir string) int {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		fmt.Println("mount:", err)
		return noMount
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
		fmt.Println("mount:", err)
		return noMount
	}
	if err := fillDisk(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// fillDisk records more than the disk holds: what was not written is counted, what was is whole, and when there is room it
// goes on, and says how many are missing.
func fillDisk(dir string) error {
	uses := filepath.Join(dir, "uses")
	j := New(Options{Dir: uses})
	r := &Reader{Dir: uses}
	var seen []string
	for i := range 100 {
		j.Record(sample(fmt.Sprint(i)))
		lines, bad, err := r.Next()
		if bad > 0 || err != nil {
			return fmt.Errorf("after %d: %d lines not understood, %v", i, bad, err)
		}
		for _, l := range lines {
			seen = append(seen, l.Entry.Key)
		}
	}
	missed := j.Missed()
	if len(seen) < 10 || len(missed) != 1 || missed[0].Count+len(seen) != 100 || !strings.Contains(missed[0].Why, "no space left") {
		return fmt.Errorf("%d are there; missed: %+v", len(seen), missed)
	}
	text, err := os.ReadFile(filepath.Join(uses, "000001.jsonl"))
	if err != nil || len(text) == 0 || text[len(text)-1] != '\n' {
		return fmt.Errorf("the file ends in a part of a line: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64k"); err != nil {
		return err
	}
	j.Record(sample("more"))
	lines, bad, err := r.Next()
	if err != nil || bad > 0 || len(lines) != 2 || lines[0].Gap == nil || lines[0].Gap.Count != missed[0].Count || lines[1].Entry.Key != "more" {
		return fmt.Errorf("when there is room: %+v, %d, %v", lines, bad, err)
	}
	return j.Close()
}
