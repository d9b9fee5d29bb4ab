package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// uptime is how long the computer has been on, sleep included (clock_gettime(2),
// CLOCK_BOOTTIME).
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // no such clock: the wall's is left
	}
	return time.Duration(t.Nano())
}
