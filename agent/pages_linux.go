package agent

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const somewhere = "a constant lies beside all others"

// leavePages takes the pages of the program's own file out of this process: most were needed to begin only. The system has
// them still; what is needed again is mapped again, not read (madvise(2), MADV_DONTNEED).
func leavePages() error {
	return ownPages(func(from, to uintptr) error {
		if _, _, e := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); e != 0 {
			return e
		}
		return nil
	})
}

// ownPages calls do with where the program's own file is in memory, other than what it may change there.
func ownPages(do func(from, to uintptr) error) error {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	code, constants := reflect.ValueOf(leavePages).Pointer(), uintptr(unsafe.Pointer(unsafe.StringData(somewhere)))
	for line := range strings.Lines(string(maps)) { // proc_pid_maps(5)
		var from, to uintptr
		var access string
		if _, e := fmt.Sscanf(line, "%x-%x %s", &from, &to, &access); e != nil {
			return e
		}
		own := from <= code && code < to || from <= constants && constants < to
		if !own || strings.Contains(access, "w") {
			continue
		}
		err = errors.Join(err, do(from, to))
	}
	return err
}
