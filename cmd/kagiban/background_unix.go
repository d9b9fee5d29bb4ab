//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// toBackground takes a process out of this terminal's session: closing the terminal does
// not end it, and it can neither read nor write there.
func toBackground(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// windowless is the program that opens no window: any does that here.
func windowless(program string) string { return program }
