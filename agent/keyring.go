package agent

import (
	"slices"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// maxKeys is how many keys OpenSSH's client is willing to read (authfd.c). A
// longer list would make every key useless to it, not only the last ones.
const maxKeys = 2048

// entry is one key. A key of the Source has locked set; one that was added to
// the agent over its socket has it nil and lives as long as its private half, or, where it
// came as a locked file, until it is removed or ends.
// The fields are guarded by Agent.mu, the values behind them never change.
type entry struct {
	locked  LockedKey
	file    LockedKey     // of a key that was added as a locked file: opens it; else nil
	public  ssh.PublicKey // nil: a key of the Source whose public half is not known yet
	blob    []byte        // public, encoded
	comment string
	limits  limitsOfKey
	signer  *signer  // nil while locked
	until   deadline // when signer is dropped
	hidden  bool     // removed by a client: not listed and not used until unlocked by name
	gone    bool     // no longer in the keyring
	refused *Refusal // see KeyStatus.Refused
	token   *token   // that it came from, or nil

	asking   *question       // what a person is being asked about its passphrase, or nil
	confirms []*confirmation // what a person is being asked about its use
	devices  []*question     // devices at work with it
	grants   map[grant]granted
	ended    uint64 // how often all of these were taken away: an answer from before does not count after

	box []byte // signer, encrypted, while the agent is locked by a client
}

// limitsOfKey are what a key may be used for.
type limitsOfKey struct {
	confirm      bool // ask before each use
	destinations []wire.Destination
}

func (e *entry) name() string {
	if e.locked == nil {
		return ""
	}
	return e.locked.Name()
}

// atRest is what opens the key again, or nil.
func (e *entry) atRest() LockedKey {
	if e.locked != nil {
		return e.locked
	}
	return e.file
}

// turn is 1 for a key that is listed behind all others, else 0.
func (e *entry) turn() int {
	if l, ok := e.locked.(LateKey); ok && l.Late() {
		return 1
	}
	return 0
}

func (e *entry) setPublic(public ssh.PublicKey) {
	e.public, e.blob = public, public.Marshal()
}

// close drops the private half, and with it whatever was known of its use. The end of
// a key that was added stays: it is that of its file, too.
func (e *entry) close() {
	e.signer, e.box = nil, nil
	if e.locked != nil {
		e.until = deadline{}
	}
	e.endQuestions()
}

// endQuestions takes away what a person is being asked about this key, and what they
// have allowed for longer than once.
func (e *entry) endQuestions() {
	e.ended++
	e.grants = nil
	e.asking.end()
	for _, c := range e.confirms {
		c.end()
	}
	for _, q := range e.devices {
		q.end()
	}
}

// keyring holds the entries. All of it is guarded by Agent.mu.
type keyring struct {
	vault  []*entry // those of the Source, in its order
	added  []*entry // the others, in the order in which they came
	byBlob map[string]*entry
	list   []byte // the encoded answer to a list request; nil when it must be made anew

	lastKeys       []LockedKey // what the Source said last
	asked, applied uint64      // calls of the Source, and the latest one that was heard
}

func (r *keyring) all() []*entry { return slices.Concat(r.vault, r.added) }

func (r *keyring) byName(name string) *entry {
	for _, e := range r.vault {
		if e.name() == name {
			return e
		}
	}
	return nil
}

// add keeps a key that came over the socket.
func (r *keyring) add(e *entry) {
	r.added = append(r.added, e)
	r.byBlob[string(e.blob)] = e
	r.list = nil
}

// dropAdded forgets a key that lives in memory only.
func (r *keyring) dropAdded(e *entry) {
	e.close()
	e.gone = true
	e.token.release()
	delete(r.byBlob, string(e.blob))
	r.added = slices.DeleteFunc(r.added, func(other *entry) bool { return other == e })
	r.list = nil
}

// answer returns the encoded list of keys. It is never changed in place, so it
// can be written to a client without a lock.
func (r *keyring) answer() []byte {
	if r.list == nil {
		r.list = wire.Encode(&wire.IdentitiesAnswer{Identities: r.rows(nil, nil)})
	}
	return r.list
}

// rows are the keys of listed as a client reads them.
func (r *keyring) rows(hides func(*entry) bool, tie func(*entry) Tie) []wire.Identity {
	rows := []wire.Identity{}
	listed, _ := r.listed(hides, tie, 0)
	for _, e := range listed {
		rows = append(rows, wire.Identity{Blob: e.blob, Comment: e.comment})
	}
	return rows
}

// listed stops where the answer would grow longer than a client reads, if each row has
// so many bytes more. Keys that hides says are not for the client are left out; nil
// hides none. tie is how they stand to the server that they are for, if they are for one. size
// is how long the answer is, or would be with the first that it has no room for.
func (r *keyring) listed(hides func(*entry) bool, tie func(*entry) Tie, more int) (rows []*entry, size int) {
	all := slices.DeleteFunc(r.all(), func(e *entry) bool {
		return e.public == nil || e.hidden || hides != nil && hides(e)
	})
	if tie != nil {
		all = offered(all, tie)
	} else {
		slices.SortStableFunc(all, func(x, y *entry) int { return x.turn() - y.turn() })
	}
	size = listOverhead
	for _, e := range all {
		size += rowSize(wire.Identity{Blob: e.blob, Comment: e.comment}) + more
		if size > wire.MaxFrame || len(rows) == maxKeys {
			break
		}
		rows = append(rows, e)
	}
	return rows, size
}

const listOverhead = 1 + 4 // type and count

func rowSize(row wire.Identity) int { return 4 + len(row.Blob) + 4 + len(row.Comment) }

// hasRoom says whether the list stays readable with one more row.
func (r *keyring) hasRoom(row wire.Identity) bool {
	rows, size := r.listed(nil, nil, 0)
	return size+rowSize(row) <= wire.MaxFrame && len(rows) < maxKeys
}

// merge takes over what the Source says. What is known of a key that stays
// (opened, hidden) is kept, under whatever name it has now.
func (r *keyring) merge(keys []LockedKey) {
	old, byName, byKey := r.vault, map[string]*entry{}, map[string]*entry{}
	for _, e := range old {
		byName[e.name()] = e
		if e.public != nil {
			byKey[string(e.blob)] = e
		}
		delete(r.byBlob, string(e.blob))
	}
	r.vault, r.list = nil, nil
	for _, k := range keys {
		had := byName[k.Name()]
		if public := k.Public(); public != nil && (had == nil || had.public != nil) {
			had = byKey[string(public.Marshal())]
		}
		if had != nil { // it goes on once
			delete(byName, had.name())
			delete(byKey, string(had.blob))
		}
		if e := r.adopt(k, had); e != nil {
			r.vault = append(r.vault, e)
		}
	}
	for _, e := range old {
		if !slices.Contains(r.vault, e) {
			e.close()
			e.gone = true
		}
	}
}

// adopt returns the entry of k: the one that it had, or else a new one. What a
// person is being asked under another name ends. It returns nil for a key that is
// here already under another name: the first name wins.
func (r *keyring) adopt(k LockedKey, had *entry) *entry {
	e, public := had, k.Public()
	switch {
	case e == nil:
		e = &entry{}
	case e.name() != k.Name():
		e.endQuestions()
	case public == nil:
		public = e.public // learnt when it was opened
	}
	e.locked, e.comment = k, k.Comment()
	if !r.claim(e, public) {
		return nil
	}
	return e
}

// claim gives e its public half and its place in byBlob. The same key added by
// a client before becomes this one, private half and all. It returns false if
// another key of the Source has that public half, and then e is as it was.
func (r *keyring) claim(e *entry, public ssh.PublicKey) bool {
	if public == nil { // then e never had one
		return true
	}
	twin := r.byBlob[string(public.Marshal())]
	switch {
	case twin == nil || twin == e:
	case twin.locked != nil:
		return false
	default:
		if e.signer == nil && e.box == nil && twin.token == nil && (twin.signer != nil || twin.box != nil) {
			e.signer, e.until, e.limits, e.box = twin.signer, twin.until, twin.limits, twin.box
		}
		r.dropAdded(twin)
	}
	e.setPublic(public)
	r.byBlob[string(e.blob)] = e
	r.list = nil
	return true
}
