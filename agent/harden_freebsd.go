package agent

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From sys/procctl.h and sys/wait.h.
const (
	procTraceCtl        = 7
	procTraceCtlDisable = 2
	idTypePID           = 0
)

// harden: PROC_TRACE_CTL (procctl(2)) refuses debuggers and cores, until the
// process executes another program.
func harden() error {
	return errors.Join(noTrace(), noCore())
}

func noTrace() error {
	if strconv.IntSize < 64 { // the id would take two arguments
		return errors.New("refuse debuggers: not done on 32-bit systems")
	}
	mode := int32(procTraceCtlDisable)
	_, _, errno := unix.Syscall6(unix.SYS_PROCCTL, idTypePID, uintptr(os.Getpid()),
		procTraceCtl, uintptr(unsafe.Pointer(&mode)), 0, 0)
	if errno != 0 {
		return fmt.Errorf("refuse debuggers: %w", errno)
	}
	return nil
}
