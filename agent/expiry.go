package agent

import "time"

// longestNap bounds how long a timer is trusted alone. Timers stand still while
// a computer sleeps; looking at the wall clock once a minute (and at each use,
// in sweepLocked) ends a key soon after it wakes.
const longestNap = time.Minute

// expiry ends the time of keys. It is guarded by Agent.mu.
type expiry struct {
	next time.Time   // when the first key ends; zero: none does
	stop func() bool // the timer's
}

// past compares by the running clock, if both times have a reading of it, and
// by the wall clock: whichever says first that the time is over is right.
func past(now, until time.Time) bool {
	return !now.Before(until) || !now.Round(0).Before(until.Round(0))
}

// sweepLocked drops every private half whose time is over, and sets the timer
// for the next. Nothing past its time is ever used: each use comes by here.
func (a *Agent) sweepLocked() {
	if a.expiry.next.IsZero() || !past(a.now(), a.expiry.next) {
		return
	}
	now := a.now()
	for _, e := range a.keys.all() {
		if e.until.IsZero() || !past(now, e.until) {
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
	a.expiry = expiry{}
	for _, e := range a.keys.all() {
		if !e.until.IsZero() && (a.expiry.next.IsZero() || e.until.Before(a.expiry.next)) {
			a.expiry.next = e.until
		}
	}
	if !a.expiry.next.IsZero() {
		nap := min(a.expiry.next.Sub(a.now()), longestNap)
		a.expiry.stop = a.afterFunc(max(nap, 0), a.wake)
	}
}

func (a *Agent) wake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	a.armLocked()
}
