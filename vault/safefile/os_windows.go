package safefile

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/windows"
)

// The same names as in os_unix.go; the callers in safefile.go and dir.go say what they are for. Access lists are in acl_windows.go.

// replacePatience is how long a file that somebody has open is tried again; tests of that take as long.
const replacePatience = 2 * time.Second

// patiently does what is refused for one of these reasons, which pass, again and again.
func patiently(do func() error, reasons ...error) error {
	end := time.Now().Add(replacePatience)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := do()
		if !isOneOf(err, reasons) || time.Now().After(end) {
			return err
		}
		time.Sleep(wait)
	}
}

func isOneOf(err error, reasons []error) bool {
	return slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(err, reason) })
}

// open tries again while somebody has the file for himself: who replaces it does for a moment, and a virus scanner.
func open(path string) (f *os.File, err error) {
	err = patiently(func() error {
		f, err = os.Open(path)
		return err
	}, windows.ERROR_SHARING_VIOLATION)
	return f, err
}

// rename replaces to, MoveFileEx with MOVEFILE_REPLACE_EXISTING. It is refused while somebody (a reader, a virus scanner) has
// the file open, which passes: so it is tried again. Whoever keeps it open for longer gets us a [*BusyError].
func rename(from, to string) error {
	taken := []error{windows.ERROR_SHARING_VIOLATION, windows.ERROR_ACCESS_DENIED}
	err := patiently(func() error { return os.Rename(from, to) }, taken...)
	if isOneOf(err, taken) {
		if path := busy(to, from); path != "" {
			return &BusyError{Path: path, Err: err}
		}
	}
	return err
}

// busy is the first of paths that somebody has open without letting others delete it, or "" if it is something else that is in
// the way: the answers to a wish to delete tell these apart (CreateFile, FILE_SHARE_DELETE).
func busy(paths ...string) string {
	for _, path := range paths {
		name, err := windows.UTF16PtrFromString(path)
		if err != nil {
			continue
		}
		const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
		h, err := windows.CreateFile(name, windows.DELETE, all, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
		if err == nil {
			_ = windows.CloseHandle(h) // nothing was done with it
		}
		if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
			return path
		}
	}
	return ""
}

// syncDir does nothing: Windows has no flush for a folder, NTFS journals its names.
func syncDir(string) error { return nil }

// keepOwner does nothing: a file takes the owner of its maker and the access list of its folder.
func keepOwner(_, _ string) {}
