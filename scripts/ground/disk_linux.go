package ground

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const noMount = 77 // exit code

// SmallDisk runs this test binary once more, in a mount namespace of its own, so that the small disk is seen by nobody else and is gone with
// the process. Its environment has env with the folder to mount it on; TestMain gives that to [OnSmallDisk].
func SmallDisk(t testing.TB, env string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env+"="+t.TempDir())
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

// OnSmallDisk mounts a disk of that size (as tmpfs(5) has it) on dir, does what is to be done there, and returns the exit code for it.
func OnSmallDisk(dir, size string, do func(dir string) error) int {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		fmt.Println("mount:", err)
		return noMount
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		fmt.Println("mount:", err)
		return noMount
	}
	if err := do(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}
