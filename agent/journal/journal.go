package journal

import (
	"log/slog"
	"sync"
	"time"
)

// Options are what New needs. Only Dir must be there.
type Options struct {
	Dir      string       // the folder of the files; it is made, for the user alone
	File     int64        // how long a file grows, in bytes; 0: 4 MiB
	Total    int64        // how long all of them together grow; 0: 40 MiB
	Journald string       // the socket of the system's journal, which gets each line as well; "": it does not
	Log      *slog.Logger // nil: no log
}

// Where lines are written to.
const (
	InFiles    = "the log"
	InJournald = "journald"
)

// Missed is what could not be recorded since New.
type Missed struct {
	Where string // InFiles or InJournald
	Count int    // of lines
	Why   string // for the last of them
}

// Journal writes a log. Its methods may be called from any goroutine.
type Journal struct {
	options Options

	mu      sync.Mutex
	writing bool   // somebody has the pen
	waiting *batch // for the pen, or nil
	missed  [2]Missed

	// What is the writer's, who has the pen.
	files  files
	system journald
	text   []byte // memory for lines, used again
	gap    Gap    // what is missing before the next line of the files
	unsent bool   // the last line did not go to journald
}

// batch are lines that are written at once, by who was the first to wait.
type batch struct {
	entries []*Entry
	turn    chan struct{} // closed when the first gets the pen
	done    chan struct{} // closed when they are written
}

// New returns a Journal. It touches no file.
func New(o Options) *Journal {
	if o.File == 0 {
		o.File = 4 << 20
	}
	if o.Total == 0 {
		o.Total = 40 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Journal{
		options: o,
		files:   files{dir: o.Dir, limit: o.File, total: o.Total, lock: lock},
		system:  journald{path: o.Journald},
		missed:  [2]Missed{{Where: InFiles}, {Where: InJournald}},
	}
}

// Open opens the files, so that what is wrong with them is known before the first line;
// Record would do it, too. It is called before Record, if at all.
func (j *Journal) Open() error { return j.files.ready(0, time.Time{}) }

// Close lets go of what is open. It is called after the last Record has returned.
func (j *Journal) Close() error {
	j.system.close()
	return j.files.close()
}

// Record writes a line, and returns when that was done or has failed. Whoever comes
// while another writes waits for the next write, which is for all who wait then. The
// first of them makes it: where nobody waits no goroutine has to be woken.
func (j *Journal) Record(e Entry) {
	j.mu.Lock()
	if !j.writing {
		j.writing = true
		j.mu.Unlock()
		defer j.handOn()
		j.write([]*Entry{&e})
		return
	}
	b := j.waiting
	if b == nil {
		b = &batch{turn: make(chan struct{}), done: make(chan struct{})}
		j.waiting = b
	}
	b.entries = append(b.entries, &e)
	first := len(b.entries) == 1
	j.mu.Unlock()
	if !first {
		<-b.done
		return
	}
	<-b.turn
	defer j.handOn()
	defer close(b.done)
	j.write(b.entries)
}

// handOn gives the pen to the first who waits for it, and has nobody join those who do.
func (j *Journal) handOn() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.writing = j.waiting != nil; j.writing {
		close(j.waiting.turn)
		j.waiting = nil
	}
}

// maxKept is how much memory for lines is kept from one write to the next, in bytes.
const maxKept = 64 << 10

// write is for who has the pen.
func (j *Journal) write(entries []*Entry) {
	text := j.text[:0]
	if j.gap.Count > 0 {
		j.gap.Until = entries[0].Time
		text = j.gap.append(text)
	}
	for _, e := range entries {
		begin := len(text)
		text = e.append(text)
		if j.options.Journald != "" {
			j.send(text[begin:])
		}
	}
	if err := j.files.write(text, entries[0].Time); err != nil {
		j.lose(entries, err)
	} else if j.gap.Count > 0 {
		j.options.Log.Warn("uses of keys are recorded again", "unrecorded", j.gap.Count)
		j.gap = Gap{}
	}
	if j.text = text; cap(text) > maxKept {
		j.text = nil
	}
}

// lose takes note of lines that were not written.
func (j *Journal) lose(entries []*Entry, err error) {
	if j.gap.Count == 0 {
		j.gap.Since = entries[0].Time
		j.options.Log.Error("uses of keys are not recorded", "error", err)
	}
	j.gap.Count += len(entries)
	j.gap.Reason = err.Error()
	j.miss(0, len(entries), err)
}

// send sends a line to journald.
func (j *Journal) send(line []byte) {
	err := j.system.send(line)
	if err != nil {
		j.miss(1, 1, err)
	}
	switch was := j.unsent; {
	case err != nil && !was:
		j.options.Log.Error("uses of keys do not go to journald", "error", err)
	case err == nil && was:
		j.options.Log.Warn("uses of keys go to journald again")
	}
	j.unsent = err != nil
}

func (j *Journal) miss(where, count int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.missed[where].Count += count
	j.missed[where].Why = err.Error()
}

// Missed says what could not be recorded; places where nothing was missed are left out.
func (j *Journal) Missed() (all []Missed) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, m := range j.missed {
		if m.Count > 0 {
			all = append(all, m)
		}
	}
	return all
}
