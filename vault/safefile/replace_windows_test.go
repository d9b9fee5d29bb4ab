package safefile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
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
