package agent

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// harden: PT_DENY_ATTACH (ptrace(2)) refuses every debugger from now on.
func harden() error {
	attach := unix.PtraceDenyAttach()
	if attach != nil {
		attach = fmt.Errorf("refuse debuggers: %w", attach)
	}
	return errors.Join(attach, noCore())
}
