package journal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestTheLogIsBounded: the oldest go, and what follows goes on.
func TestTheLogIsBounded(t *testing.T) {
	j := newJournal(t, Options{File: 4 << 10, Total: 16 << 10})
	r := &Reader{Dir: j.options.Dir}
	for i := range 500 {
		j.Record(sample(fmt.Sprint(i)))
		if got := names(t, r); len(got) != 1 || got[0] != fmt.Sprint(i) {
			t.Fatalf("who follows sees %q after %d", got, i)
		}
	}
	all, err := numbers(j.options.Dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, n := range all {
		info, err := os.Stat(j.files.path(n))
		if err != nil || info.Size() > 4<<10 {
			t.Errorf("%v, %v", info, err)
		}
		sum += info.Size()
	}
	if sum > 16<<10 || sum < 10<<10 || len(all) < 3 {
		t.Errorf("%d bytes in %v", sum, all)
	}
	left := names(t, &Reader{Dir: j.options.Dir})
	if last := left[len(left)-1]; last != "499" || len(left) < 20 {
		t.Errorf("%d are left, the last is %s", len(left), last)
	}
}

// TestWhatAKillLeavesIsCutOff: a part of a line is never read, and gone before the next.
func TestWhatAKillLeavesIsCutOff(t *testing.T) {
	for what, tail := range map[string]string{
		"a part":            `{"schema":1,"time":"2026-`,
		"all but its end":   string(bytes.TrimSpace(entryLine("torn"))),
		"a long part":       strings.Repeat("x", 9<<10),
		"zeros":             strings.Repeat("\x00", 5<<10), // after a power cut
		"nothing":           "",
		"a line and a part": string(entryLine("whole")) + "{",
	} {
		t.Run(what, func(t *testing.T) {
			j := newJournal(t, Options{})
			j.Record(sample("one"))
			j.Close()
			appendTo(t, j.files.path(1), tail)
			want := []string{"one"}
			if strings.Contains(tail, "whole") {
				want = append(want, "whole")
			}
			r := &Reader{Dir: j.options.Dir}
			if got := names(t, r); len(got) != len(want) {
				t.Errorf("with it: %q", got)
			}
			next := newJournal(t, Options{Dir: j.options.Dir})
			if err := next.Open(); err != nil {
				t.Fatal(err)
			}
			wantNames(t, j.options.Dir, want...)
			next.Record(sample("two"))
			wantNames(t, j.options.Dir, append(want, "two")...)
			if got := names(t, r); len(got) != 1 || got[0] != "two" {
				t.Errorf("who has read up to it reads %q", got)
			}
			if n, _ := numbers(j.options.Dir); len(n) != 1 {
				t.Errorf("files %v", n)
			}
		})
	}
	t.Run("nothing but a part", func(t *testing.T) {
		j := newJournal(t, Options{})
		j.Record(sample("one"))
		j.Close()
		if err := os.WriteFile(j.files.path(1), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		j.Record(sample("two"))
		wantNames(t, j.options.Dir, "two")
	})
}

func entryLine(name string) []byte {
	e := sample(name)
	return e.append(nil)
}

// TestTwoAgents: each writes to a file of its own, and both are read, by time.
func TestTwoAgents(t *testing.T) {
	one := newJournal(t, Options{})
	two := newJournal(t, Options{Dir: one.options.Dir})
	at := begin
	record := func(j *Journal, name string) {
		e := sample(name)
		at = at.Add(time.Second)
		e.Time = at
		j.Record(e)
	}
	record(one, "1")
	record(two, "2")
	record(one, "3")
	wantNames(t, one.options.Dir, "1", "2", "3")
	if one.files.number == two.files.number {
		t.Error("they share a file")
	}
	one.Close()
	two.Close()
	record(newJournal(t, Options{Dir: one.options.Dir}), "4")
	wantNames(t, one.options.Dir, "1", "2", "3", "4")
	if all, _ := numbers(one.options.Dir); len(all) != 2 {
		t.Errorf("files %v", all)
	}
}

// TestAFolderThatIsGone comes back; where it cannot, the caller goes on, and it is said
// how many lines are missing, in the log too when it can be written again.
func TestAFolderThatIsGone(t *testing.T) {
	dir, said := filepath.Join(t.TempDir(), "state", "uses"), &bytes.Buffer{}
	j := newJournal(t, Options{Dir: dir, Log: slog.New(slog.NewTextHandler(said, nil))})
	r := &Reader{Dir: dir}
	first := sample("one")
	first.Time = begin.Add(-lookAgain)
	j.Record(first)
	if runtime.GOOS == "windows" { // nothing that is open goes there
		j.Close()
	}
	if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	j.Record(sample("two"))
	wantNames(t, dir, "two")
	if got := names(t, r); len(got) != 1 || got[0] != "two" {
		t.Errorf("who follows sees %q", got)
	}
	if missed := j.Missed(); missed != nil {
		t.Errorf("%+v", missed)
	}

	j.Close()
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // no folder
		t.Fatal(err)
	}
	for range 3 {
		j.Record(sample("missed"))
	}
	if missed := j.Missed(); len(missed) != 1 || missed[0].Where != inFiles || missed[0].Count != 3 || !strings.Contains(missed[0].Why, "not a folder") {
		t.Errorf("%+v", missed)
	}
	if got := strings.Count(said.String(), "uses of keys are not recorded"); got != 1 {
		t.Errorf("said %d times: %s", got, said)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(dir+"-away", dir)); err != nil {
		t.Fatal(err)
	}
	j.Record(sample("three"))
	j.Record(sample("four"))
	wantNames(t, dir, "two", "gap of 3", "three", "four")
	if !strings.Contains(said.String(), "recorded again") || !strings.Contains(said.String(), "unrecorded=3") {
		t.Errorf("said %s", said)
	}
	if missed := j.Missed(); len(missed) != 1 || missed[0].Count != 3 {
		t.Errorf("forgotten: %+v", missed)
	}
}

// TestOtherFilesAreLeftAlone, whatever their names.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	j := newJournal(t, Options{File: 1 << 10, Total: 2 << 10})
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	others := []string{"000000.jsonl", "1.jsonl", "0000001.jsonl", "-00001.jsonl", "000002.jsonl.gz", "notes"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(j.options.Dir, name), []byte("theirs\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		j.Record(sample("one"))
	}
	for _, name := range others {
		if text, err := os.ReadFile(filepath.Join(j.options.Dir, name)); err != nil || string(text) != "theirs\n" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	names(t, &Reader{Dir: j.options.Dir})
}

// TestAFileThatCannotBeWrittenTo is left as it is, and the next begun.
func TestAFileThatCannotBeWrittenTo(t *testing.T) {
	j := newJournal(t, Options{})
	j.Record(sample("one"))
	j.Close()
	if err := os.Mkdir(j.files.path(2), 0o700); err != nil {
		t.Fatal(err)
	}
	j.Record(sample("two"))
	if j.files.number != 3 || j.Missed() != nil {
		t.Errorf("number %d, missed %+v", j.files.number, j.Missed())
	}
}

// TestAnotherComesToOurFileFirst: an agent that looks for a file to write to may lock the one that was made a moment ago.
func TestAnotherComesToOurFileFirst(t *testing.T) {
	j := newJournal(t, Options{})
	j.files.lock = func(file *os.File) error {
		if j.files.number == 1 {
			return errHeld
		}
		return lock(file)
	}
	j.Record(sample("one"))
	wantNames(t, j.options.Dir, "one")
	if j.files.number != 2 || j.Missed() != nil {
		t.Errorf("number %d, missed %+v", j.files.number, j.Missed())
	}
}

// TestOnlyTheOpenFileIsCut, and not what has its name by now.
func TestOnlyTheOpenFileIsCut(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // nothing that is open goes away there
	}
	j := newJournal(t, Options{})
	j.Record(sample("one"))
	path := j.files.path(1)
	appendTo(t, path, "{")
	if err := errors.Join(os.Rename(path, path+"-away"), os.WriteFile(path, []byte("another's"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := j.files.measure(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "another's" {
		t.Errorf("what has its name: %q, %v", text, err)
	}
	if text, err := os.ReadFile(path + "-away"); err != nil || !bytes.Equal(text, entryLine("one")) {
		t.Errorf("what was open: %q, %v", text, err)
	}
}
