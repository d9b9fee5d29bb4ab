package main

import (
	"errors"
	"testing"

	"kagiban/cmd/internal/home"
)

// TestTheScreenHasNotSleepsProblem: that logind does not wait concerns sleep alone; that nothing is heard, all.
func TestTheScreenHasNotSleepsProblem(t *testing.T) {
	problem := errors.New("no")
	for _, heard := range []bool{true, false} {
		if got := lockOn(home.Suspend, true, heard, problem).Problem; got != "no" {
			t.Errorf("sleep, heard %v: %q", heard, got)
		}
		if got := lockOn(home.Screen, true, heard, problem).Problem; (got == "") != heard {
			t.Errorf("the screen, heard %v: %q", heard, got)
		}
	}
}
