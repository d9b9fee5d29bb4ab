package agent

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// afterWrongGuess is how long nothing is derived after a wrong passphrase: two
// guesses a second, whatever the number of connections.
const afterWrongGuess = 500 * time.Millisecond

// workplaces bounds what may compute at a time. Signatures with ed25519 and
// ECDSA keys need no place. RSA and key derivation share a few, one less than
// there are processors, so that a light signature finds a free one. Of key
// derivations there is one at a time: each may take 128 MiB and more.
type workplaces struct {
	heavy  chan struct{}
	derive chan struct{}
	after  func(time.Duration, func()) func() bool
}

func newWorkplaces(n int, after func(time.Duration, func()) func() bool) workplaces {
	return workplaces{heavy: make(chan struct{}, n), derive: make(chan struct{}, 1), after: after}
}

// compute runs f, on a heavy place if it is heavy. It returns ctx's error if that
// ends before a place is free.
func (w workplaces) compute(ctx context.Context, heavy bool, f func() error) error {
	if !heavy {
		return f()
	}
	select {
	case w.heavy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.heavy }()
	return f()
}

// guess runs f, which tries a passphrase, when its turn has come. After a wrong
// one the next turn comes half a second later; the answer is not held back.
func (w workplaces) guess(ctx context.Context, f func() error) (err error) {
	select {
	case w.derive <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	next := func() { <-w.derive }
	defer func() { // whatever f does
		if isWrongPassphrase(err) {
			w.after(afterWrongGuess, next)
		} else {
			next()
		}
	}()
	return w.compute(ctx, true, f)
}

// quiet is how long after the last key derivation its memory is given back.
const quiet = time.Second

// memory gives memory back to the system after a key derivation or after keys
// were dropped: Go would keep hundreds of megabytes for later, and what lay in
// them. It runs in a goroutine of its own, when all has been quiet for a moment,
// and never twice at a time.
type memory struct {
	after   func(time.Duration, func()) func() bool
	free    func()
	mu      sync.Mutex // guards stop
	stop    func() bool
	freeing chan struct{} // one token, held while free runs
}

func newMemory(after func(time.Duration, func()) func() bool) *memory {
	return &memory{after: after, free: debug.FreeOSMemory, freeing: make(chan struct{}, 1)}
}

func (m *memory) giveBackSoon() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stop != nil {
		m.stop()
	}
	m.stop = m.after(quiet, m.giveBack)
}

func (m *memory) giveBack() {
	m.freeing <- struct{}{}
	defer func() { <-m.freeing }()
	m.free()
}
