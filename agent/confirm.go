package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"kagiban/agent/wire"
)

// afterCancel is how long a question that a person took away is not put again to
// the same program. What is forwarded is nagging, too, when it hangs up, or when nobody
// answers: a window that comes again and again gets a yes from somebody who types elsewhere.
const afterCancel = 30 * time.Second

var (
	errRefused error = gotNoYes("the person said no")
	errAgain   error = gotNoYes("a question about this key got a no, or was closed, less than 30 seconds ago")
)

// gotNoYes is an ErrCancelled, and says no more than the person did: it stands in the log.
type gotNoYes string

func (g gotNoYes) Error() string      { return string(g) }
func (gotNoYes) Is(target error) bool { return target == ErrCancelled }

// confirmation is a question whether a key may be used. Those who ask for the very
// same signature, from the same program, share its answer.
type confirmation struct {
	prompt  Prompt
	grant   grant
	what    digest
	granted bool // by a yes to another one, which holds
	once    bool // a yes does not hold: the key's limits are not those any more that it is about
	*question
}

// endedByPerson says whether a question that got no yes was put to a person: who said no, or nothing, or was still thinking when the program hung up.
func endedByPerson(err error) bool {
	cancelled := errors.Is(err, ErrCancelled) && !errors.Is(err, errAgain)
	return cancelled || errors.Is(err, errQuestionTime) || errors.Is(err, context.Canceled)
}

// digest tells signatures apart that a person could not tell apart.
type digest [sha256.Size]byte

func digestOf(m *wire.SignRequest) digest {
	return sha256.Sum256(binary.BigEndian.AppendUint32(bytes.Clone(m.Data), m.Flags))
}

// confirm asks a person whether e may be used, and blocks for as long as that
// takes, or until ctx ends. nil is a yes.
func (a *Agent) confirm(ctx context.Context, e *entry, p Prompt, g grant, m *wire.SignRequest) error {
	what := digestOf(m)
	_, err := a.await(ctx, func() (*question, bool) { return a.joinConfirm(e, p, g, what) })
	return err
}

func (a *Agent) joinConfirm(e *entry, p Prompt, g grant, what digest) (q *question, joined bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seal != nil || e.gone || e.hidden {
		return settled(nil, errLocked), true
	}
	if a.isGrantedLocked(e, g) {
		return settled(nil, nil), true // meanwhile
	}
	for _, c := range e.confirms {
		if c.prompt != p || c.what != what {
			continue
		}
		if c.over != nil {
			return c.question, false
		}
		c.waiters++
		return c.question, true
	}
	if a.wasCancelledLocked(e, p) {
		return settled(nil, errAgain), true
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &confirmation{prompt: p, grant: g, what: what, question: &question{cancel: cancel, done: make(chan struct{}), waiters: 1}}
	e.confirms = append(e.confirms, c)
	go a.seeConfirmed(ctx, e, c)
	return c.question, true
}

// seeConfirmed puts one question. Whatever happens in it, the waiters hear of it.
func (a *Agent) seeConfirmed(ctx context.Context, e *entry, c *confirmation) {
	var consent Consent
	err := errors.New("asking for a yes failed")
	defer func() { a.settleConfirm(e, c, consent, err) }()
	defer a.Survive("asking for a yes")
	defer c.cancel()
	if a.o.Ask == nil || !a.o.Ask.CanAsk() {
		err = ErrCannotAsk
		return
	}
	_, err = a.askOnce(ctx, c.question, func(ctx context.Context) ([]byte, error) {
		consent, err = a.o.Ask.Confirm(ctx, c.prompt)
		if err == nil && !consent.Yes {
			err = errRefused
		}
		return nil, err
	})
}

func (a *Agent) settleConfirm(e *entry, c *confirmation, consent Consent, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.confirms = slices.DeleteFunc(e.confirms, func(other *confirmation) bool { return other == c })
	switch {
	case c.over != nil:
		err = c.over
	case c.granted && !errors.Is(err, ErrCancelled): // a no is one
		err = nil
	case err == nil && c.prompt.Holds && !c.once && consent.holds():
		a.grantLocked(e, c.grant, consent)
	}
	a.noteLocked(e, c.prompt, err)
	if c.prompt.Use.Forwarded && a.wasCancelledLocked(e, c.prompt) { // who asks for a hundred things at once gets one no
		for _, other := range e.confirms {
			if !other.granted && whoAsked(e, other.prompt) == whoAsked(e, c.prompt) {
				other.endWith(errAgain)
			}
		}
	}
	c.err = err
	close(c.done)
}

// questioner is who is not asked again for a while: a key, and what wants it.
type questioner struct {
	entry     *entry
	program   string
	forwarded bool
	socket    string
}

func whoAsked(e *entry, p Prompt) questioner {
	return questioner{e, p.Peer.UID + " " + p.Peer.Program, p.Use.Forwarded, p.Use.Socket}
}

func (a *Agent) wasCancelledLocked(e *entry, p Prompt) bool {
	return a.o.Now().Before(a.cancelled[whoAsked(e, p)])
}

// noteLocked remembers how a question ended, where that is of use later.
func (a *Agent) noteLocked(e *entry, p Prompt, err error) {
	switch {
	case err == nil:
		e.refused = nil
	case errors.Is(err, ErrCannotAsk):
		e.refused = &Refusal{p.Peer, p.Use.Socket}
	case errors.Is(err, ErrCancelled), p.Use.Forwarded && (errors.Is(err, errNobodyWaits) || errors.Is(err, errQuestionTime)):
		for who, until := range a.cancelled {
			if !a.o.Now().Before(until) {
				delete(a.cancelled, who)
			}
		}
		a.cancelled[whoAsked(e, p)] = a.o.Now().Add(afterCancel)
	}
}
