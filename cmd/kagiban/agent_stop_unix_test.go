//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kagiban/agent/door"
)

// TestWaitGone: stop returns when both sockets are gone, and not before; or when
// the person has enough of waiting.
func TestWaitGone(t *testing.T) {
	p := programAt(t, nil)
	h := homeOf(t, p)
	gone := func() bool { return door.IsGone(h.AgentSocket()) && door.IsGone(h.ControlSocket()) }
	for _, path := range []string{h.AgentSocket(), h.ControlSocket()} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := waitUntil(ctx, gone); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s is there: %v", filepath.Base(path), err)
		}
		cancel()
		removed := make(chan error, 1)
		go func() { removed <- os.Remove(path) }()
		if err := waitUntil(t.Context(), gone); err != nil {
			t.Error(err)
		}
		if err := <-removed; err != nil {
			t.Error(err)
		}
	}
}
