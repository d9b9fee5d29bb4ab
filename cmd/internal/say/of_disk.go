package say

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ofDisk knows why this computer does not let a file be opened or written. It comes last: who knows what the file is for says more.
func ofDisk(err error) (ID, Fields) { return ofDiskOf(runtime.GOOS, err) }

func ofDiskOf(system string, err error) (ID, Fields) {
	path, done, why := unlet(system, err)
	if why == nil {
		return "", nil
	}
	folder := filepath.Dir(path)
	switch name := filepath.Base(path); {
	case strings.HasPrefix(name, ".kagiban-tmp-"), name == ".lock": // made beside what is changed
		path, done = folder, "written"
	case strings.HasSuffix(name, ".lock"):
		path, done = strings.TrimSuffix(path, ".lock"), "written"
	}
	said, found := strings.CutSuffix(err.Error(), why.Error())
	if !found || strings.Contains(said, path) {
		said = ""
	}
	file := ""
	if done == "opened" {
		file = path
	}
	reason, fix := "permission denied", looking(system, folder, file)+"   (who owns it, and who may write there), mend that, then the same again"
	switch {
	case errors.Is(why, syscall.EROFS):
		done, reason = "written", "its disk is mounted read-only"
		fix = "df " + Quote(folder) + "; mount   (which disk it is, and how it is mounted), mend that, then the same again"
	case isFull(system, why):
		done, reason = "written", "its disk, or your share of it, is full"
		fix = room(system, folder) + ", then the same again"
	}
	return NotLet, Fields{"error": said + path + " cannot be " + done + ": " + reason, "fix": fix}
}

// unlet is the part of err that tells of a file of this computer's which may not be opened, made or written, and which of these; nil if there is none.
func unlet(system string, err error) (path, done string, why error) {
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one) && one.Op == "open":
		path, done, why = one.Path, "opened", one
	case errors.As(err, &one) && one.Op == "mkdir":
		path, done, why = one.Path, "made", one
	case errors.As(err, &one) && one.Op != "fork/exec":
		path, done, why = one.Path, "written", one
	case errors.As(err, &two):
		path, done, why = two.New, "written", two
	}
	if why != nil && (errors.Is(why, fs.ErrPermission) || errors.Is(why, syscall.EROFS) || isFull(system, why)) {
		return path, done, why
	}
	return "", "", nil
}

// isFull: Windows has numbers of its own for that (winerror.h).
func isFull(system string, err error) bool {
	const handleDiskFull, diskFull = 39, 112 // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
	var number syscall.Errno
	if system == "windows" && errors.As(err, &number) && (number == handleDiskFull || number == diskFull) {
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
