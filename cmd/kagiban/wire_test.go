package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/agent"
	"kagiban/vault"
)

// sourceAt is the agent's view of the committed home, at a time of the test's choice.
func sourceAt(t *testing.T, now func() time.Time) (*vaultKeys, string) {
	t.Helper()
	dir := filepath.Join(lockedHomeAt(t), "keys")
	v, err := vault.Open(dir, vault.Options{WorkFactor: 10})
	if err != nil {
		t.Fatal(err)
	}
	return &vaultKeys{vault: v, log: slog.New(slog.DiscardHandler), now: now}, dir
}

func mustKeys(t *testing.T, s *vaultKeys) []agent.LockedKey {
	t.Helper()
	keys, err := s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func names(keys []agent.LockedKey) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.Name())
	}
	return strings.Join(all, " ")
}

// TestSourceSameSlice: while nothing changes the very same slice comes back,
// whether the files are settled or just written.
func TestSourceSameSlice(t *testing.T) {
	for name, now := range map[string]func() time.Time{
		"settled":      func() time.Time { return time.Now().Add(time.Hour) },
		"just written": time.Now,
		"future files": func() time.Time { return time.Now().Add(-time.Hour) },
	} {
		s, _ := sourceAt(t, now)
		first := mustKeys(t, s)
		if names(first) != "desk laptop rsa" {
			t.Fatalf("%s: keys %q", name, names(first))
		}
		if second := mustKeys(t, s); &first[0] != &second[0] {
			t.Errorf("%s: another slice, and nothing had changed", name)
		}
	}
}

// TestSourceSettled: a settled folder is not listed again; this is what makes a
// list of the agent cheap. What is written into a file of it is seen a moment later.
func TestSourceSettled(t *testing.T) {
	now := time.Now().Add(time.Hour)
	s, dir := sourceAt(t, func() time.Time { return now })
	mustKeys(t, s)
	rewrite(t, filepath.Join(dir, "laptop.pub"), "me@laptop", "me@tablet")
	now = now.Add(glance)
	if got := mustKeys(t, s)[1].Comment(); got != "me@laptop" {
		t.Errorf("the folder was listed again: %q", got)
	}
	if err := os.Chtimes(filepath.Join(dir, "laptop.pub"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := mustKeys(t, s)[1].Comment(); got != "me@laptop" {
		t.Errorf("the files were looked at again: %q", got)
	}
	now = now.Add(-time.Nanosecond) // a clock that is set back
	if got := mustKeys(t, s)[1].Comment(); got != "me@tablet" {
		t.Errorf("comment %q: a file with a new date was not looked at", got)
	}
	rewrite(t, filepath.Join(dir, "laptop.pub"), "me@tablet", "me@laptop")
	if err := os.Chtimes(filepath.Join(dir, "laptop.pub"), now.Add(-time.Minute), now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(glance)
	if got := mustKeys(t, s)[1].Comment(); got != "me@laptop" {
		t.Errorf("comment %q: a file with a new date was not looked at a moment later", got)
	}
}

// TestSourceSameGranule: a file is changed once more in the same moment, as the
// file system counts: same date, same size, same file. It is seen.
func TestSourceSameGranule(t *testing.T) {
	s, dir := sourceAt(t, time.Now)
	mustKeys(t, s)
	rewrite(t, filepath.Join(dir, "laptop.pub"), "me@laptop", "me@tablet")
	if got := mustKeys(t, s)[1].Comment(); got != "me@tablet" {
		t.Errorf("comment %q: the change was missed", got)
	}
	future, _ := sourceAt(t, func() time.Time { return time.Now().Add(-time.Hour) })
	mustKeys(t, future)
	rewrite(t, filepath.Join(future.vault.Dir(), "laptop.pub"), "me@laptop", "me@tablet")
	if got := mustKeys(t, future)[1].Comment(); got != "me@tablet" {
		t.Errorf("clock set back: comment %q, the change was missed", got)
	}
}

// rewrite changes a file in place, and gives it the date that it had.
func rewrite(t *testing.T, path, old, new string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(new), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// TestSourceChanges: whatever is done to the vault is seen, also long after.
func TestSourceChanges(t *testing.T) {
	s, dir := sourceAt(t, func() time.Time { return time.Now().Add(time.Hour) })
	mustKeys(t, s)
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{"renamed", func() error { return s.vault.Rename("rsa", "old") }, "desk laptop old"},
		{"replaced", func() error { return s.vault.Rename("desk", "desk-old-20261123") }, "laptop old desk-old-20261123"},
		{"no longer", func() error { return s.vault.Rename("desk-old-20261123", "desk") }, "desk laptop old"},
		{"removed", func() error { return s.vault.Remove("desk") }, "laptop old"},
		{"made", func() error { _, err := s.vault.Create("new", vault.Spec{}, []byte("x")); return err }, "laptop new old"},
		{"emptied", func() error { return os.RemoveAll(dir) }, ""},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := names(mustKeys(t, s)); got != step.want {
			t.Errorf("%s: keys %q, want %q", step.name, got, step.want)
		}
	}
}

// TestSourceUnreadable: an error is said, not an empty list, which would take every
// key out of the agent.
func TestSourceUnreadable(t *testing.T) {
	s, dir := sourceAt(t, time.Now)
	mustKeys(t, s)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := s.Keys(); err == nil {
		t.Errorf("%d keys, and no error", len(keys))
	}
}

// TestOpen: what the agent gets of a key, and of a wrong passphrase.
func TestOpen(t *testing.T) {
	s, dir := sourceAt(t, time.Now)
	if err := os.Remove(filepath.Join(dir, "laptop.pub")); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	laptop := mustKeys(t, s)[1]
	if laptop.Public() != nil {
		t.Error("a public half out of nowhere")
	}
	if _, err := laptop.Open([]byte("nonsense")); !errors.Is(err, agent.ErrWrongPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := laptop.Open([]byte("correct horse")); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "written anew") || strings.Contains(log.String(), "correct horse") {
		t.Errorf("log: %s", log.String())
	}
	if mustKeys(t, s)[1].Public() == nil {
		t.Error("the public half is still missing")
	}
	if err := os.Truncate(filepath.Join(dir, "desk.age"), 100); err != nil {
		t.Fatal(err)
	}
	desk := mustKeys(t, s)[0]
	if _, err := desk.Open([]byte("battery staple")); desk.Name() != "desk" || err == nil || errors.Is(err, agent.ErrWrongPassphrase) {
		t.Errorf("damaged key %q: %v", desk.Name(), err)
	}
}
