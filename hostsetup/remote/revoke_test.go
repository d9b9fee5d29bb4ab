package remote

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cksum is what cksum(1) says of text.
func cksum(t *testing.T, text string) string {
	t.Helper()
	c := exec.Command("cksum")
	c.Stdin = strings.NewReader(text)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestRevokeTakesOutLines: these lines and no other byte, or nothing at all.
func TestRevokeTakesOutLines(t *testing.T) {
	const text = "\xff\x01 a\r\nlost\nb 'x' \\n\n\nlost\nthe last"
	for _, c := range []struct {
		name, text, before, after string
		lines                     []string
		fails                     string
	}{
		{"two of six", text, text, "\xff\x01 a\r\nb 'x' \\n\n\nthe last", []string{"2", "5"}, ""},
		{"the last, without an end", text, text, strings.TrimSuffix(text, "the last"), []string{"6"}, ""},
		{"all of it", "lost\n", "lost\n", "", []string{"1"}, ""},
		{"without an end, alone", "lost", "lost", "", []string{"1"}, ""},
		{"changed since", text + "\nanother", text, "x", []string{"2"}, "changed"},
		{"of the same length", "lost\nabc\n", "lost\nabd\n", "abd\n", []string{"1"}, "changed"},
		{"not what it should become", text, text, "x", []string{"2"}, "write"},
	} {
		for _, sh := range shells(t) {
			folder := t.TempDir()
			file := filepath.Join(folder, "authorized_keys")
			if err := os.WriteFile(file, []byte(c.text), 0o640); err != nil {
				t.Fatal(err)
			}
			_, err := run(t, sh, folder, Revoke, append([]string{file, cksum(t, c.before), cksum(t, c.after)}, c.lines...)...)
			want, what := c.after, ""
			var failure *Failure
			if errors.As(err, &failure) {
				want, what = c.text, failure.What
			} else if err != nil {
				t.Error(err)
			}
			got, readErr := os.ReadFile(file)
			info, statErr := os.Stat(file)
			left, _ := filepath.Glob(folder + "/.*")
			if what != c.fails || readErr != nil || string(got) != want || statErr != nil || info.Mode() != 0o640 || len(left) > 0 {
				t.Errorf("%s, %v: failed with %q, want %q; %q, want %q; mode %v; left %v", c.name, sh, what, c.fails, got, want, info.Mode(), left)
			}
		}
	}
}

// TestRevokeRefuses: a link that was put in the file's place, and a folder that others may write to, for root.
func TestRevokeRefuses(t *testing.T) {
	for _, sh := range shells(t) {
		folder := t.TempDir()
		file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
		if err := errors.Join(os.WriteFile(file, []byte("lost\n"), 0o600), os.Symlink(file, link)); err != nil {
			t.Fatal(err)
		}
		sum, empty := cksum(t, "lost\n"), cksum(t, "")
		for _, c := range []struct {
			mode       os.FileMode
			path, what string
			root       bool
		}{
			{0o755, link, "changed", false},
			{0o775, file, "unsafe", true},
			{0o757, file, "unsafe", true},
			{0o1777, file, "unsafe", true},
		} {
			if c.root && os.Getuid() != 0 {
				continue
			}
			if err := os.Chmod(folder, c.mode&0o777|map[bool]os.FileMode{true: os.ModeSticky}[c.mode&0o1000 != 0]); err != nil {
				t.Fatal(err)
			}
			_, err := run(t, sh, folder, Revoke, c.path, sum, empty, "1")
			var failure *Failure
			if text, _ := os.ReadFile(file); !errors.As(err, &failure) || failure.What != c.what || string(text) != "lost\n" {
				t.Errorf("%v, %s in %o: %v, %q", sh, filepath.Base(c.path), c.mode, err, text)
			}
		}
	}
}

// TestRevokeClearsAway: what a power cut left of a copy goes, and what another run writes at this moment stays.
func TestRevokeClearsAway(t *testing.T) {
	for _, sh := range shells(t) {
		folder := t.TempDir()
		file := filepath.Join(folder, "authorized_keys")
		const gone = 1<<22 + 1 // no process has this number (proc(5), pid_max)
		old, alive := fmt.Sprintf("%s/.authorized_keys.kagiban.%d", folder, gone), fmt.Sprintf("%s/.authorized_keys.kagiban.%d", folder, os.Getpid())
		for _, path := range []string{file, old, alive} {
			if err := os.WriteFile(path, []byte("lost\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		do(t, sh, folder, Revoke, file, cksum(t, "lost\n"), cksum(t, ""), "1")
		_, oldErr := os.Stat(old)
		_, aliveErr := os.Stat(alive)
		if !os.IsNotExist(oldErr) || aliveErr != nil {
			t.Errorf("%v: %v, %v", sh, oldErr, aliveErr)
		}
	}
}
