package agent

import (
	"slices"

	"golang.org/x/crypto/ssh"
)

// Ties say which keys belong to which servers. They decide what a login is offered,
// and in which order; no signature depends on them.
type Ties interface {
	// At says how the keys of the Source stand to the server with that host key or
	// host certificate, which it has proved to hold; nil: no key is tied anywhere. It
	// is called for each list of a connection that is bound for a login, from any
	// goroutine and outside every lock, so it should be cheap when nothing has
	// changed. What it returns must not block.
	At(host ssh.PublicKey) func(LockedKey) Tie
}

// Tie is how a key stands to a server.
type Tie int

// How a key stands to a server.
const (
	Untied        Tie = iota // it is tied to no server
	TiedHere                 // to this one, and perhaps to others
	TiedElsewhere            // to others only
)

// tiesOf says how keys stand to the server that a connection logs in to; nil where
// nothing is to be made of that. Keys that were added are tied to none. What was
// refused, and what comes from a server but leads to none, is nobody's login.
func (a *Agent) tiesOf(b *binds) func(*entry) Tie {
	last := b.last()
	if a.o.Ties == nil || b.refused || last == nil || last.forwarding {
		return nil
	}
	at := a.o.Ties.At(last.key)
	if at == nil {
		return nil
	}
	return func(e *entry) Tie {
		if e.locked == nil {
			return Untied
		}
		return at(e.locked)
	}
}

// offered are keys as a server is offered them: first those that are tied to it,
// then those that are tied to none, then the rest, and last what has been replaced.
// The rest is left out only where one of these very keys is tied to this server; one
// that has been replaced does not count, since what took its place may be tied
// elsewhere only.
func offered(keys []*entry, tie func(*entry) Tie) []*entry {
	ties, places := map[*entry]Tie{}, map[*entry]int{}
	own := false
	for _, e := range keys {
		ties[e] = tie(e)
		places[e] = place(ties[e], e.turn())
		own = own || places[e] == 0
	}
	if own {
		keys = slices.DeleteFunc(keys, func(e *entry) bool { return ties[e] == TiedElsewhere })
	}
	slices.SortStableFunc(keys, func(x, y *entry) int { return places[x] - places[y] })
	return keys
}

func place(tie Tie, turn int) int {
	switch {
	case tie == TiedHere:
		return turn
	case turn > 0:
		return 4
	case tie == Untied:
		return 2
	}
	return 3
}
