package agent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	questionTime = 60 * time.Second // how long one question stays open
	longestTurn  = 5 * time.Minute  // how long others may be open before it
	maxAttempts  = 3                // how often a passphrase is asked for, as ssh does
)

var (
	errQuestionTime = errors.New("no answer within 60 seconds")
	errNobodyWaits  = errors.New("nobody waits for the key any more")
	errNotShown     = errors.New("the program hung up before the question was put")
	errOthersOpen   = fmt.Errorf("%w: other questions were open for 5 minutes", ErrCannotAsk)
	errLocked       = errors.New("the key was locked or removed meanwhile")
	errWrongKey     = errors.New("the private half is not that of the public half")
)

func isWrongPassphrase(err error) bool { return errors.Is(err, ErrWrongPassphrase) }

// question is one conversation with a person about one locked key, from the
// first attempt to the last. All who want the key meanwhile wait for it.
// waiters, shown and over are guarded by Agent.mu; signer and err are written once,
// before done is closed.
type question struct {
	waiters int
	shown   bool  // to a person, for the first time
	over    error // why its answer does not count any more, or nil
	cancel  context.CancelFunc
	done    chan struct{}
	signer  *signer
	err     error
}

// end takes the question away; its answer, if one still comes, is thrown away.
// It is a no-op on nil.
func (q *question) end() { q.endWith(errLocked) }

func (q *question) endWith(why error) {
	if q != nil && q.over == nil {
		q.over = why
		q.cancel()
	}
}

// settled is a question that needs not be asked.
func settled(s *signer, err error) *question {
	q := &question{done: make(chan struct{}), signer: s, err: err}
	close(q.done)
	return q
}

// open returns the private half of e, asking a person for the passphrase if e
// is locked. It blocks for as long as that takes, or until ctx ends.
func (a *Agent) open(ctx context.Context, e *entry, p Prompt) (*signer, error) {
	return a.await(ctx, func() (*question, bool) { return a.join(e, p) })
}

// await waits for the end of the question that join gives, or until ctx ends. One
// that could not be joined is waited for, too, and then join is tried again.
func (a *Agent) await(ctx context.Context, join func() (q *question, joined bool)) (*signer, error) {
	for {
		q, joined := join()
		select {
		case <-q.done:
			if joined {
				return q.signer, q.err
			}
		case <-ctx.Done():
			if joined {
				return nil, a.leave(q, ctx.Err())
			}
			return nil, ctx.Err()
		}
	}
}

// join waits for the question about e with all others who do, or begins it. A
// question that is being taken away cannot be joined: joined is then false, and
// the caller comes again when it is done, for there is never a second question
// about one key beside the first.
func (a *Agent) join(e *entry, p Prompt) (q *question, joined bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case e.gone || e.hidden || a.seal != nil:
		return settled(nil, errLocked), true
	case e.signer != nil:
		return settled(e.signer, nil), true
	case e.asking == nil && a.wasCancelledLocked(e, p):
		return settled(nil, errAgain), true
	case e.asking == nil:
		a.beginLocked(e, p)
	case e.asking.over != nil:
		return e.asking, false
	}
	e.asking.waiters++
	return e.asking, true
}

// leave is called by one who does not wait any more, and says how that ended for them. The
// last one takes the question along.
func (a *Agent) leave(q *question, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	why := errNobodyWaits
	if !q.shown {
		why, err = errNotShown, errNotShown
	}
	q.waiters--
	if q.waiters == 0 {
		q.endWith(why)
	}
	return err
}

func (a *Agent) beginLocked(e *entry, p Prompt) {
	ctx, cancel := context.WithCancel(context.Background())
	e.asking = &question{cancel: cancel, done: make(chan struct{})}
	go a.seeThrough(ctx, e, e.asking, e.atRest(), p)
}

// seeThrough runs one question. Whatever happens in it, the waiters hear of it.
func (a *Agent) seeThrough(ctx context.Context, e *entry, q *question, key LockedKey, p Prompt) {
	var s *signer
	err := errors.New("asking for the passphrase failed")
	defer func() { a.settle(e, q, p, s, err) }()
	defer a.Survive("asking for a passphrase")
	defer q.cancel()
	s, err = a.askUntilOpen(ctx, q, key, p)
}

func (a *Agent) askUntilOpen(ctx context.Context, q *question, key LockedKey, p Prompt) (*signer, error) {
	if a.o.Ask == nil || !a.o.Ask.CanAsk() {
		return nil, ErrCannotAsk
	}
	for p.Attempt = 1; ; p.Attempt++ {
		passphrase, err := a.askOnce(ctx, q, func(ctx context.Context) ([]byte, error) { return a.o.Ask.AskPassphrase(ctx, p) })
		if err != nil {
			return nil, err
		}
		s, err := a.tryOpen(ctx, key, passphrase)
		clear(passphrase)
		if !isWrongPassphrase(err) || p.Attempt == maxAttempts {
			return s, err
		}
	}
}

// inTurn waits for a turn, but not for ever.
func (a *Agent) inTurn(ctx context.Context, t turn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := a.o.AfterFunc(longestTurn, func() { cancel(errOthersOpen) })
	defer stop()
	if t.take(ctx) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// askOnce puts one question, when no other is open, which ends after a time. The answer is
// wiped where it came too late.
func (a *Agent) askOnce(ctx context.Context, q *question, ask func(context.Context) ([]byte, error)) ([]byte, error) {
	if err := a.inTurn(ctx, a.asking); err != nil {
		return nil, err
	}
	defer a.asking.give()
	a.mu.Lock()
	q.shown = true
	a.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := a.o.AfterFunc(questionTime, func() { cancel(errQuestionTime) })
	defer stop()
	answer, err := ask(ctx)
	cause := context.Cause(ctx)
	switch {
	case cause != nil:
		clear(answer)
		return nil, cause
	case errors.Is(err, ErrCancelled):
		return nil, err // the log needs no more words for it
	case err != nil:
		return nil, fmt.Errorf("ask a person: %w", err)
	}
	return answer, nil
}

// tryOpen derives and decrypts in its turn, and vets what comes out. A public
// half that is known is never replaced by what was decrypted.
func (a *Agent) tryOpen(ctx context.Context, key LockedKey, passphrase []byte) (*signer, error) {
	var s *signer
	err := a.work.guess(ctx, func() error {
		private, err := a.callOpen(key, passphrase)
		if err != nil {
			return err
		}
		s, err = newSigner(private)
		return err
	})
	a.memory.giveBackSoon()
	if err != nil {
		return nil, err
	}
	if public := key.Public(); public != nil && !s.is(public) {
		return nil, errWrongKey
	}
	return s, nil
}

// callOpen calls key.Open and survives it.
func (a *Agent) callOpen(key LockedKey, passphrase []byte) (private any, err error) {
	err = errors.New("opening the key failed by a mistake in the program")
	defer a.Survive("opening a key")
	return key.Open(passphrase)
}

// settle ends a question: the key is kept open, and everybody who waits is told.
func (a *Agent) settle(e *entry, q *question, p Prompt, s *signer, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	e.asking = nil
	switch {
	case q.over != nil:
		s, err = nil, q.over
	case e.signer != nil: // unlocked by name while the question was open
		s, err = e.signer, nil
	case err == nil && e.public != nil && !s.is(e.public):
		s, err = nil, errWrongKey // its file is another key's now
	case err == nil:
		a.installLocked(e, s, e.until, e.limits)
	}
	a.noteLocked(e, p, err)
	q.signer, q.err = s, err
	close(q.done)
}
