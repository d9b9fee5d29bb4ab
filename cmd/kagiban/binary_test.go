package main

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binary is the program as it is shipped: no race detector, no test code. It is
// built once, when the first test asks for it, into a folder that TestMain removes.
type binary struct {
	build func() (path string, err error)
}

func newBinary(folder string) *binary {
	return &binary{sync.OnceValues(func() (string, error) {
		path := filepath.Join(folder, "kagiban")
		out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
		if err != nil {
			return string(out), err
		}
		return path, nil
	})}
}

// shipped is set once, by TestMain.
var shipped *binary

// builtBinary is the path of the built program.
func builtBinary(t testing.TB) string {
	t.Helper()
	path, err := shipped.build()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, path)
	}
	return path
}
