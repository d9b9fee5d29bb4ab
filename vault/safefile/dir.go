package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DirError says why a folder is not fit to keep secrets in, and what to type.
type DirError struct {
	Path   string
	Reason string // what is wrong: "others may enter it (mode 0755)"
	Fix    string // the command that mends it, or what to do
}

func (e *DirError) Error() string {
	return fmt.Sprintf(`folder "%s" cannot be used: %s: %s`, e.Path, e.Reason, e.Fix)
}

// PrivateDir makes sure that path is a folder of ours alone. If it is not there it is made with mode 0700 (on Windows: with an access
// list for the user and the system alone), its missing parents too. If it is there, [CheckDir] judges it, and nothing about it is changed.
func PrivateDir(path string) error {
	if err := makeDir(filepath.Clean(path)); err != nil {
		return err
	}
	return CheckDir(path)
}

// CheckDir says whether path is a folder of ours alone: owned by the user that runs us, no symbolic link, and without
// permissions for group and others; on Windows: owned by the user or the Administrators, with an access list that names nobody but
// these and the system. The error is a [*DirError]; for a path that is not there it wraps [fs.ErrNotExist].
func CheckDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 {
		return &DirError{path, "it is a link", "name the folder that it leads to instead"}
	}
	if !info.IsDir() {
		return &DirError{path, "it is not a folder", "move it away, or name another folder"}
	}
	return checkOwner(path, info)
}

// makeDir makes path and its missing parents, and flushes the name of each.
func makeDir(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	parent := filepath.Dir(path)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}
