package control

import (
	"testing"

	"kagiban/agent/door"
)

// leaveBehind: a pipe leaves nothing.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	l, err := door.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
