//go:build unix

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kagiban/scripts/ground"
)

// slowDisk is a journal whose file is a pipe that is full: a write to it hangs until somebody reads.
type slowDisk struct {
	*Journal
	t    *testing.T
	pipe *os.File
	log  ground.Buffer
}

func newSlowDisk(t *testing.T, patience time.Duration) *slowDisk {
	t.Helper()
	d := &slowDisk{t: t}
	dir := filepath.Join(t.TempDir(), "uses")
	d.Journal = New(Options{Dir: dir, Patience: patience, Log: slog.New(slog.NewTextHandler(&d.log, nil))})
	path := d.files.path(1)
	err := errors.Join(os.Mkdir(dir, 0o700), unix.Mkfifo(path, 0o600))
	if err == nil {
		d.pipe, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.pipe.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for err == nil {
		_, err = d.pipe.Write(bytes.Repeat([]byte("\n"), 512))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.pipe.Close() })
	return d
}

// record records, and says when that is done with.
func (d *slowDisk) record(name string) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Record(sample(name))
	}()
	return done
}

// returns waits for a call.
func (d *slowDisk) returns(what string, done <-chan struct{}) {
	d.t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		d.t.Fatalf("%s waits for ever", what)
	}
}

// read reads what was written until all of that is there.
func (d *slowDisk) read(all ...string) {
	d.t.Helper()
	d.pipe.SetReadDeadline(time.Now().Add(20 * time.Second))
	var text []byte
	for _, one := range all {
		for !bytes.Contains(text, []byte(one)) {
			buf := make([]byte, 4<<10)
			n, err := d.pipe.Read(buf)
			if err != nil {
				d.t.Fatalf("%q was not written: %v", one, err)
			}
			text = append(text, buf[:n]...)
		}
	}
}

func (d *slowDisk) wantMissed(want int) {
	d.t.Helper()
	missed := d.Missed()
	if len(missed) != 1 || missed[0].Where != inFiles || missed[0].Count != want || !strings.Contains(missed[0].Why, "does not end") {
		d.t.Errorf("missed %+v, want %d", missed, want)
	}
}

// TestADiskThatHangs: nobody waits for it but whoever found it out; it is said, what was missed is counted, and when it
// works again so does the log.
func TestADiskThatHangs(t *testing.T) {
	d := newSlowDisk(t, 20*time.Millisecond)
	first := d.record("first")
	ground.Until(t, "it is noticed", func() bool { return strings.Contains(d.log.String(), "not recorded") })
	d.mu.Lock()
	d.options.Patience = time.Hour // from now on a slow machine is none that hangs
	d.mu.Unlock()
	d.wantMissed(1)
	for i := range 3 {
		d.returns("who comes later", d.record(fmt.Sprint("later ", i)))
	}
	d.wantMissed(4)
	select {
	case <-first:
		t.Error("the write has ended")
	default:
	}
	d.read(`"key":"first"`)
	d.returns("the first", first)
	d.wantMissed(3)
	d.returns("who comes when it works", d.record("again"))
	d.read(`"unrecorded":3,"reason":"`+errHangs.Error(), `"key":"again"`)
	d.wantMissed(3)
	if got := d.log.String(); strings.Count(got, "not recorded") != 1 || strings.Count(got, "recorded again") != 1 {
		t.Errorf("the log says %s", got)
	}
	d.returns("the end", func() <-chan struct{} { d.Close(); return first }())
}

// TestWhoWaitsForAWriteThatHangs goes on: who shares it, and who waits for the next.
func TestWhoWaitsForAWriteThatHangs(t *testing.T) {
	d := newSlowDisk(t, time.Hour)
	waiting := func(n int) func() bool {
		return func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.waiting != nil && len(d.waiting.entries) == n
		}
	}
	d.mu.Lock()
	d.giveLocked(&batch{}) // as if somebody wrote
	d.mu.Unlock()
	first := d.record("first")
	ground.Until(t, "the first waits", waiting(1))
	shares := d.record("shares")
	ground.Until(t, "the second waits", waiting(2))
	d.handOn()
	next := d.record("next")
	ground.Until(t, "one waits for the next write", waiting(1))
	after := d.record("after")
	ground.Until(t, "and another", waiting(2))
	d.look() // not the write that was under way when it began to look
	if d.hangs {
		t.Error("a write that has just begun is said to hang")
	}
	d.look()
	d.returns("who shares the write", shares)
	d.returns("who waits for the next", next)
	d.returns("who waits for it, too", after)
	d.wantMissed(4)
	d.read(`"key":"first"`, `"key":"shares"`)
	d.returns("the first", first)
	d.wantMissed(2)
	d.returns("who comes when it works", d.record("again"))
	d.read(`"unrecorded":2`)
}

// TestAWriteThatHangsAndFails is missed, with what was missed before it and meanwhile.
func TestAWriteThatHangsAndFails(t *testing.T) {
	j := newJournal(t, Options{})
	entry := sample("one")
	meanwhile := Gap{Since: begin.Add(time.Minute), Count: 2}
	for _, before := range []Gap{{}, {Since: begin.Add(-time.Hour), Count: 3}} {
		j.hangs, j.gap = true, meanwhile
		j.written(before, []*Entry{&entry}, errors.New("why"))
		since := begin
		if before.Count > 0 {
			since = before.Since
		}
		if want := (Gap{Since: since, Count: before.Count + 3, Reason: "why"}); j.gap != want {
			t.Errorf("%+v, want %+v", j.gap, want)
		}
	}
}
