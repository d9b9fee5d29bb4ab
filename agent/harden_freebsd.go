package agent

import (
	"errors"
	"fmt"
	"os"
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
	mode := int32(procTraceCtlDisable)
	var trace error
	_, _, errno := unix.Syscall6(unix.SYS_PROCCTL, idTypePID, uintptr(os.Getpid()),
		procTraceCtl, uintptr(unsafe.Pointer(&mode)), 0, 0)
	if errno != 0 {
		trace = fmt.Errorf("refuse debuggers: %w", errno)
	}
	return errors.Join(trace, noCore())
}
