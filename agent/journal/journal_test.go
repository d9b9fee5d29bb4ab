package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kagiban/scripts/ground"
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

// TestWhoQueuesSharesAWrite: callers that come while another writes are not held up by a
// lock, and all of them are in the file when the first of them has written.
func TestWhoQueuesSharesAWrite(t *testing.T) {
	j := newJournal(t, Options{})
	j.mu.Lock()
	j.writing = &batch{} // as if one did
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
	ground.Until(t, "all of them queue", func() bool {
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
