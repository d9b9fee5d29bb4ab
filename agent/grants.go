package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"time"
)

// Consent is a person's answer to whether a key may be used.
type Consent struct {
	Yes bool
	// A use that a person could not tell from this one is not asked about again, for so
	// long or until the key is locked. Neither: the yes is for this one.
	For         time.Duration
	UntilLocked bool
}

func (c Consent) holds() bool { return c.Yes && (c.For > 0 || c.UntilLocked) }

// Origin is what the system tells of a program that asks. It may be empty.
type Origin struct {
	Parents    string // paths of the programs that it was started by, the nearest first, one a line
	Repository string // the folder whose commit is to be signed, as far as the program's working folder tells
}

// grant is all that a person could tell a use by, and what lies behind the names of
// servers: what shares one shares a yes.
type grant struct {
	prompt Prompt // without what differs each time
	way    digest // of the servers that the connection is bound to
}

// granted is how long a yes holds. moment is when it was given.
type granted struct {
	until  deadline // never: until the key is locked
	moment deadline
}

// grant is what a yes to p would be for. It is none where p does not hold.
func (u *signing) grant(p Prompt) grant {
	p.Peer.PID, p.Attempt = 0, 0
	return grant{p, u.binds.digest()}
}

// holds says whether a yes to this prompt may hold beyond one use: all that matters is
// known, so that the next such use is told from others.
func (b *binds) holds(p Prompt) bool {
	known := p.Use.Purpose == UseLogin && p.Use.HostKey != "" || p.Use.Purpose == UseFile
	return known && !b.refused && p.Peer.Program != ""
}

// digest tells ways apart: which servers lie on it, in which order.
func (b *binds) digest() digest {
	var way []byte
	for _, hop := range b.all {
		way = append(binary.BigEndian.AppendUint32(way, uint32(len(hop.blob))), hop.blob...)
		way = append(way, map[bool]byte{true: 1}[hop.forwarding])
	}
	return sha256.Sum256(way)
}

// mayUse asks a person for a yes, unless one that was given before still holds.
func (u *signing) mayUse(ctx context.Context) error {
	u.ended = u.agent.look(u.entry).ended
	p := u.prompt()
	g := u.grant(p)
	if !u.agent.isGranted(u.entry, g) {
		u.conn.watch()
		yes := func() (asked bool, err error) {
			err = u.agent.confirm(ctx, u.entry, p, g, u.request)
			return err == nil || endedByPerson(err), err
		}
		if err := u.scope.ask(ctx, u.agent, yes); err != nil {
			return err
		}
		u.asked = true
	}
	u.confirmed = true
	return nil
}

func (a *Agent) isGranted(e *entry, g grant) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isGrantedLocked(e, g)
}

func (a *Agent) isGrantedLocked(e *entry, g grant) bool {
	held, ok := e.grants[g]
	return ok && a.inForce(held) && a.seal == nil && !e.gone && !e.hidden
}

// grantLocked remembers a yes that holds, and gives it to those who are being asked about
// the same at this moment.
func (a *Agent) grantLocked(e *entry, g grant, c Consent) {
	maps.DeleteFunc(e.grants, func(_ grant, held granted) bool { return !a.inForce(held) })
	if e.grants == nil {
		e.grants = map[grant]granted{}
	}
	held := granted{moment: a.in(0)}
	if !c.UntilLocked {
		held.until = a.in(c.For)
	}
	e.grants[g] = held
	for _, other := range e.confirms {
		if other.grant == g && other.over == nil {
			other.granted = true
			other.cancel()
		}
	}
}

// inForce says whether a yes still holds: its time is not over by any clock, and the
// computer has not slept since it was given.
func (a *Agent) inForce(held granted) bool { return !a.past(held.until) && !a.sleptSince(held.moment) }

// longestDoze is how far the clocks of a computer that did not sleep may be apart.
const longestDoze = 2 * time.Second

// sleptSince compares the clock that stands still while a computer sleeps with the one
// that does not. Where the first counts on, or the second is not there, it sees nothing.
func (a *Agent) sleptSince(then deadline) bool {
	return a.o.Uptime()-then.up-a.o.Now().Sub(then.wall) > longestDoze
}
