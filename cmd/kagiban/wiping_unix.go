//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// beginWiping begins this process anew unless it began so that it leaves no copy of a key. It has the same number, arguments
// and descriptors then. The error says why that was not to be had.
func beginWiping() error {
	if wipes() {
		return nil
	}
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, os.Args, wipingEnv())
	}
	return fmt.Errorf("have freed memory overwritten: %w", err)
}
