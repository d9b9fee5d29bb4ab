package main

import (
	"os/exec"
	"syscall"
)

// detach takes the terminal away from a command, so that it cannot ask.
func detach(c *exec.Cmd) {
	const detachedProcess = 8 // CreateProcessW, DETACHED_PROCESS
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: detachedProcess}
}
