package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"kagiban/agent"
)

// ErrNoTerminal says that no terminal is attached, or none any more.
var ErrNoTerminal = errors.New("no terminal is attached that could be asked")

// maxTerminals is how many terminals may be attached at a time.
const maxTerminals = 16

// hearingTime is within what a terminal hears a question. One whose process is stopped, as by Ctrl-Z, does not.
const hearingTime = 3 * time.Second

// Question is what a terminal is to ask.
type Question struct {
	Kind  string `json:"kind"`
	Text  string `json:"text"`            // shown with its control characters removed
	Wrong string `json:"wrong,omitempty"` // what was the matter with the answer before
	// Answers, of a KindConfirm, are what can be typed beside yes and no: for how long a yes holds.
	Answers string `json:"answers,omitempty"`
}

// The kinds of Question.
const (
	KindSecret  = "secret"  // answered by a line that is not shown
	KindConfirm = "confirm" // answered by yes or no, and where it has Answers by how long a yes holds
	KindNotice  = "notice"  // not answered
)

// Answer is what the person said. Whoever gets it wipes Secret.
type Answer struct {
	Secret []byte `json:"secret,omitempty"`
	Yes    bool   `json:"yes,omitempty"`
	// For how long a yes holds, in milliseconds, or until the key is locked; neither: once.
	ForMS       int64 `json:"for_ms,omitempty"`
	UntilLocked bool  `json:"until_locked,omitempty"`
}

// toTerminal is a line to a terminal: a question, or that one is taken away.
type toTerminal struct {
	V        int       `json:"v"`
	ID       int       `json:"id"`
	Ask      *Question `json:"ask,omitempty"`
	TakeBack bool      `json:"take_back,omitempty"`
}

// fromTerminal is a line from a terminal.
type fromTerminal struct {
	V     int    `json:"v"`
	ID    int    `json:"id"`
	Heard bool   `json:"heard,omitempty"` // and the answer follows
	End   string `json:"end,omitempty"`   // "": answered
	Answer
}

const (
	endCancelled = "cancelled"  // the person took the question away
	endCannotAsk = "cannot-ask" // nobody can be asked there now
)

// Terminals are the terminals whose people are to be asked. The zero value has none;
// nil has none either, and never will.
type Terminals struct {
	mu       sync.Mutex
	attached []*terminal // the latest last
	lastID   int
	after    func(time.Duration) <-chan time.Time // nil: time.After
}

// terminal is one of them.
type terminal struct {
	conn net.Conn
	gone chan struct{}

	writing sync.Mutex
	mu      sync.Mutex
	waiting map[int]chan fromTerminal // of capacity 2
	deaf    bool                      // it has not heard its latest question, and said nothing since
}

// CanAsk tells whether one is attached that heard what it was asked last.
func (t *Terminals) CanAsk() bool { return t.latest(nil) != nil }

// Ask puts a question at the terminal that was attached last; where that goes away,
// cannot show it or does not hear it, at the one before. The error wraps agent.ErrCancelled if the
// person took the question away, and ErrNoTerminal if there is no terminal (any
// more). When ctx ends, the question is taken away.
func (t *Terminals) Ask(ctx context.Context, q Question) (Answer, error) {
	var tried []*terminal
	for {
		one := t.latest(tried)
		if one == nil {
			return Answer{}, ErrNoTerminal
		}
		answer, err := one.ask(ctx, t.nextID(), q, t.unheard())
		if !errors.Is(err, ErrNoTerminal) {
			return answer, err
		}
		tried = append(tried, one)
	}
}

// Notify shows a text at the terminal that was attached last. It tells whether there
// was one.
func (t *Terminals) Notify(text string) bool {
	one := t.latest(nil)
	return one != nil && one.send(toTerminal{ID: t.nextID(), Ask: &Question{Kind: KindNotice, Text: text}}) == nil
}

func (t *Terminals) latest(but []*terminal) *terminal {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range slices.Backward(t.attached) {
		if !slices.Contains(but, one) && !one.isDeaf() {
			return one
		}
	}
	return nil
}

// unheard tells when a question that is put now should have been heard.
func (t *Terminals) unheard() <-chan time.Time {
	if t.after != nil {
		return t.after(hearingTime)
	}
	return time.After(hearingTime)
}

func (t *Terminals) nextID() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	return t.lastID
}

// serve attaches a terminal until its connection ends. Nothing is asked there before
// its request is answered.
func (t *Terminals) serve(conn net.Conn, lines *lineReader) {
	one := &terminal{conn: conn, gone: make(chan struct{}), waiting: map[int]chan fromTerminal{}}
	one.writing.Lock()
	err := t.attach(one)
	conn.SetWriteDeadline(time.Now().Add(writeTime)) // if it fails, so will the write
	_, unheard := conn.Write(encode(answer{V: Version, Error: explain(err)}))
	one.writing.Unlock()
	if err != nil {
		return
	}
	defer t.detach(one)
	if unheard == nil {
		one.listen(lines)
	}
}

func (t *Terminals) attach(one *terminal) error {
	if t == nil {
		return errors.New("this agent asks at no terminal")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.attached) == maxTerminals {
		return fmt.Errorf("there are %d terminals attached already", maxTerminals)
	}
	t.attached = append(t.attached, one)
	return nil
}

func (t *Terminals) detach(one *terminal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attached = slices.DeleteFunc(t.attached, func(other *terminal) bool { return other == one })
	close(one.gone)
}

// listen hands on what the terminal says.
func (o *terminal) listen(lines *lineReader) {
	for {
		line, err := lines.next()
		if err != nil {
			return
		}
		var said fromTerminal
		if err := decode(line, &said); err != nil || said.V != Version {
			clear(said.Secret)
			return
		}
		o.heard(said)
	}
}

func (o *terminal) heard(said fromTerminal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deaf = false
	select {
	case o.waiting[said.ID] <- said:
	default: // too late, or too often
		clear(said.Secret)
	}
}

// isDeafTo tells whether nothing came in answer, which is remembered.
func (o *terminal) isDeafTo(reply chan fromTerminal) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deaf = len(reply) == 0
	return o.deaf
}

func (o *terminal) isDeaf() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.deaf
}

func (o *terminal) ask(ctx context.Context, id int, q Question, unheard <-chan time.Time) (Answer, error) {
	reply := make(chan fromTerminal, 2)
	o.mu.Lock()
	o.waiting[id] = reply
	o.mu.Unlock()
	defer o.forget(id, reply)
	if err := o.send(toTerminal{ID: id, Ask: &q}); err != nil {
		o.conn.Close()
		return Answer{}, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	for {
		select {
		case said := <-reply:
			if !said.Heard {
				return said.answer()
			}
			unheard = nil
		case <-unheard:
			unheard = nil
			if o.isDeafTo(reply) {
				_ = o.send(toTerminal{ID: id, TakeBack: true}) // it may hear both later
				return Answer{}, ErrNoTerminal
			}
		case <-o.gone:
			return Answer{}, ErrNoTerminal
		case <-ctx.Done():
			_ = o.send(toTerminal{ID: id, TakeBack: true}) // a terminal that cannot be reached shows nothing
			return Answer{}, ctx.Err()
		}
	}
}

// answer is what it says. An answer that does not count is wiped.
func (said fromTerminal) answer() (Answer, error) {
	if said.End == "" {
		return said.Answer, nil
	}
	clear(said.Secret)
	if said.End == endCancelled {
		return Answer{}, agent.ErrCancelled
	}
	return Answer{}, ErrNoTerminal
}

// forget is for who waits no more for an answer. One that came at the same moment is wiped.
func (o *terminal) forget(id int, reply chan fromTerminal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, id)
	for len(reply) > 0 {
		clear((<-reply).Secret)
	}
}

func (o *terminal) send(m toTerminal) error {
	m.V = Version
	o.writing.Lock()
	defer o.writing.Unlock()
	o.conn.SetWriteDeadline(time.Now().Add(writeTime)) // if it fails, so will the write
	_, err := o.conn.Write(encode(m))
	return err
}
