//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onDrop calls f at each SIGUSR1, as ssh-agent(1) drops its keys then. Without it
// the signal would end the process.
func onDrop(f func()) (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	go func() {
		for range c {
			f()
		}
	}()
	return func() {
		signal.Stop(c)
		close(c)
	}
}
