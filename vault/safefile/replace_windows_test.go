package safefile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// TestReplaceOpenFile: a file that stays open is not replaced, is said to be open, and nothing is lost or left; one that is closed
// meanwhile is replaced.
func TestReplaceOpenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var open *BusyError
	if err := WriteFile(path, []byte("new"), 0o600); !errors.As(err, &open) || open.Path != path {
		t.Fatalf("got %v", err)
	}
	if got := read(t, path); got != "old" {
		t.Errorf("now it holds %q", got)
	}
	onlyNames(t, dir, "f")

	time.AfterFunc(replacePatience/4, func() { f.Close() })
	if err := WriteFile(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("then it holds %q", got)
	}
	onlyNames(t, dir, "f")
}

// TestReadWhileReplaced: who reads waits for somebody who has the file to delete it, as one who replaces it does; but not for ever.
func TestReadWhileReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, windows.DELETE, all, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		t.Errorf("while it is held: %v", err)
	}
	time.AfterFunc(replacePatience/4, func() { windows.CloseHandle(h) })
	if text, err := ReadFile(path); string(text) != "text" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestReplaceWhatCannotBe: what nobody has open is not said to be.
func TestReplaceWhatCannotBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	var open *BusyError
	if err := WriteFile(path, nil, 0o600); err == nil || errors.As(err, &open) {
		t.Errorf("got %v", err)
	}
}
