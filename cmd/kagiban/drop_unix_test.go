//go:build unix

package main

import (
	"net"
	"syscall"
	"testing"

	"kagiban/agent"
)

// faultySource fails as no Source should.
type faultySource struct{ asked chan struct{} }

func (s faultySource) Keys() ([]agent.LockedKey, error) {
	s.asked <- struct{}{}
	panic("a mistake")
}

// TestAMistakeInADropIsSurvived, and the next signal is heard.
func TestAMistakeInADropIsSurvived(t *testing.T) {
	s := faultySource{make(chan struct{})}
	d := onDrop(agent.New(agent.Options{Source: s}))
	defer d.stop()
	for range 2 {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		<-s.asked
	}
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	_, _ = d.peer(here) // has waited until the second was done with
}
