//go:build unix

package helper

import (
	"os/exec"
	"syscall"
)

// apart keeps what is typed at a terminal (Ctrl-C) from the helper: it ends with us,
// not before.
func apart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
