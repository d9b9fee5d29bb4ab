package agent

import "slices"

// idle locks the agent when nobody has used a key for some time: nothing was signed,
// unlocked or added. It is guarded by Agent.mu.
type idle struct {
	until deadline    // when all is locked; never, while no key is open
	stop  func() bool // the timer's; nil: none runs
}

// usedLocked says that somebody uses a key now. It costs a look at the clocks; the
// timer finds out later that it came too early. What is overdue is locked before, by
// sweepLocked or idleLocked: the use of one key is none of what was open too long.
func (a *Agent) usedLocked() {
	if a.o.Idle <= 0 {
		return
	}
	a.idle.until = a.in(a.o.Idle)
	if a.idle.stop == nil {
		a.napLocked()
	}
}

// used is for those that do not hold the lock.
func (a *Agent) used() {
	if a.o.Idle <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idleLocked()
	a.usedLocked()
}

func (a *Agent) napLocked() {
	a.idle.stop = a.o.AfterFunc(max(0, min(longestNap, a.left(a.idle.until))), a.lookIdle)
}

// lookIdle is what the timer does.
func (a *Agent) lookIdle() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle.stop = nil
	a.idleLocked()
	if !a.idle.until.never() {
		a.napLocked()
	}
}

// idleLocked locks what is open if its time without use is over. Whoever wants to use
// or see a key comes by here, too: a computer that slept for an hour has been idle for
// as long. Of an agent that a client has locked nothing is open.
func (a *Agent) idleLocked() {
	if !a.past(a.idle.until) {
		return
	}
	a.idle.until = deadline{}
	open := slices.DeleteFunc(a.keys.all(), func(e *entry) bool { return e.signer == nil })
	if len(open) == 0 {
		return
	}
	a.closeLocked(open)
	a.o.Log.Info("the keys are locked", "why", "none was used", "for", a.o.Idle)
	go func() {
		defer a.Survive("locking what is idle")
		a.memory.wipe()
	}()
}
