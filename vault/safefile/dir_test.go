//go:build unix

package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPrivateDirMakes(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "b", "keys")
	for range 2 {
		if err := PrivateDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir), filepath.Join(base, "a")} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info, err)
		}
	}
}

func TestPrivateDirRefuses(t *testing.T) {
	base := t.TempDir()
	path := func(name string) string { return filepath.Join(base, name) }
	mode := func(name string, m fs.FileMode) {
		if err := errors.Join(os.Mkdir(path(name), 0o700), os.Chmod(path(name), m)); err != nil {
			t.Fatal(err)
		}
	}
	mode("open", 0o755)
	mode("group", 0o710)
	mode("others", 0o701)
	mode("fine", 0o700)
	err := errors.Join(os.Symlink(path("fine"), path("link")), os.Symlink("nowhere", path("dangling")),
		os.WriteFile(path("file"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"open": "chmod 700", "group": "chmod 700", "others": "chmod 700",
		"link": "link", "dangling": "link", "file": "not a folder",
	} {
		before, _ := os.Lstat(path(name))
		err := PrivateDir(path(name))
		var unfit *DirError
		if !errors.As(err, &unfit) || !strings.Contains(err.Error(), want) || unfit.Path != path(name) {
			t.Errorf("%s: got %v", name, err)
		}
		if after, _ := os.Lstat(path(name)); after.Mode() != before.Mode() {
			t.Errorf("%s: its mode was changed", name)
		}
	}
	if err := PrivateDir(path("fine")); err != nil {
		t.Error(err)
	}
}

func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make files of another user")
	}
	const other = 12345
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chown(file, other, other)); err != nil {
		t.Fatal(err)
	}
	// sudo must not turn a user's known_hosts into root's.
	if err := WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != other || st.Gid != other {
		t.Errorf("now belongs to %d:%d", st.Uid, st.Gid)
	}
	folder := filepath.Join(dir, "d")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chown(folder, other, other)); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(folder); err == nil || !strings.Contains(err.Error(), "12345") {
		t.Errorf("another user's folder: %v", err)
	}
}
