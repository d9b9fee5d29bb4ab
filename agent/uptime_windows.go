package agent

import (
	"time"

	"golang.org/x/sys/windows"
)

// uptime is how long the computer has been on, sleep included (GetTickCount64).
func uptime() time.Duration { return windows.DurationSinceBoot() }
