package main

import (
	"testing"

	"kagiban/hostsetup/book"
)

// TestWayTo: what a person is told to type on another computer leads to the server, as ssh and as host add read it.
func TestWayTo(t *testing.T) {
	for want, page := range map[string]book.Host{
		"you@192.0.2.1":                 {User: "you", Address: "192.0.2.1", Port: 22},
		"you@2001:db8::1":               {User: "you", Address: "2001:db8::1", Port: 22},
		"-p 2222 you@2001:db8::1":       {User: "you", Address: "2001:db8::1", Port: 2222},
		"-J me@gate -p 2222 you@inside": {User: "you", Address: "inside", Port: 2222, Jump: "me@gate"},
	} {
		if got := wayTo(page); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
