package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// toBackground gives a process no console.
func toBackground(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}

// windowless is the same program built to open no window (make windows), where it lies beside this one; else this one, for which
// Windows opens a console whenever something starts it that has none.
func windowless(program string) string {
	beside := filepath.Join(filepath.Dir(program), "kagibanw.exe")
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return beside
	}
	return program
}
