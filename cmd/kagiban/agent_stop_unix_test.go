//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWaitGone: stop returns when both sockets are gone, and not before; or when
// the person has enough of waiting.
func TestWaitGone(t *testing.T) {
	p := programAt(t, nil)
	h, err := p.home()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{h.AgentSocket(), h.ControlSocket()} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := waitGone(ctx, h); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s is there: %v", filepath.Base(path), err)
		}
		cancel()
		gone := make(chan error, 1)
		go func() { gone <- os.Remove(path) }()
		if err := waitGone(t.Context(), h); err != nil {
			t.Error(err)
		}
		if err := <-gone; err != nil {
			t.Error(err)
		}
	}
}
