package main

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// toBackground gives a process no console.
func toBackground(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
