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
	V   int    `json:"v"`
	ID  int    `json:"id"`
	End string `json:"end,omitempty"` // "": answered
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
}

// terminal is one of them.
type terminal struct {
	conn net.Conn
	gone chan struct{}

	writing sync.Mutex
	mu      sync.Mutex
	waiting map[int]chan fromTerminal // of capacity 1
}

// CanAsk tells whether one is attached.
func (t *Terminals) CanAsk() bool { return t.latest(nil) != nil }

// Ask puts a question at the terminal that was attached last; where that goes away
// or cannot show it, at the one before. The error wraps agent.ErrCancelled if the
// person took the question away, and ErrNoTerminal if there is no terminal (any
// more). When ctx ends, the question is taken away.
func (t *Terminals) Ask(ctx context.Context, q Question) (Answer, error) {
	var tried []*terminal
	for {
		one := t.latest(tried)
		if one == nil {
			return Answer{}, ErrNoTerminal
		}
		answer, err := one.ask(ctx, t.nextID(), q)
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
		if !slices.Contains(but, one) {
			return one
		}
	}
	return nil
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
		o.mu.Lock()
		reply := o.waiting[said.ID]
		delete(o.waiting, said.ID)
		o.mu.Unlock()
		if reply == nil {
			clear(said.Secret) // too late
			continue
		}
		reply <- said
	}
}

func (o *terminal) ask(ctx context.Context, id int, q Question) (Answer, error) {
	reply := make(chan fromTerminal, 1)
	o.mu.Lock()
	o.waiting[id] = reply
	o.mu.Unlock()
	if err := o.send(toTerminal{ID: id, Ask: &q}); err != nil {
		o.conn.Close()
		return Answer{}, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	select {
	case said := <-reply:
		switch said.End {
		case "":
			return said.Answer, nil
		case endCancelled:
			clear(said.Secret)
			return Answer{}, agent.ErrCancelled
		}
		clear(said.Secret)
		return Answer{}, ErrNoTerminal
	case <-o.gone:
		return Answer{}, ErrNoTerminal
	case <-ctx.Done():
		o.mu.Lock()
		delete(o.waiting, id)
		o.mu.Unlock()
		select {
		case said := <-reply: // it came at the same moment
			clear(said.Secret)
		default:
			_ = o.send(toTerminal{ID: id, TakeBack: true}) // a terminal that cannot be reached shows nothing
		}
		return Answer{}, ctx.Err()
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
