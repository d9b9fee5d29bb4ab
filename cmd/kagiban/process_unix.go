//go:build unix

package main

import (
	"errors"
	"syscall"
)

// processLives tells whether there is a process of that number: kill(2) with signal 0.
func processLives(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
