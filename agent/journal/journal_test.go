package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// begin is a time that is written without loss.
var begin = time.Date(2026, 11, 23, 9, 30, 0, 250e6, time.UTC)

func sample(name string) Entry {
	return Entry{
		Time: begin, Request: "sign", Decision: "allowed", Key: name, Fingerprint: "SHA256:qKAMVwGzlVVjDeIkFbhajNpt3ESd78qDTX8vG5sQufM",
		Comment: "laptop@kagiban", Purpose: "login", User: "you", Host: "vps1", HostKey: "SHA256:qKAMVwGzlVVjDeIkFbhajNpt3ESd78qDTX8vG5sQufM",
		Peer: Peer{PID: 4711, Exe: "/usr/bin/ssh"},
	}
}

// newJournal returns one that is closed with the test.
func newJournal(t testing.TB, o Options) *Journal {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "uses")
	}
	j := New(o)
	t.Cleanup(func() { j.Close() })
	return j
}

// names are the keys of the lines that r has not read yet; a gap is its count.
func names(t testing.TB, r *Reader) (all []string) {
	t.Helper()
	lines, bad, err := r.Next()
	if err != nil || bad > 0 {
		t.Errorf("%d lines not understood, %v", bad, err)
	}
	for _, l := range lines {
		if l.Gap != nil {
			all = append(all, fmt.Sprint("gap of ", l.Gap.Count))
		} else {
			all = append(all, l.Entry.Key)
		}
	}
	return all
}

func wantNames(t testing.TB, dir string, want ...string) {
	t.Helper()
	if got := names(t, &Reader{Dir: dir}); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the log has %q, want %q", got, want)
	}
}

func TestALine(t *testing.T) {
	j := newJournal(t, Options{})
	full := sample("laptop")
	full.Via, full.Socket, full.Reason, full.Namespace, full.Forwarded = "a, then b", "agents", "why", "git", true
	written := []Entry{full, {Time: begin.In(time.FixedZone("", 3600))}}
	for _, e := range written {
		j.Record(e)
	}
	lines, bad, err := (&Reader{Dir: j.options.Dir}).Next()
	if err != nil || bad > 0 || len(lines) != 2 {
		t.Fatalf("%+v, %d, %v", lines, bad, err)
	}
	for i, l := range lines {
		written[i].Time = begin
		if *l.Entry != written[i] {
			t.Errorf("read %+v\nwritten %+v", *l.Entry, written[i])
		}
	}
	const want = `{"schema":1,"time":"2026-11-23T09:30:00.250Z","request":null,"decision":null,"reason":null,"key":null,"fingerprint":null,"comment":null,` +
		`"purpose":null,"namespace":null,"user":null,"host":null,"host_key":null,"via":null,"socket":null,"forwarded":false,"peer":{"pid":null,"exe":null}}`
	if got := string(lines[1].Raw); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]fs.FileMode{j.options.Dir: 0o700, j.files.path(1): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestWordsFromOutside: whatever a client says, a line is one line of valid JSON and of bounded length.
func TestWordsFromOutside(t *testing.T) {
	j := newJournal(t, Options{})
	all := []string{
		"a\nb\r\x00\x1b[31m\x7f\"\\", "\xff\xfe no UTF-8 \xc3", "\u202e\u2066bidi\u009b", strings.Repeat("é", 400), strings.Repeat("\x00", 100<<10),
		strings.Repeat("a", maxText), strings.Repeat("a", maxText-1) + "é", "{}", "\u2028\u2029", "鍵番",
	}
	for _, s := range all {
		j.Record(Entry{Time: begin, Reason: s, Key: s, Fingerprint: s, Comment: s, Purpose: s, Namespace: s, User: s, Host: s, HostKey: s, Via: s, Socket: s, Request: s, Decision: s, Peer: Peer{Exe: s}})
	}
	lines, bad, err := (&Reader{Dir: j.options.Dir}).Next()
	if err != nil || bad > 0 || len(lines) != len(all) {
		t.Fatalf("%d lines, %d, %v", len(lines), bad, err)
	}
	for i, l := range lines {
		want := all[i]
		if len(want) > maxText {
			want = want[:maxText]
			for !utf8.ValidString(want) {
				want = want[:len(want)-1]
			}
			want += "…"
		}
		var library string // what encoding/json makes of it
		text, _ := json.Marshal(want)
		if err := json.Unmarshal(text, &library); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(l.Raw) || bytes.ContainsAny(l.Raw, "\r\n\x00\x1b\x7f") || len(l.Raw) > maxLine || l.Entry.User != library {
			t.Errorf("%q became %q", all[i], l.Entry.User)
		}
	}
}

// TestWhoQueuesSharesAWrite: callers that come while another writes are not held up by a
// lock, and all of them are in the file when the first of them has written.
func TestWhoQueuesSharesAWrite(t *testing.T) {
	j := newJournal(t, Options{})
	j.mu.Lock()
	j.writing = true // as if one did
	j.mu.Unlock()
	const callers = 40
	var returned sync.WaitGroup
	for i := range callers {
		returned.Go(func() {
			j.Record(sample(fmt.Sprint(i)))
			if got := names(t, &Reader{Dir: j.options.Dir}); len(got) != callers {
				t.Errorf("%d lines when one has returned, want all %d", len(got), callers)
			}
		})
	}
	eventually(t, "all of them queue", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.waiting != nil && len(j.waiting.entries) == callers
	})
	if j.Missed() != nil {
		t.Error("lines are missed")
	}
	j.handOn()
	returned.Wait()
	j.Record(sample("after")) // the pen was laid down
}

// TestNothingIsLostUnderLoad, with a new file every few lines, and a reader that follows.
func TestNothingIsLostUnderLoad(t *testing.T) {
	j := newJournal(t, Options{File: 4 << 10})
	const callers, each = 16, 60
	stop, followed := make(chan struct{}), make(chan []string)
	go func() {
		var all []string
		r := &Reader{Dir: j.options.Dir}
		for last := false; ; {
			all = append(all, names(t, r)...)
			if last {
				followed <- all
				return
			}
			select {
			case <-stop:
				last = true
			default:
			}
		}
	}()
	var writing sync.WaitGroup
	for c := range callers {
		writing.Go(func() {
			for i := range each {
				j.Record(sample(fmt.Sprintf("%d-%d", c, i)))
			}
		})
	}
	writing.Wait()
	close(stop)
	for who, got := range map[string][]string{"who follows": <-followed, "who reads at the end": names(t, &Reader{Dir: j.options.Dir})} {
		next := map[string]int{}
		for _, name := range got {
			var c, i int
			if _, err := fmt.Sscanf(name, "%d-%d", &c, &i); err != nil || next[fmt.Sprint(c)] != i {
				t.Fatalf("%s: %q where %d was expected", who, name, next[fmt.Sprint(c)])
			}
			next[fmt.Sprint(c)]++
		}
		if len(got) != callers*each {
			t.Errorf("%s: %d lines, want %d", who, len(got), callers*each)
		}
	}
	if all, err := numbers(j.options.Dir); err != nil || len(all) < 20 {
		t.Errorf("files %v, %v", all, err)
	}
}

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

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

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
	if missed := j.Missed(); len(missed) != 1 || missed[0].Where != InFiles || missed[0].Count != 3 || !strings.Contains(missed[0].Why, "not a folder") {
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

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
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
