//go:build linux || darwin || freebsd

package door

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func mustMake(t *testing.T, path string) *Listener {
	t.Helper()
	l, err := Make(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// leavesNothing: when it is closed its folder is empty.
func leavesNothing(t *testing.T, l *Listener, dir string) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestMakeTouchesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "socket")
	l := mustMake(t, path)
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if !answers(t, l, path) {
		t.Error("nobody answers")
	}
	leavesNothing(t, l, dir)
}

func TestMakeReplacesNothing(t *testing.T) {
	for name, put := range map[string]func(*testing.T, string){
		"a live socket":  func(t *testing.T, path string) { mustListen(t, path) },
		"a stale socket": stale,
		"a file":         func(t *testing.T, path string) { os.WriteFile(path, nil, 0o600) },
		"a link":         func(t *testing.T, path string) { os.Symlink("nowhere", path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "socket")
			put(t, path)
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Make(path); !errors.Is(err, ErrInUse) || !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("error %v", err)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it is gone: %v", err)
			}
		})
	}
}

// TestASocketIsHandedOver: the maker leaves, and who inherits takes it away at the end.
func TestASocketIsHandedOver(t *testing.T) {
	handOver := func(t *testing.T, path string) *Listener {
		maker := mustMake(t, path)
		f, err := maker.File()
		if err != nil {
			t.Fatal(err)
		}
		l, err := FromFile(f)
		if err != nil {
			t.Fatal(err)
		}
		maker.net.Close() // as when the maker's process ends
		if err := l.Own(); err != nil {
			t.Fatal(err)
		}
		if !answers(t, l, path) {
			t.Error("nobody answers")
		}
		return l
	}
	t.Run("still there", func(t *testing.T) {
		dir := t.TempDir()
		l := handOver(t, filepath.Join(dir, "socket"))
		leavesNothing(t, l, dir)
	})
	t.Run("another's by now", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "socket")
		l := handOver(t, path)
		os.Remove(path)
		second := mustMake(t, path)
		l.Close()
		if !answers(t, second, path) {
			t.Error("the second agent lost its socket")
		}
	})
}
