package safefile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, want := range []struct {
		data string
		perm fs.FileMode
	}{{"first", 0o600}, {"second, longer", 0o644}, {"", 0o600}} {
		if err := WriteFile(path, []byte(want.data), want.perm); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != want.data {
			t.Errorf("holds %q, want %q", got, want.data)
		}
		info, _ := os.Stat(path)
		if runtime.GOOS != "windows" && info.Mode().Perm() != want.perm {
			t.Errorf("mode %v, want %v", info.Mode(), want.perm)
		}
	}
	onlyNames(t, filepath.Dir(path), "f")
}

func TestWriteFileNeedsItsFolder(t *testing.T) {
	if err := WriteFile(filepath.Join(t.TempDir(), "no", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestLinkStaysLink: dotfiles are often links into another folder; the link must stay and the file behind it change.
func TestLinkStaysLink(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"home", "deep/er"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ link, to, really string }{
		{"home/relative", "../deep/a", "deep/a"},
		{"home/absolute", filepath.Join(dir, "deep/b"), "deep/b"},
		{"home/twice", "relative2", "deep/c"},
		{"home/relative2", "../deep/c", "deep/c"},
		{"home/folder", "../deep/er", ""},
		{"home/folder/up", "../d", "deep/d"}, // ".." of where the link truly lies, not of the path it was reached by
	}
	for _, test := range tests {
		if err := os.Symlink(test.to, filepath.Join(dir, test.link)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	if _, err := os.Readlink(filepath.Join(dir, tests[0].link)); err != nil {
		ground.Cannot(t, ground.Links)
		t.Fatal(err)
	}
	for _, test := range tests {
		link := filepath.Join(dir, test.link)
		if test.really == "" {
			continue
		}
		for _, data := range []string{"made through a link that led nowhere", "replaced"} {
			if err := WriteFile(link, []byte(data), 0o600); err != nil {
				t.Errorf("%s: %v", test.link, err)
				continue
			}
			if info, _ := os.Lstat(link); info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("%s: is no link any more", test.link)
			}
			if got := read(t, filepath.Join(dir, test.really)); got != data {
				t.Errorf("%s: %s holds %q", test.link, test.really, got)
			}
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(loop, nil, 0o600); err == nil {
		t.Error("a link to itself was written")
	}
}

func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "file")
	if err := WriteNew(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	paths := []string{taken, folder}
	link := filepath.Join(dir, "link")
	if os.Symlink("nowhere", link) == nil {
		if _, err := os.Lstat(link); err == nil { // wine 8 makes none, and says that it did
			paths = append(paths, link)
		}
	}
	for _, p := range paths {
		if err := WriteNew(p, []byte("other"), 0o600); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got %v", p, err)
		}
	}
	if got := read(t, taken); got != "mine" {
		t.Errorf("the file that was there now holds %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("written through a link")
	}
	onlyNames(t, dir, "file", "folder", "link")
}

// TestWriteNewHasOneWinner: of many who make the same file at once, one does.
func TestWriteNewHasOneWinner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			switch err := WriteNew(path, bytes.Repeat([]byte{byte('a' + i)}, 1000), 0o600); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d made it", won.Load())
	}
	whole(t, path)
	onlyNames(t, filepath.Dir(path), "f")
}

// TestReadersSeeWholeFiles: two write, four read, and every read gives one writer's bytes alone. On Windows so many readers can keep a
// writer out, which it is told.
func TestReadersSeeWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	content := func(b byte) []byte { return bytes.Repeat([]byte{b}, 64<<10) }
	if err := WriteFile(path, content('a'), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers, readers sync.WaitGroup
	for _, b := range []byte("bc") {
		writers.Go(func() {
			for range 100 {
				err := WriteFile(path, content(b), 0o600)
				if open := new(BusyError); errors.As(err, &open) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if !whole(t, path) {
						return
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func TestStaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	s, err := Stage(path, []byte("new"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("in its place before it was told to")
	}
	if got := read(t, s.Temp()); got != "new" {
		t.Errorf("staged %q", got)
	}
	s.Discard()
	s.Discard()
	onlyNames(t, dir)
	if err := s.Replace(); err == nil {
		t.Error("replaced after it was discarded")
	}
}

// TestReadDir: no folder is an empty one, and a file is none.
func TestReadDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if entries, err := ReadDir(path); len(entries) > 0 || err != nil {
		t.Errorf("nothing: %v, %v", entries, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if entries, err := ReadDir(path); err == nil {
		t.Errorf("a file: %v", entries)
	}
	if entries, err := ReadDir(filepath.Dir(path)); len(entries) != 1 || err != nil {
		t.Errorf("a folder: %v, %v", entries, err)
	}
}

func TestCleanTemp(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	old := now.Add(-61 * time.Minute)
	for name, age := range map[string]time.Time{
		".kagiban-tmp-0123456789abcdef":     old,
		".kagiban-tmp-1123456789abcdef":     now.Add(-59 * time.Minute), // still somebody's work
		".kagiban-tmp-0123456789abcdefg":    old,                        // the rest is not ours
		".kagiban-tmp-A123456789ABCDEF":     old,
		"kagiban-tmp-0123456789abcdef":      old,
		".kagiban-tmp-0123456789abcdef.age": old,
		"laptop.age":                        old,
		".tmp":                              old,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, age, age)); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, ".kagiban-tmp-2123456789abcdef")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chtimes(folder, old, old)); err != nil {
		t.Fatal(err)
	}
	if err := CleanTemp(dir, now); err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(dir)
	if _, err := os.Stat(filepath.Join(dir, ".kagiban-tmp-0123456789abcdef")); err == nil || len(left) != 8 {
		t.Errorf("%d names are left, want 8 (%v)", len(left), err)
	}
	if err := CleanTemp(filepath.Join(dir, "no such"), now); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// whole says whether a file holds one and the same byte throughout: one writer's work.
func whole(t *testing.T, path string) bool {
	t.Helper()
	all, err := ReadFile(path)
	if err != nil {
		t.Error(err)
		return false
	}
	b := string(all)
	if b == "" || strings.Trim(b, b[:1]) != "" {
		t.Errorf("read a mixture of %d bytes", len(b))
		return false
	}
	return true
}

// onlyNames fails if dir holds any other name: a temporary file that was left.
func onlyNames(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	allowed := " " + strings.Join(names, " ") + " "
	for _, e := range entries {
		if !strings.Contains(allowed, " "+e.Name()+" ") {
			t.Errorf("%q was left", e.Name())
		}
	}
}
