package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/scripts/ground"
)

// person answers at a terminal that is attached. Each question comes over questions
// and is answered by what the test sends over answers.
type person struct {
	questions chan Question
	answers   chan answered
	taken     chan struct{} // one for each question that was taken away
	ended     chan error
	leave     context.CancelFunc
}

type answered struct {
	Answer
	err error
}

func (r *running) attach(t *testing.T) *person {
	t.Helper()
	c := r.dial(t)
	ctx, leave := context.WithCancel(t.Context())
	p := &person{make(chan Question, 1), make(chan answered), make(chan struct{}, 10), make(chan error, 1), leave}
	ready := make(chan struct{})
	go func() {
		p.ended <- c.Attach(ctx, func() { close(ready) }, func(ctx context.Context, q Question) (Answer, error) {
			p.questions <- q
			if q.Kind == KindNotice {
				return Answer{}, nil
			}
			select {
			case a := <-p.answers:
				return a.Answer, a.err
			case <-ctx.Done():
				p.taken <- struct{}{}
				return Answer{}, ctx.Err()
			}
		})
	}()
	select {
	case <-ready:
	case err := <-p.ended:
		leave()
		p.ended <- err
		t.Logf("not attached: %v", err)
	}
	t.Cleanup(leave)
	return p
}

// result is what Ask gave.
type result struct {
	Answer
	err error
}

func (r *running) ask(ctx context.Context, q Question) chan result {
	got := make(chan result, 1)
	go func() {
		a, err := r.terminals.Ask(ctx, q)
		got <- result{a, err}
	}()
	return got
}

var secretQuestion = Question{Kind: KindSecret, Text: "passphrase? ", Wrong: "not that"}

func TestTerminalAnswers(t *testing.T) {
	r := start(t)
	if _, err := r.terminals.Ask(t.Context(), secretQuestion); r.terminals.CanAsk() || !errors.Is(err, ErrNoTerminal) {
		t.Fatalf("without a terminal: %v", err)
	}
	p := r.attach(t)
	if !r.terminals.CanAsk() {
		t.Error("attached, and cannot ask")
	}
	tests := []struct {
		question Question
		answer   answered
		want     string
	}{
		{secretQuestion, answered{Answer{Secret: []byte("a\x00\xff")}, nil}, "\"a\\x00\\xff\" false <nil>"},
		{secretQuestion, answered{}, `"" false <nil>`},
		{Question{Kind: KindConfirm, Text: "sure?"}, answered{Answer{Yes: true}, nil}, `"" true <nil>`},
		{Question{Kind: KindConfirm, Text: "sure?"}, answered{}, `"" false <nil>`},
		{secretQuestion, answered{Answer{Secret: []byte("x")}, fmt.Errorf("at it: %w", agent.ErrCancelled)}, `"" false ` + agent.ErrCancelled.Error()},
		{secretQuestion, answered{Answer{Secret: []byte("x")}, agent.ErrCannotAsk}, `"" false ` + ErrNoTerminal.Error()},
	}
	for _, tt := range tests {
		got := r.ask(t.Context(), tt.question)
		if q := <-p.questions; q != tt.question {
			t.Errorf("%+v, want %+v", q, tt.question)
		}
		p.answers <- tt.answer
		res := <-got
		if text := fmt.Sprintf("%q %v %v", res.Secret, res.Yes, res.err); text != tt.want {
			t.Errorf("%s, want %s", text, tt.want)
		}
	}
	if !r.terminals.Notify("touch it") {
		t.Error("no notice")
	}
	if q := <-p.questions; q != (Question{Kind: KindNotice, Text: "touch it"}) {
		t.Errorf("notice %+v", q)
	}
}

// TestTerminalLatestWins: and when it goes, the question goes to the one before, and
// then to nobody.
func TestTerminalLatestWins(t *testing.T) {
	r := start(t)
	first := r.attach(t)
	second := r.attach(t)
	got := r.ask(t.Context(), secretQuestion)
	<-second.questions
	second.leave()
	if err := <-second.ended; err != nil {
		t.Errorf("leaving is an error: %v", err)
	}
	<-first.questions
	first.answers <- answered{Answer{Secret: []byte("x")}, nil}
	if res := <-got; string(res.Secret) != "x" || res.err != nil {
		t.Errorf("%q, %v", res.Secret, res.err)
	}
	got = r.ask(t.Context(), secretQuestion)
	<-first.questions
	first.leave()
	if res := <-got; !errors.Is(res.err, ErrNoTerminal) {
		t.Errorf("%v", res.err)
	}
	ground.Until(t, "a terminal that left is not attached", func() bool { return !r.terminals.CanAsk() })
}

// TestTerminalTakenAway: a question that nobody waits for vanishes from the terminal,
// and the next one is asked.
func TestTerminalTakenAway(t *testing.T) {
	r := start(t)
	p := r.attach(t)
	ctx, cancel := context.WithCancel(t.Context())
	got := r.ask(ctx, secretQuestion)
	<-p.questions
	cancel()
	if res := <-got; !errors.Is(res.err, context.Canceled) {
		t.Errorf("%v", res.err)
	}
	<-p.taken
	got = r.ask(t.Context(), secretQuestion)
	<-p.questions
	p.answers <- answered{Answer{Secret: []byte("x")}, nil}
	if res := <-got; string(res.Secret) != "x" {
		t.Errorf("%q, %v", res.Secret, res.err)
	}
}

// TestTerminalThatIsStopped: a terminal that does not hear its question is passed over, that time and until it says something; one that has heard may take its
// time.
func TestTerminalThatIsStopped(t *testing.T) {
	r := start(t)
	second := make(chan time.Time, 1) // the clock's
	r.terminals.after = func(d time.Duration) <-chan time.Time {
		if d != hearingTime {
			t.Errorf("%v", d)
		}
		return second
	}
	first := r.attach(t)
	stopped, lines := r.attachRaw(t)
	reads := func(want string) {
		t.Helper()
		if line, err := lines.next(); err != nil || !strings.Contains(string(line), want) {
			t.Fatalf("%s, %v; want %s", line, err, want)
		}
	}
	isAnswered := func(got chan result) {
		t.Helper()
		if q := <-first.questions; q != secretQuestion {
			t.Errorf("%+v", q)
		}
		first.answers <- answered{Answer{Secret: []byte("x")}, nil}
		if res := <-got; string(res.Secret) != "x" || res.err != nil {
			t.Errorf("%q, %v", res.Secret, res.err)
		}
	}
	got := r.ask(t.Context(), secretQuestion)
	reads(`"ask"`)
	second <- time.Time{}
	isAnswered(got)
	reads(`{"v":3,"id":1,"take_back":true}`)
	isAnswered(r.ask(t.Context(), secretQuestion)) // at once
	first.leave()
	ground.Until(t, "only one is there, and it is deaf", func() bool { return !r.terminals.CanAsk() })
	if _, err := r.terminals.Ask(t.Context(), secretQuestion); !errors.Is(err, ErrNoTerminal) {
		t.Error(err)
	}

	io.WriteString(stopped, `{"v":3,"id":1,"heard":true}`+"\n")
	ground.Until(t, "it goes on", r.terminals.CanAsk)
	got = r.ask(t.Context(), secretQuestion)
	reads(`{"v":3,"id":4,"ask"`)
	one := r.terminals.latest(nil)
	queued := make(chan fromTerminal, 1)
	queued <- fromTerminal{}
	if one.isDeafTo(queued) || !one.isDeafTo(nil) {
		t.Fatal("deaf is who said nothing")
	}
	io.WriteString(stopped, `{"v":3,"id":4,"heard":true}`+"\n")
	ground.Until(t, "it has heard", func() bool { return !one.isDeaf() })
	second <- time.Time{}
	io.WriteString(stopped, `{"v":3,"id":4,"secret":"eA=="}`+"\n")
	if res := <-got; string(res.Secret) != "x" || res.err != nil {
		t.Errorf("%q, %v", res.Secret, res.err)
	}
}

// attachRaw attaches a terminal that says nothing by itself.
func (r *running) attachRaw(t *testing.T) (net.Conn, *lineReader) {
	t.Helper()
	c, err := door.Dial(r.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	lines := newLineReader(c, maxAnswer)
	io.WriteString(c, `{"v":3,"op":"prompt"}`+"\n")
	if line, err := lines.next(); err != nil || string(line) != `{"v":3}`+"\n" {
		t.Fatalf("%s, %v", line, err)
	}
	return c, lines
}

func TestTerminalsAreBounded(t *testing.T) {
	r := start(t)
	for range maxTerminals {
		r.attach(t)
	}
	if err := <-r.attach(t).ended; err == nil || !strings.Contains(err.Error(), "16 terminals") {
		t.Errorf("one more: %v", err)
	}
	var none *Terminals
	if _, err := none.Ask(t.Context(), secretQuestion); none.CanAsk() || none.Notify("x") || !errors.Is(err, ErrNoTerminal) {
		t.Errorf("none: %v", err)
	}
}

// TestStrangeTerminal: what is no answer ends the connection and the question.
func TestStrangeTerminal(t *testing.T) {
	for name, line := range map[string]string{
		"no JSON":          "hello",
		"another version":  `{"v":1,"id":1,"secret":"eA=="}`,
		"an unknown field": `{"v":3,"id":1,"moon":"full"}`,
		"too long":         `{"v":3,"id":1,"secret":"` + strings.Repeat("x", maxRequest) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			c, lines := r.attachRaw(t)
			got := r.ask(t.Context(), secretQuestion)
			if line, err := lines.next(); err != nil || !strings.Contains(string(line), `"ask"`) {
				t.Fatalf("%s, %v", line, err)
			}
			io.WriteString(c, `{"v":3,"id":99,"secret":"eA=="}`+"\n") // nobody waits for that
			io.WriteString(c, line+"\n")
			if res := <-got; !errors.Is(res.err, ErrNoTerminal) {
				t.Errorf("%q, %v", res.Secret, res.err)
			}
		})
	}
}

func TestAttachedTerminalSeesTheEnd(t *testing.T) {
	r := start(t)
	p := r.attach(t)
	if err := r.dial(t).Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; !errors.Is(err, ErrNotRunning) {
		t.Errorf("%v", err)
	}
}
