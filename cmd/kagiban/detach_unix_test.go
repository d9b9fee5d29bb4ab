//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach takes the terminal away from a command, so that it cannot ask.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
