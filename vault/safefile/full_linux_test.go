package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"kagiban/scripts/ground"
)

// fullEnv makes the test binary the inside of TestDiskFull: its value is the folder to mount a small disk on.
const fullEnv = "SAFEFILE_TEST_FULL"

// TestDiskFull runs fillDisk on a small disk.
func TestDiskFull(t *testing.T) { ground.SmallDisk(t, fullEnv) }

func onFullDisk(dir string) int { return ground.OnSmallDisk(dir, "64k", fillDisk) }

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
