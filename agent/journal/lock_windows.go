package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock keeps other programs from writing to file, until it is closed (LockFileEx). What
// is locked is a byte far behind the end: a lock on Windows keeps readers out, too.
func lock(file *os.File) error {
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	if err := windows.LockFileEx(windows.Handle(file.Fd()), how, 0, 1, 0, &at); errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return nil
}
