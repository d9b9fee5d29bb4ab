package agent

import (
	"slices"
	"time"
)

// longestNap bounds how long a timer is trusted alone. Timers stand still while
// a computer sleeps; looking at the clocks once a minute (and at each use, in
// sweepLocked) ends a key soon after it wakes.
const longestNap = time.Minute

// deadline is a moment by two clocks: the wall's, and the one that counts since
// the computer started, sleep included. The wall's may be set back, the other
// one cannot. The zero deadline never comes.
type deadline struct {
	wall time.Time
	up   time.Duration
}

func (a *Agent) in(life time.Duration) deadline {
	return deadline{wall: a.o.Now().Add(life), up: a.o.Uptime() + life}
}

func (d deadline) never() bool { return d.wall.IsZero() }

// sooner returns the deadline that comes first.
func sooner(a, b deadline) deadline {
	if a.never() || !b.never() && b.wall.Before(a.wall) {
		return b
	}
	return a
}

// past says whether a deadline has come by any clock: by the running one, if
// both times have a reading of it, by the wall's, and by that since the start.
func (a *Agent) past(d deadline) bool { return !d.never() && a.left(d) <= 0 }

// left is how long it is until d, by the clock that says the least.
func (a *Agent) left(d deadline) time.Duration {
	now := a.o.Now()
	return min(d.wall.Sub(now), d.wall.Round(0).Sub(now.Round(0)), d.up-a.o.Uptime())
}

// expiry ends the time of keys. It is guarded by Agent.mu.
type expiry struct {
	// next are when the first key ends, by each clock: another one may be first by
	// the next clock, for sleep lies between.
	next []deadline
	stop func() bool // the timer's
}

// sweepLocked drops every private half whose time is over, and sets the timer
// for the next. Nothing past its time is ever used: each use comes by here. So does what
// was not used for too long.
func (a *Agent) sweepLocked() {
	a.idleLocked()
	if !slices.ContainsFunc(a.expiry.next, a.past) {
		return
	}
	for _, e := range a.keys.all() {
		if !a.past(e.until) {
			continue
		}
		if e.locked == nil {
			a.keys.dropAdded(e)
		} else {
			e.close()
		}
		a.memory.giveBackSoon()
	}
	a.armLocked()
}

// armLocked sets the timer for the key that ends first. It is to be called
// whenever an until was set.
func (a *Agent) armLocked() {
	if a.expiry.stop != nil {
		a.expiry.stop()
	}
	a.expiry = expiry{next: a.keys.firstToEnd()}
	if len(a.expiry.next) > 0 {
		nap := longestNap
		for _, d := range a.expiry.next {
			nap = min(nap, a.left(d))
		}
		a.expiry.stop = a.o.AfterFunc(max(nap, 0), a.wake)
	}
}

// firstToEnd are the deadlines that come first: by the running clock, by the wall's,
// and by that since the start. None, if no key ends.
func (r *keyring) firstToEnd() []deadline {
	var running, wall, up deadline
	for _, e := range r.all() {
		d := e.until
		if d.never() {
			continue
		}
		if running.never() || d.wall.Before(running.wall) {
			running = d
		}
		if wall.never() || d.wall.Round(0).Before(wall.wall.Round(0)) {
			wall = d
		}
		if up.never() || d.up < up.up {
			up = d
		}
	}
	if running.never() {
		return nil
	}
	return []deadline{running, wall, up}
}

func (a *Agent) wake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	a.armLocked()
}
