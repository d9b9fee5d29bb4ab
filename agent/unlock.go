package agent

import (
	"context"
	"fmt"
	"time"

	"kagiban/agent/wire"
)

// Terms are how a key is to be kept.
type Terms struct {
	Life    time.Duration // 0: until it is locked
	Confirm bool          // ask before each use
}

// Unlock opens the key of the Source called name, shows it again if it was
// hidden, and keeps it open on these terms; one that is open already keeps its
// other limits until it is locked. The error
// wraps ErrNoKey or ErrWrongPassphrase where that is the reason. It blocks for
// as long as the derivation takes; of wrong guesses there are at most two a
// second, however many callers there are.
func (a *Agent) Unlock(name string, passphrase []byte, terms Terms) error {
	a.refresh()
	a.mu.Lock()
	a.sweepLocked()
	var key LockedKey
	var ended uint64
	e := a.keys.byName(name)
	if e != nil {
		key, ended = e.locked, e.ended
	}
	a.mu.Unlock()
	if key == nil {
		return fmt.Errorf("key %q: %w", name, ErrNoKey)
	}
	s, err := a.tryOpen(context.Background(), key, passphrase)
	if err != nil {
		return fmt.Errorf("key %q: %w", name, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.seal != nil:
		return ErrAgentLocked
	case e.gone:
		return fmt.Errorf("key %q: %w", name, ErrNoKey)
	case e.ended != ended: // it was locked meanwhile: the computer is about to sleep, it may be
		return fmt.Errorf("key %q: %w", name, errLocked)
	}
	a.sweepLocked()
	if e.public != nil && !s.is(e.public) {
		return fmt.Errorf("key %q: %w", name, errWrongKey) // its file is another key's now
	}
	if e.public == nil && !a.keys.claim(e, s.public) {
		return fmt.Errorf("key %q is here already under another name", name)
	}
	var until deadline
	if terms.Life > 0 {
		until = a.in(terms.Life)
	}
	limits := limitsOfKey{confirm: terms.Confirm}
	if e.signer != nil { // unlocking what is open loosens nothing
		limits.confirm = limits.confirm || e.limits.confirm
		limits.destinations = e.limits.destinations
	}
	for who := range a.cancelled {
		if who.entry == e { // the person is back
			delete(a.cancelled, who)
		}
	}
	a.installLocked(e, s, until, limits)
	return nil
}

// installLocked keeps a key open until then and within these limits, and lets
// those who wait for it have it. What a person allowed before was within others.
func (a *Agent) installLocked(e *entry, s *signer, until deadline, limits limitsOfKey) {
	e.signer, e.until, e.limits, e.refused, e.grants = s, until, limits, nil, nil
	for _, c := range e.confirms {
		c.once = true
	}
	if e.hidden {
		e.hidden, a.keys.list = false, nil
	}
	a.armLocked()
	a.usedLocked()
	if e.asking != nil {
		e.asking.cancel()
	}
}

// keep takes in a key that a client handed over. If it is one of the Source, it
// opens that one; nothing is written anywhere. A key that is here and that the client
// does not see stays as it is: its limits would be gone.
func (s *session) keep(key *signer, comment string, until deadline, limits limitsOfKey) (*entry, error) {
	a := s.agent
	defer a.memory.giveBackSoon() // of a thousand keys more is left than they are, and of one that is not kept, too
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	if err := s.mayKeepLocked(); err != nil {
		return nil, err
	}
	blob := key.public.Marshal()
	e := a.keys.byBlob[string(blob)]
	if e != nil && !s.binds.mayList(e.limits.destinations, a.o.Now()) {
		return nil, elsewhere("and here already")
	}
	if e == nil {
		if !a.keys.hasRoom(wire.Identity{Blob: blob, Comment: comment}) {
			return nil, errFull
		}
		e = &entry{}
		e.setPublic(key.public)
		a.keys.add(e)
	}
	if e.locked == nil {
		e.comment, a.keys.list = comment, nil
	}
	a.installLocked(e, key, until, limits)
	return e, nil
}

// Lock drops the private halves of the keys of these names; they stay listed.
// Without a name no private half is left in memory at all: keys that were added
// over the socket are forgotten, unless as a locked file. An unknown
// name is an error that wraps ErrNoKey, and then nothing is locked. When it
// returns, what the keys were is overwritten in memory (see Wiping), unless
// something was under way with them for seconds, after which that is done.
func (a *Agent) Lock(names ...string) error {
	err := a.closeKeys(names)
	if len(names) > 0 { // who is called so by now the Source may take long to say
		a.memory.giveBackSoon()
		a.refresh()
		err = a.closeKeys(names)
	}
	if err != nil {
		return err
	}
	a.memory.wipe()
	return nil
}

func (a *Agent) closeKeys(names []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var which []*entry
	for _, name := range names {
		e := a.keys.byName(name)
		if e == nil {
			return fmt.Errorf("key %q: %w", name, ErrNoKey)
		}
		which = append(which, e)
	}
	if len(names) == 0 {
		a.locks++
		which = a.keys.all()
	}
	a.closeLocked(which)
	return nil
}

func (a *Agent) closeLocked(which []*entry) {
	for _, e := range which {
		if e.atRest() == nil {
			a.keys.dropAdded(e)
		} else {
			e.close()
		}
	}
	a.armLocked()
}

// RemoveAll does what a remove-all request does (RFC 9987 section 5.4): keys
// that were added are forgotten; keys of the Source are locked and hidden until
// they are unlocked by name or the agent starts again. It never changes a file.
// When it returns, what the keys were is overwritten as by Lock.
func (a *Agent) RemoveAll() {
	a.removeAll()
	a.memory.wipe()
}

// removeAll removes what is here at once, and then what the Source says is here too,
// which may take long.
func (a *Agent) removeAll() {
	a.removeKnown()
	a.refresh()
	a.removeKnown()
}

func (a *Agent) removeKnown() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locks++
	for _, e := range a.keys.all() {
		a.removeLocked(e)
	}
	a.armLocked()
	a.memory.giveBackSoon()
}

// remove does what a remove request does, to one key.
func (a *Agent) remove(b *binds, blob []byte) error {
	e, err := a.find(blob)
	if err != nil {
		return err
	}
	return a.drop(b, e, func() error {
		a.removeLocked(e)
		return nil
	})
}

// drop has how drop a private half, or the key with it. A key that b does not list, or that
// somebody else removed since it was found, is not there.
func (a *Agent) drop(b *binds, e *entry, how func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.gone || e.hidden || !b.mayList(e.limits.destinations, a.o.Now()) {
		return ErrNoKey
	}
	if err := how(); err != nil {
		return err
	}
	a.armLocked()
	a.memory.giveBackSoon()
	return nil
}

func (a *Agent) removeLocked(e *entry) {
	if e.locked == nil {
		a.keys.dropAdded(e)
		return
	}
	e.close()
	e.hidden, a.keys.list = true, nil
}
