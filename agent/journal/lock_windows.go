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

// cut makes file so long. What was opened to append to may not be cut (SetEndOfFile wants
// GENERIC_WRITE), so it is opened once more: nothing takes its name while it is open.
func cut(file *os.File, size int64) error { return os.Truncate(file.Name(), size) }
