package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/ground"
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

// TestAWrongClockMovesNoOtherLines: what was written last is shown last, also by the next file.
func TestAWrongClockMovesNoOtherLines(t *testing.T) {
	j := newJournal(t, Options{})
	record := func(name string, years int) {
		e := sample(name)
		e.Time = e.Time.AddDate(years, 0, 0)
		j.Record(e)
	}
	record("one", 0)
	record("ahead", 5)
	record("two", 0)
	record("behind", -50)
	record("three", 0)
	wantNames(t, j.options.Dir, "one", "ahead", "two", "behind", "three")
	j.files.limit = 1 // the next line is in the next file
	record("four", 0)
	record("ahead again", 5)
	wantNames(t, j.options.Dir, "one", "ahead", "two", "behind", "three", "four", "ahead again")
	if n, _ := numbers(j.options.Dir); len(n) != 3 {
		t.Errorf("files %v", n)
	}
}

// TestAFileThatCannotBeRead is counted, once, and hides no other.
func TestAFileThatCannotBeRead(t *testing.T) {
	ground.NotWindows(t, "a folder that cannot be read as a file")
	j := newJournal(t, Options{})
	j.Record(sample("one"))
	if err := os.Mkdir(j.files.path(9), 0o700); err != nil {
		t.Fatal(err)
	}
	r := &Reader{Dir: j.options.Dir}
	for _, want := range []int{1, 0} {
		lines, bad, err := r.Next()
		if err != nil || bad != want || len(lines) != want {
			t.Errorf("%d lines, %d bad, %v; want %d and %[4]d", len(lines), bad, err, want)
		}
		if named := r.Unread != nil && strings.Contains(r.Unread.Error(), j.files.path(9)); named != (want > 0) {
			t.Errorf("why: %v", r.Unread)
		}
	}
	if err := os.Remove(j.files.path(9)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.files.path(9), entryLine("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(t, r); len(got) != 1 || got[0] != "two" {
		t.Errorf("when it can be read: %q", got)
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
