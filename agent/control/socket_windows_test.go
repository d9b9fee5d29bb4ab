package control

import (
	"crypto/rand"
	"testing"

	"kagiban/agent/door"
)

// The same names as in socket_unix_test.go.

func socketPath(*testing.T) string { return `\\.\pipe\kagiban-test-` + rand.Text() }

// leaveBehind: a pipe leaves nothing.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	l, err := door.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
