package safefile

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// The same names as in os_unix.go; the callers in safefile.go and dir.go say what they are for.

// rename replaces to, MoveFileEx with MOVEFILE_REPLACE_EXISTING. It is refused while somebody (a reader, a virus scanner) has
// the file open, which passes: so it is tried again for two seconds.
func rename(from, to string) error {
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || wait > time.Second {
			return err
		}
		time.Sleep(wait)
	}
}

// syncDir does nothing: Windows has no flush for a folder, NTFS journals its names.
func syncDir(string) error { return nil }

// keepOwner does nothing: a file takes the owner and the access list of its folder.
func keepOwner(_, _ string) {}

// checkOwner does nothing yet: see the package comment.
func checkOwner(string, fs.FileInfo) error { return nil }
