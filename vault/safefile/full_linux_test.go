package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// fullEnv makes the test binary the inside of TestDiskFull: its value is the folder to mount a small disk on.
const fullEnv = "SAFEFILE_TEST_FULL"

// TestDiskFull runs onFullDisk in a mount namespace of its own, so that the small disk is seen by nobody else and is gone
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
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		fmt.Println("mount:", err)
		return noMount
	}
	if err := fillDisk(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// fillDisk writes more than the disk holds: an error, the old file as it was, nothing left, and well again once there is space.
func fillDisk(dir string) error {
	path := filepath.Join(dir, "f")
	old := bytes.Repeat([]byte{'o'}, 20<<10)
	if err := WriteFile(path, old, 0o600); err != nil {
		return err
	}
	for range 3 {
		if err := WriteFile(path, make([]byte, 60<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("on a full disk: %v", err)
		}
		if err := WriteNew(path+"2", make([]byte, 60<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("on a full disk: %v", err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, old) {
		return fmt.Errorf("the old file is lost: %d bytes, %v", len(got), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		return fmt.Errorf("left behind: %v, %v", entries, err)
	}
	return WriteFile(path, bytes.Repeat([]byte{'n'}, 30<<10), 0o600)
}
