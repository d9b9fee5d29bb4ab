package agent

import (
	"cmp"
	"slices"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// refresh hears what the Source holds now. The Source is asked outside the
// lock; of two answers that cross, the one asked for later counts.
func (a *Agent) refresh() {
	if a.o.Source == nil {
		return
	}
	a.mu.Lock()
	a.keys.asked++
	turn := a.keys.asked
	a.mu.Unlock()

	keys, err := a.o.Source.Keys()
	if err != nil {
		a.o.Log.Error("cannot read the keys; those known before are kept", "error", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if turn < a.keys.applied || sameSlice(keys, a.keys.lastKeys) {
		return
	}
	a.keys.applied, a.keys.lastKeys = turn, keys
	a.keys.merge(keys)
}

func sameSlice(a, b []LockedKey) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// find returns the key with that public half. Only a key that is not known
// costs a look at the Source. Hidden keys are not found.
func (a *Agent) find(blob []byte) (*entry, error) {
	if e := a.lookup(blob); e != nil {
		return e, nil
	}
	a.refresh()
	if e := a.lookup(blob); e != nil {
		return e, nil
	}
	return nil, ErrNoKey
}

func (a *Agent) lookup(blob []byte) *entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	e := a.keys.byBlob[string(blob)]
	if e == nil || e.hidden {
		return nil
	}
	return e
}

// view is what was known of a key at one moment.
type view struct {
	locked        LockedKey // nil: added
	public        ssh.PublicKey
	name, comment string
	signer        *signer // nil while locked
	limits        limitsOfKey
	ended         uint64
}

// look returns what is known of e now: without its private half, if that may not
// be used any more.
func (a *Agent) look(e *entry) view {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	v := view{e.locked, e.public, e.name(), e.comment, e.signer, e.limits, e.ended}
	if e.gone || e.hidden || a.seal != nil {
		v.signer = nil
	}
	return v
}

// describe says for the log which key has that public half: its name, if it is one
// of the Source, and what people know it by.
func (a *Agent) describe(blob []byte) (name, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.keys.byBlob[string(blob)]
	if e == nil {
		return "", ""
	}
	name = e.name()
	return name, cmp.Or(name, ssh.FingerprintSHA256(e.public)+" "+e.comment)
}

// list returns the encoded answer to a list request of who is bound so, at a narrower socket or not.
func (a *Agent) list(narrow *scope, b *binds) []byte {
	a.refresh()
	tie := a.tiesOf(b)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	now := a.o.Now()
	hides := func(e *entry) bool { return !b.mayList(e.limits.destinations, now) || !narrow.mayList(e, b, now) }
	switch {
	case a.seal != nil:
		return wire.Encode(&wire.IdentitiesAnswer{})
	case tie != nil || (narrow != nil || b.refused || len(b.all) > 0) && slices.ContainsFunc(a.keys.all(), hides):
		return wire.Encode(&wire.IdentitiesAnswer{Identities: a.keys.rows(hides, tie)})
	}
	return a.keys.answer()
}
