package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kagiban/agent"
)

// Attach lets the agent ask here until ctx ends, which is no error, or the
// connection. ask puts one question to the person; its ctx ends when the question
// is taken away. An error of it that wraps agent.ErrCancelled says that the person
// did that, any other one that nobody can be asked here now. A notice is shown
// beside a question. ready is called when the agent has agreed.
func (c *Client) Attach(ctx context.Context, ready func(), ask func(context.Context, Question) (Answer, error)) error {
	if _, err := c.call(request{Op: opPrompt}, answerTime); err != nil {
		return fmt.Errorf("attach this terminal: %w", err)
	}
	c.conn.SetDeadline(time.Time{}) // a question may be long in coming
	ready()
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	a := &attached{client: c, ask: ask, take: func() {}}
	defer func() { a.end() }()
	for {
		line, err := c.lines.next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return silence(err)
		}
		var m toTerminal
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf("the agent's question is not understood: %w", err)
		}
		switch {
		case m.V != Version:
			return &VersionError{Ours: Version, Theirs: m.V}
		case m.TakeBack && m.ID == a.id:
			a.end()
		case m.Ask != nil && m.Ask.Kind == KindNotice:
			_, _ = ask(ctx, *m.Ask)
		case m.Ask != nil:
			a.end()
			a.begin(ctx, m.ID, *m.Ask)
		}
	}
}

// attached is the question that stands at this terminal.
type attached struct {
	client *Client
	ask    func(context.Context, Question) (Answer, error)
	id     int
	take   context.CancelFunc
	done   chan struct{} // nil: there was none yet
}

func (a *attached) begin(ctx context.Context, id int, q Question) {
	ctx, take := context.WithCancel(ctx)
	done := make(chan struct{})
	a.id, a.take, a.done = id, take, done
	go func() {
		defer close(done)
		_, _ = a.client.conn.Write(encode(fromTerminal{V: Version, ID: id, Heard: true})) // the reader sees that the connection is gone
		answer, err := a.ask(ctx, q)
		defer clear(answer.Secret)
		said := fromTerminal{V: Version, ID: id, Answer: answer}
		switch {
		case ctx.Err() != nil:
			return // nobody waits for it
		case errors.Is(err, agent.ErrCancelled):
			said.End, said.Answer = endCancelled, Answer{}
		case err != nil:
			said.End, said.Answer = endCannotAsk, Answer{}
		}
		line := encode(said)
		defer clear(line)
		_, _ = a.client.conn.Write(line)
	}()
}

// end takes the question away and waits until the terminal is free.
func (a *attached) end() {
	a.take()
	if a.done != nil {
		<-a.done
	}
}
