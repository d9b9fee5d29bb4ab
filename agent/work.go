package agent

import (
	"context"
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
	heavy  turn
	derive turn
	remote turn // of one: binds from other computers
	memory *memory
}

func newWorkplaces(n int, m *memory) workplaces {
	return workplaces{heavy: make(turn, n), derive: make(turn, 1), remote: make(turn, 1), memory: m}
}

// turn is taken by as many at a time as it has room for.
type turn chan struct{}

// take waits for a turn. It returns ctx's error if that ends before.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// compute runs f, which has a secret in hand, aside, and on a heavy place if it is heavy. It returns ctx's error if that
// ends before a place is free.
func (w workplaces) compute(ctx context.Context, heavy bool, f func() error) error {
	if heavy {
		if err := w.heavy.take(ctx); err != nil {
			return err
		}
		defer w.heavy.give()
	}
	var err error
	w.memory.aside(heavy, func() { err = f() })
	return err
}

// guess runs f, which tries a passphrase, when its turn has come. After a wrong
// one the next turn comes half a second later; the answer is not held back.
func (w workplaces) guess(ctx context.Context, f func() error) (err error) {
	if err := w.derive.take(ctx); err != nil {
		return err
	}
	defer func() { // whatever f does
		if isWrongPassphrase(err) {
			w.memory.after(afterWrongGuess, w.derive.give)
		} else {
			w.derive.give()
		}
	}()
	return w.compute(ctx, true, f)
}
