//go:build unix

package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestManyAtOnce: two clients of the same person go for one server at the same moment, again and again. At least one of them comes to the
// goal, the other says why not, and the key of each that says that it did opens the server.
func TestManyAtOnce(t *testing.T) {
	x := newSite(t, "")
	other := x.on(t, x.h, newClient(t))
	other.relay = newRelay(t, x.h.Addr+":22")
	for round := range 3 {
		x.anew()
		first := x.start("")
		select { // the second comes at any moment of the first
		case <-time.After(rand.N(1200 * time.Millisecond)):
		case <-first.read:
		}
		second := other.start("")
		_, one := first.end()
		_, two := second.end()
		if one != 0 && two != 0 {
			t.Errorf("round %d: exit %d and %d", round, one, two)
		}
		for _, code := range []int{one, two} {
			if code != 0 && code != 1 && code != 6 {
				t.Errorf("round %d: exit %d", round, code)
			}
		}
		x.settled()
		if end := x.outcome(false, false); end != "new" {
			t.Errorf("round %d: exit %d and %d: %s", round, one, two, end)
		}
	}
}
