package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamageIsPassedOver: lines that are none are counted, and hide no others.
func TestDamageIsPassedOver(t *testing.T) {
	j := newJournal(t, Options{})
	j.Record(sample("one"))
	damage := []string{"", "{", "\x00\x00", `{"schema":2,"time":"2026-11-23T09:30:00Z"}`, `{"time":"2026-11-23T09:30:00Z"}`, `{"schema":1,"time":"yesterday"}`, "{\"schema\":1,\"time\":\"2026-11-23T09:30:00Z\",\"key\":\"\xff\"}", "[]", strings.Repeat("x", 2*maxLine)}
	for _, line := range damage {
		appendTo(t, j.files.path(1), line+"\n")
	}
	j.Record(sample("two"))
	lines, bad, err := (&Reader{Dir: j.options.Dir}).Next()
	if err != nil || bad != len(damage) || len(lines) != 2 || lines[1].Entry.Key != "two" {
		t.Errorf("%d lines, %d bad, %v", len(lines), bad, err)
	}
}

// TestALogThatBeginsAnew is read from its beginning by who follows.
func TestALogThatBeginsAnew(t *testing.T) {
	j := newJournal(t, Options{})
	j.Record(sample("one"))
	r := &Reader{Dir: j.options.Dir}
	names(t, r)
	j.Close()
	if err := os.Rename(j.options.Dir, j.options.Dir+"-away"); err != nil {
		t.Fatal(err)
	}
	newJournal(t, j.options).Record(sample("two"))
	if got := names(t, r); len(got) != 1 || got[0] != "two" {
		t.Errorf("who follows sees %q", got)
	}
}

func TestNoLogIsAnEmptyLog(t *testing.T) {
	r := &Reader{Dir: filepath.Join(t.TempDir(), "none")}
	if lines, bad, err := r.Next(); lines != nil || bad > 0 || err != nil {
		t.Errorf("%v, %d, %v", lines, bad, err)
	}
	if err := os.WriteFile(r.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(); err == nil {
		t.Error("a file where the folder should be is read")
	}
}
