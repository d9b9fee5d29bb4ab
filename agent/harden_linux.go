package agent

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// harden: a process that is not dumpable can be neither traced nor read through
// /proc by its own user (prctl(2), PR_SET_DUMPABLE), and leaves no core. The
// limit on cores holds for a program that pipes them away, too.
func harden() error {
	dump := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	if dump != nil {
		dump = fmt.Errorf("make it not dumpable: %w", dump)
	}
	return errors.Join(dump, noCore())
}
