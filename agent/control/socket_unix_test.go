//go:build unix

package control

import (
	"net"
	"path/filepath"
	"testing"
)

// socketPath is where a test's agent listens.
func socketPath(t *testing.T) string { return filepath.Join(t.TempDir(), "control.sock") }

// leaveBehind leaves a socket that nobody listens on.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}
