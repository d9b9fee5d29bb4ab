package journal

import (
	"errors"
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
	// Patience is how long a write may take. After that, and at most twice that, nobody
	// waits for it any more but who makes it. 0: 3 seconds.
	Patience time.Duration
}

// Where lines are written to.
const (
	inFiles    = "the log"
	inJournald = "journald"
)

// Missed is what could not be recorded since New.
type Missed struct {
	Where string // for people: "the log" or "journald"
	Count int    // of lines
	Why   string // for the last of them
}

// Journal writes a log. Its methods may be called from any goroutine.
type Journal struct {
	options Options

	mu      sync.Mutex
	writing *batch // is being written: somebody has the pen; or nil
	waiting *batch // for the pen, or nil
	hangs   bool   // who has the pen has had it for too long
	looking bool   // the timer runs
	seen    *batch // was being written when it began
	gap     Gap    // what is missing before the next line of the files
	missed  [2]Missed

	// What is the writer's, who has the pen.
	files  files
	system journald
	text   []byte // memory for lines, used again
	unsent bool   // the last line did not go to journald
}

// batch are lines that are written at once, by who was the first to wait. Of those of
// who came while nobody wrote the channels are nil: nobody waits for them.
type batch struct {
	entries []*Entry
	turn    chan struct{} // closed when the first gets the pen, or never will
	done    chan struct{} // closed when the others go on
	given   bool          // the first has the pen; written before turn is closed
	over    bool          // done is closed; guarded by Journal.mu
}

// letGo lets all go on who wait for it but the first.
func (b *batch) letGo() {
	if b.done != nil && !b.over {
		b.over = true
		close(b.done)
	}
}

var errHangs = errors.New("a write has begun, and does not end")

// New returns a Journal. It touches no file.
func New(o Options) *Journal {
	if o.File == 0 {
		o.File = 4 << 20
	}
	if o.Total == 0 {
		o.Total = 40 << 20
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Journal{
		options: o,
		files:   files{dir: o.Dir, limit: o.File, total: o.Total, lock: lock},
		system:  journald{path: o.Journald},
		missed:  [2]Missed{{Where: inFiles}, {Where: inJournald}},
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
//
// While a write hangs nobody waits for it but who makes it, and who comes is missed. (Had
// another goroutine made it, nobody at all would; but to wake one for each signature
// costs ten microseconds of a processor, three times what the line does.)
func (j *Journal) Record(e Entry) {
	j.mu.Lock()
	b := j.waiting
	if b != nil {
		b.entries = append(b.entries, &e)
		j.mu.Unlock()
		<-b.done
		return
	}
	b = &batch{entries: []*Entry{&e}}
	switch {
	case j.hangs:
		j.loseLocked(b.entries)
		j.mu.Unlock()
		return
	case j.writing == nil:
		j.giveLocked(b)
		j.mu.Unlock()
	default:
		b.turn, b.done = make(chan struct{}), make(chan struct{})
		j.waiting = b
		j.mu.Unlock()
		<-b.turn
	}
	if b.given {
		defer j.handOn()
		j.write(b.entries)
	}
}

// giveLocked gives the pen to the first of b. The timer finds out later that it came
// too early: to set it costs more than the write where another sleeps on the clock.
func (j *Journal) giveLocked(b *batch) {
	j.writing, b.given = b, true
	if !j.looking {
		j.looking, j.seen = true, b
		time.AfterFunc(j.options.Patience, j.look)
	}
}

// handOn takes the pen, gives it to the first who waits for it, and has nobody join
// those who do.
func (j *Journal) handOn() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writing.letGo()
	next := j.waiting
	j.writing, j.waiting, j.hangs = nil, nil, false
	if next != nil {
		j.giveLocked(next)
		close(next.turn)
	}
}

// look is what the timer does: a write that was under way the last time, too, hangs.
// Whoever waits for it or for the pen goes on.
func (j *Journal) look() {
	j.mu.Lock()
	switch j.writing {
	case nil:
		j.looking, j.seen = false, nil
	case j.seen:
		j.looking, j.seen, j.hangs = false, nil, true
		j.writing.letGo()
		if b := j.waiting; b != nil {
			j.waiting = nil
			j.loseLocked(b.entries)
			close(b.turn)
			b.letGo()
		}
		defer j.options.Log.Error("uses of keys are not recorded", "error", errHangs) // which may hang, too
	default:
		j.seen = j.writing
		time.AfterFunc(j.options.Patience, j.look)
	}
	j.mu.Unlock()
}

// maxKept is how much memory for lines is kept from one write to the next, in bytes.
const maxKept = 64 << 10

// write is for who has the pen.
func (j *Journal) write(entries []*Entry) {
	text := j.text[:0]
	j.mu.Lock()
	gap := j.gap
	j.gap = Gap{}
	j.mu.Unlock()
	if gap.Count > 0 {
		gap.Until = entries[0].Time
		text = gap.append(text)
	}
	for _, e := range entries {
		begin := len(text)
		text = e.append(text)
		if j.options.Journald != "" {
			j.send(text[begin:])
		}
	}
	j.written(gap, entries, j.files.write(text, entries[0].Time))
	if j.text = text; cap(text) > maxKept {
		j.text = nil
	}
}

// written takes note of how a write ended.
func (j *Journal) written(gap Gap, entries []*Entry, err error) {
	j.mu.Lock()
	hung, since := j.hangs, j.gap
	if err != nil {
		j.gap = gap
		j.missLocked(entries, err)
		j.gap.Count += since.Count // they came while it hung, and are counted
	}
	j.mu.Unlock()
	switch log := j.options.Log; {
	case err != nil && gap.Count == 0 && !hung:
		log.Error("uses of keys are not recorded", "error", err)
	case err == nil && (gap.Count > 0 || hung && since.Count == 0):
		log.Warn("uses of keys are recorded again", "unrecorded", gap.Count)
	}
}

// missLocked takes note of lines that are not written.
func (j *Journal) missLocked(entries []*Entry, err error) {
	if j.gap.Count == 0 {
		j.gap.Since = entries[0].Time
	}
	j.gap.Count += len(entries)
	j.gap.Reason = err.Error()
	j.countLocked(0, len(entries), err)
}

// loseLocked is for lines that come while a write hangs: nobody tries to write them.
func (j *Journal) loseLocked(entries []*Entry) {
	j.missLocked(entries, errHangs)
	if j.options.Journald != "" {
		j.countLocked(1, len(entries), errHangs)
	}
}

func (j *Journal) countLocked(where, count int, err error) {
	j.missed[where].Count += count
	j.missed[where].Why = err.Error()
}

// send sends a line to journald.
func (j *Journal) send(line []byte) {
	err := j.system.send(line)
	if err != nil {
		j.mu.Lock()
		j.countLocked(1, 1, err)
		j.mu.Unlock()
	}
	switch was := j.unsent; {
	case err != nil && !was:
		j.options.Log.Error("uses of keys do not go to journald", "error", err)
	case err == nil && was:
		j.options.Log.Warn("uses of keys go to journald again")
	}
	j.unsent = err != nil
}

// Missed says what could not be recorded; places where nothing was missed are left out.
// What hangs is missed as long as it does.
func (j *Journal) Missed() (all []Missed) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.missed
	if j.hangs {
		now[0].Count += len(j.writing.entries)
		now[0].Why = errHangs.Error()
	}
	for _, m := range now {
		if m.Count > 0 {
			all = append(all, m)
		}
	}
	return all
}
