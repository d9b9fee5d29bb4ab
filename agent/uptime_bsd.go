//go:build darwin || freebsd

package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// uptime is how long the computer has been on. macOS counts its sleep
// (clock_gettime(3), CLOCK_MONOTONIC); where the system does not, the wall's clock
// is left.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
