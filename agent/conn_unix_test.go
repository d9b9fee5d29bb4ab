//go:build unix

package agent

import (
	"io"
	"net"
	"testing"

	"kagiban/agent/wire"
)

// TestRequestsBeforeAHalfCloseAreAnswered: a pipe of Windows has no half that could be closed alone.
func TestRequestsBeforeAHalfCloseAreAnswered(t *testing.T) {
	path := listenAndServe(t, New(Options{}))
	c := dial(t, path)
	for range 3 {
		c.send(&wire.RequestIdentities{})
	}
	c.Conn.(*net.UnixConn).CloseWrite()
	for range 3 {
		if _, ok := c.receive().(*wire.IdentitiesAnswer); !ok {
			t.Error("no answer")
		}
	}
	if _, err := c.frames.Next(); err != io.EOF {
		t.Errorf("then: %v", err)
	}
}
