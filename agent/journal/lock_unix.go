//go:build unix

package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock keeps other programs from writing to file, until it is closed (flock(2)). Where
// the file system knows no locks there is none.
func lock(file *os.File) error {
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return errHeld
	}
	return nil
}

// cut makes file, which may have been moved away, so long.
func cut(file *os.File, size int64) error { return file.Truncate(size) }
