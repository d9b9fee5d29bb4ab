//go:build unix

package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// The same names as in os_windows.go; the callers in safefile.go and dir.go say what they are for.

func mkdir(path string) error { return os.Mkdir(path, 0o700) }

func open(path string) (*os.File, error) { return os.Open(path) }

func rename(from, to string) error { return os.Rename(from, to) }

// syncDir flushes a folder, fsync(2). Some network and FUSE file systems answer that they cannot: there is no more to do there.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// keepOwner gives temp the owner and group of the file that it will replace: sudo must not turn a user's file into root's.
// It is best effort: who may not give files away could not have kept the owner by any other way either.
func keepOwner(path, temp string) {
	old, err := os.Lstat(path)
	if err != nil {
		return
	}
	made, err := os.Lstat(temp)
	if err != nil {
		return
	}
	was, ok1 := old.Sys().(*syscall.Stat_t)
	is, ok2 := made.Sys().(*syscall.Stat_t)
	if ok1 && ok2 && (was.Uid != is.Uid || was.Gid != is.Gid) {
		_ = os.Lchown(temp, int(was.Uid), int(was.Gid))
	}
}

func checkOwner(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &DirError{path, "its owner cannot be told", "name another folder"}
	}
	if me := os.Geteuid(); int(st.Uid) != me {
		return &DirError{path, fmt.Sprintf("it belongs to user %d, and this runs as user %d", st.Uid, me),
			"run kagiban as its owner (without sudo), or name another folder"}
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return &DirError{path, fmt.Sprintf("others may enter it (mode %04o)", perm), fmt.Sprintf("chmod 700 %q", path)}
	}
	return nil
}
