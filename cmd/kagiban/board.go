package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
)

// board is where the hosts of one command tell how far they are: on a terminal a table with a line for each, drawn over itself; elsewhere each
// step on a line of its own, with the host's name in front where there are several. While a question is open nothing comes on the screen but the
// question.
type board struct {
	talk io.Writer
	now  func() time.Time
	size func() (width, height int) // of the terminal that has the table; nil: plain lines

	mu    sync.Mutex
	rows  []row
	asked bool     // a question is open
	later []func() // what was to be said meanwhile
	drawn []int    // how long each line is that stands there now
	stale bool     // what stands there is not what should
}

// row is one host.
type row struct {
	host, words string
	begun       time.Time // zero: it waits
	took        time.Duration
	over        bool
	exit        int
}

// redraws is how often the table is drawn anew while something happens; the clock in it goes by seconds.
const redraws = 100 * time.Millisecond

func newBoard(p *program, hosts []string, plain bool) *board {
	b := &board{talk: p.stderr, now: p.now, rows: make([]row, len(hosts)), stale: true}
	for i, host := range hosts {
		b.rows[i].host = host
	}
	if len(hosts) > 1 && !plain && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "" && p.getenv("TERM") != "dumb" {
		b.size = screenSize(p.stdout, p.stderr)
	}
	return b
}

// screenSize tells how large the terminal is that both write to; nil where one of them is no terminal.
func screenSize(result, talk io.Writer) func() (width, height int) {
	for _, w := range []io.Writer{result, talk} {
		if !isTerminal(w) {
			return nil
		}
	}
	fd := int(talk.(*os.File).Fd())
	return func() (int, int) {
		width, height, err := term.GetSize(fd)
		if err != nil || width < 1 || height < 1 {
			return 80, 24
		}
		return width, height
	}
}

// live keeps the table up to date until the returned function is called, which takes it off the screen.
func (b *board) live(ctx context.Context) (end func()) {
	if b.size == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // what is taken back is seen, too
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(redraws)
		defer tick.Stop()
		var last time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if now := b.now(); b.refresh(now.Sub(last) >= time.Second) {
					last = now
				}
			}
		}
	}()
	return func() {
		stop()
		<-done
		b.mu.Lock()
		defer b.mu.Unlock()
		b.erase()
		b.size = nil
	}
}

func (b *board) refresh(anyhow bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked || !b.stale && !anyhow {
		return false
	}
	b.draw()
	return true
}

// begin: host i is being worked on.
func (b *board) begin(i int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows[i].begun, b.rows[i].words, b.stale = b.now(), say.Text(say.BoardBegun, nil), true
}

// step tells of a step of host i.
func (b *board) step(i int, s hostsetup.Step) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.rows[i]
	r.words, b.stale = say.StepWords(s.Name), true
	if b.size == nil {
		line := say.Step(s.Name, s.OK, s.Detail)
		if len(b.rows) > 1 {
			line = r.host + ": " + strings.TrimSpace(line)
		}
		b.sayLocked(b.talk, line)
	}
}

// silent: nothing comes from host i any more; it goes back by itself at that time, if there is one. That is for now, so nothing of it is said
// after a question.
func (b *board) silent(i int, back time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.rows[i]
	row, line := silence(r.host, back)
	r.words, b.stale = row, true
	if b.size == nil && !b.asked {
		b.sayLocked(b.talk, line)
	}
}

// silence is what a row and a line say of a host that does not answer.
func silence(host string, back time.Time) (row, line string) {
	f := say.Fields{"host": host, "time": back.Local().Format(time.TimeOnly)}
	if back.IsZero() {
		return say.Text(say.BoardSilent, f), say.Text(say.Silent, f)
	}
	return say.Text(say.BoardGoesBack, f), say.Text(say.SilentGoesBack, f)
}

// end: host i is over, with this verdict in a word and this exit code.
func (b *board) end(i int, verdict string, exit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.rows[i]
	r.words, r.over, r.exit, b.stale = verdict, true, exit, true
	if !r.begun.IsZero() {
		r.took = b.now().Sub(r.begun)
	}
}

// say writes a whole text, which stands above the table.
func (b *board) say(w io.Writer, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sayLocked(w, text)
}

func (b *board) sayLocked(w io.Writer, text string) {
	if b.asked {
		b.later = append(b.later, func() { b.sayLocked(w, text) })
		return
	}
	b.erase()
	fmt.Fprintln(w, text)
}

// question clears the way for a question; what it returns is called when that was answered.
func (b *board) question() (over func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
	b.asked = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		later := b.later
		b.asked, b.later = false, nil
		for _, tell := range later {
			tell()
		}
	}
}

// erase takes the table off the screen. A line that was as wide as the window takes more than one row once that is narrower.
func (b *board) erase() {
	if len(b.drawn) == 0 {
		return
	}
	width, _ := b.size()
	rows := 0
	for _, length := range b.drawn {
		rows += max(1, (length+width-1)/width)
	}
	fmt.Fprintf(b.talk, "\r\x1b[%dA\x1b[J", rows) // ECMA-48: CUU, ED
	b.drawn, b.stale = nil, true
}

func (b *board) draw() {
	width, height := b.size()
	var out bytes.Buffer
	b.erase()
	for _, line := range b.lines(height - 1) {
		line = line[:min(len(line), width-1)]
		b.drawn = append(b.drawn, len(line))
		out.WriteString(line + "\n")
	}
	b.stale = false
	_, _ = b.talk.Write(out.Bytes())
}

// lines are one for each host; where there is no room for that, those that are under way; and what it all comes to.
func (b *board) lines(room int) []string {
	wide, done, failed, busy := 0, 0, 0, 0
	for _, r := range b.rows {
		wide = max(wide, len(r.host))
		switch {
		case r.over && r.exit == say.ExitDone:
			done++
		case r.over:
			failed++
		case !r.begun.IsZero():
			busy++
		}
	}
	var lines []string
	for _, r := range b.rows {
		if len(b.rows)+1 > room && (r.over || r.begun.IsZero()) || len(lines)+1 >= room {
			continue
		}
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-*s  %-24s %s", wide, r.host, r.words, r.elapsed(b.now())), " "))
	}
	return append(lines, say.Text(say.BoardSum, say.Fields{"all": strconv.Itoa(len(b.rows)), "done": strconv.Itoa(done), "failed": strconv.Itoa(failed),
		"busy": strconv.Itoa(busy), "waiting": strconv.Itoa(len(b.rows) - done - failed - busy)}))
}

func (r row) elapsed(now time.Time) string {
	switch {
	case r.begun.IsZero():
		return ""
	case r.over:
		now = r.begun.Add(r.took)
	}
	return strconv.Itoa(int(now.Sub(r.begun)/time.Second)) + " s"
}
