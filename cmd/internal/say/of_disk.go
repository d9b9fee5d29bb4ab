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
func ofDisk(err error) (ID, Fields) {
	path, done, why := unlet(err)
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
	reason, fix := "permission denied", looking(runtime.GOOS, folder, file)+"   (who owns it, and who may write there), mend that, then the same again"
	switch {
	case errors.Is(why, syscall.EROFS):
		done, reason = "written", "its disk is mounted read-only"
		fix = "df " + Quote(folder) + "; mount   (which disk it is, and how it is mounted), mend that, then the same again"
	case errors.Is(why, syscall.ENOSPC), errors.Is(why, syscall.EDQUOT):
		done, reason = "written", "its disk, or your share of it, is full"
		fix = "df -h " + Quote(folder) + "; df -i " + Quote(folder) + "   (make room there), then the same again"
	}
	return NotLet, Fields{"error": said + path + " cannot be " + done + ": " + reason, "fix": fix}
}

// unlet is the part of err that tells of a file of this computer's which may not be opened, made or written, and which of these; nil if there is none.
func unlet(err error) (path, done string, why error) {
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
	for _, known := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT} {
		if why != nil && errors.Is(why, known) {
			return path, done, why
		}
	}
	return "", "", nil
}
