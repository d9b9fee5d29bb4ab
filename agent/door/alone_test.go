//go:build linux || darwin || freebsd

package door

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestAlone: the socket is all that lies in its folder. One that nobody listens on is replaced; all else that has the name stays.
func TestAlone(t *testing.T) {
	for name, test := range map[string]struct {
		put  func(*testing.T, string)
		want error
	}{
		"nothing":        {func(*testing.T, string) {}, nil},
		"a stale socket": {stale, nil},
		"a live socket":  {func(t *testing.T, path string) { mustMake(t, path) }, ErrInUse},
		"a file":         {func(t *testing.T, path string) { os.WriteFile(path, nil, 0o600) }, ErrNotSocket},
		"a link":         {func(t *testing.T, path string) { os.Symlink("nowhere", path) }, ErrNotSocket},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "socket")
			test.put(t, path)
			before, _ := os.Lstat(path)
			l, err := Alone(path)
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
				t.Errorf("the folder holds %v, %v", files, err)
			}
			if test.want != nil {
				if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
					t.Errorf("it is gone: %v", err)
				}
				return
			}
			if !answers(t, l, path) {
				t.Error("nobody answers")
			}
			leavesNothing(t, l, dir)
		})
	}
	long := filepath.Join(t.TempDir(), string(make([]byte, maxPath)))
	if _, err := Alone(long); !errors.As(err, new(*PathTooLongError)) {
		t.Errorf("a long path: %v", err)
	}
}

// TestAloneLeavesWhatIsNotItsOwn: who can write to the folder may have put something else there.
func TestAloneLeavesWhatIsNotItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := Alone(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	theirs := mustMake(t, path)
	l.Close()
	if !answers(t, theirs, path) {
		t.Error("nobody answers")
	}
}
