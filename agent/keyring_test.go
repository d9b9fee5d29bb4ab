package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kagiban/agent/wire"
)

func mustUnlock(t *testing.T, a *Agent, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := a.Unlock(name, []byte("right"), Terms{}); err != nil {
			t.Fatal(err)
		}
	}
}

func keyStatus(t *testing.T, a *Agent, name string) KeyStatus {
	t.Helper()
	for _, k := range a.Status().Keys {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("status does not name %q", name)
	return KeyStatus{}
}

func TestRemovingAKeyOfTheSourceHidesItUntilItIsUnlocked(t *testing.T) {
	removals := map[string]func(*testing.T, *client, *fakeKey){
		"one": func(t *testing.T, c *client, k *fakeKey) {
			wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: k.public.Marshal()}))
			wantFailure(t, c.call(&wire.RemoveIdentity{Blob: k.public.Marshal()})) // gone is gone
		},
		"all": func(t *testing.T, c *client, _ *fakeKey) {
			wantSuccess(t, c.call(&wire.RemoveAll{}))
			wantSuccess(t, c.call(&wire.RemoveAll{}))
		},
	}
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			k, ask := newFakeKey(t, "work"), newAsker()
			source := sourceOf(k)
			a := New(Options{Source: source, Ask: ask})
			c := connect(t, a)
			mustUnlock(t, a, "work")
			remove(t, c, k)
			c.wantList()
			wantFailure(t, c.call(signRequest(k))) // and nobody is asked
			if got := keyStatus(t, a, "work"); !got.Hidden || !got.Locked || inMemory(a) != 0 {
				t.Errorf("status %+v, %d private halves in memory", got, inMemory(a))
			}
			source.set(k, newFakeKey(t, "another")) // the folder changes: it stays hidden
			c.wantList("another@here")
			if err := a.Unlock("work", []byte("wrong"), Terms{}); !errors.Is(err, ErrWrongPassphrase) {
				t.Error(err)
			}
			c.wantList("another@here")
			mustUnlock(t, a, "work")
			c.wantList("work@here", "another@here")
			wantSignature(t, c.call(signRequest(k)), k)

			connect(t, New(Options{Source: source})).wantList("work@here", "another@here") // as after a restart
		})
	}
}

func TestAddedKeysLiveInMemoryOnly(t *testing.T) {
	a := New(Options{})
	c := connect(t, a)
	one, two := newEd25519(t), newEd25519(t)
	wantSuccess(t, c.call(added(t, one, "one")))
	wantSuccess(t, c.call(added(t, two, "two")))
	wantSuccess(t, c.call(added(t, one, "one again")))
	c.wantList("one again", "two")
	wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: newPublic(t, one).Marshal()}))
	c.wantList("two")
	wantFailure(t, c.call(&wire.RemoveIdentity{Blob: newPublic(t, one).Marshal()}))
	wantSuccess(t, c.call(&wire.RemoveAll{}))
	c.wantList()
	if inMemory(a) != 0 {
		t.Error("a private half is still in memory")
	}
}

// TestAFileThatIsAnotherKeyNow does not open under the name of the old one.
func TestAFileThatIsAnotherKeyNow(t *testing.T) {
	k := newFakeKey(t, "work")
	k.public = nil // its .pub is missing: the agent learns it
	a := New(Options{Source: sourceOf(k)})
	mustUnlock(t, a, "work")
	if err := a.Lock(); err != nil {
		t.Fatal(err)
	}
	k.private = newEd25519(t)
	if err := a.Unlock("work", []byte("right"), Terms{}); !errors.Is(err, errWrongKey) {
		t.Errorf("unlocked: %v", err)
	}
}

func TestAddingAKeyOfTheSourceOpensIt(t *testing.T) {
	k := newFakeKey(t, "work")
	source := sourceOf(k)
	a := New(Options{Source: source})
	c := connect(t, a)
	c.wantList("work@here")
	wantSuccess(t, c.call(&wire.RemoveAll{}))
	wantSuccess(t, c.call(added(t, k.private, "from a file")))
	c.wantList("work@here")
	wantSignature(t, c.call(signRequest(k)), k)
	wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: k.public.Marshal()}))
	if got := keyStatus(t, a, "work"); !got.Hidden {
		t.Errorf("the key of the source is gone from the status: %+v", got)
	}

	// The other way round: what a client added turns up in the Source.
	late := newFakeKey(t, "late")
	wantSuccess(t, c.call(added(t, late.private, "from a file")))
	source.set(k, late)
	c.wantList("late@here")
	wantSignature(t, c.call(signRequest(late)), late)
	if got := a.Status().Keys; len(got) != 2 || got[1].Name != "late" || got[1].Locked {
		t.Errorf("status %+v", got)
	}
}

// TestLateKeysAreListedLast, whatever ssh-add added: ssh offers keys in this order, and a server hears only so many.
func TestLateKeysAreListedLast(t *testing.T) {
	late, one := newFakeKey(t, "late"), newFakeKey(t, "one")
	late.late = true
	c := connect(t, New(Options{Source: sourceOf(late, one)}))
	wantSuccess(t, c.call(added(t, newEd25519(t), "added")))
	c.wantList("one@here", "added", "late@here")
}

func TestTheSourceMayChange(t *testing.T) {
	one, two, three := newFakeKey(t, "one"), newFakeKey(t, "two"), newFakeKey(t, "three")
	source := sourceOf(one, two)
	a := New(Options{Source: source})
	c := connect(t, a)
	mustUnlock(t, a, "one", "two")

	source.set(three, two) // one is removed, three is new, the order another
	c.wantList("three@here", "two@here")
	wantFailure(t, c.call(signRequest(one)))
	wantSignature(t, c.call(signRequest(two)), two) // still open
	if inMemory(a) != 1 {
		t.Error("the private half of the removed key is still in memory")
	}
	if err := a.Unlock("one", []byte("right"), Terms{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("error %v", err)
	}

	replaced := newFakeKey(t, "two") // another key under the same name
	source.set(replaced)
	c.wantList("two@here")
	wantFailure(t, c.call(signRequest(two)))
	if !keyStatus(t, a, "two").Locked || inMemory(a) != 0 {
		t.Error("the new key counts as open")
	}

	twin := &fakeKey{name: "copy", private: replaced.private, public: replaced.public}
	source.set(replaced, twin) // one key under two names
	c.wantList("two@here")

	source.mu.Lock()
	source.err = errors.New("the disk is gone")
	source.mu.Unlock()
	c.wantList("two@here") // better than nothing
}

// TestARenamedKeyStaysAsItIs: open or hidden, as rotate and key rename leave it; another key under its old name is not open.
func TestARenamedKeyStaysAsItIs(t *testing.T) {
	one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
	source := sourceOf(one, two)
	a := New(Options{Source: source})
	c := connect(t, a)
	mustUnlock(t, a, "one", "two")
	wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: two.public.Marshal()}))

	fresh := newFakeKey(t, "one")
	source.set(fresh, &fakeKey{name: "one-old", private: one.private, public: one.public}, &fakeKey{name: "zwei", private: two.private, public: two.public})
	c.wantList("one@here", "one-old@here")
	wantSignature(t, c.call(signRequest(one)), one)
	wantFailure(t, c.call(signRequest(fresh)))
	if old, now, zwei := keyStatus(t, a, "one-old"), keyStatus(t, a, "one"), keyStatus(t, a, "zwei"); old.Locked || !now.Locked || !zwei.Hidden || inMemory(a) != 1 {
		t.Errorf("%+v, %+v, %+v, %d open", old, now, zwei, inMemory(a))
	}
}

// TestASourceThatSaysNothingChangedIsNotMergedAnew: who has a thousand keys would have them all encoded again for each list.
func TestASourceThatSaysNothingChangedIsNotMergedAnew(t *testing.T) {
	a := New(Options{Source: sourceOf(newFakeKey(t, "work"))})
	first, second := a.list(nil, &binds{}), a.list(nil, &binds{})
	if &first[0] != &second[0] {
		t.Error("the list was encoded twice")
	}
	wantSuccess(t, connect(t, a).call(added(t, newEd25519(t), "new")))
	if third := a.list(nil, &binds{}); len(third) == len(second) {
		t.Error("the list was not encoded anew after a change")
	}
}

func TestAKeyWithoutItsPublicHalf(t *testing.T) {
	k := newFakeKey(t, "work")
	nameless := &fakeKey{name: "work", private: k.private}
	source := sourceOf(nameless)
	a := New(Options{Source: source})
	c := connect(t, a)
	c.wantList() // nothing can be said of it yet
	if got := keyStatus(t, a, "work"); !got.Locked || got.Fingerprint != "" {
		t.Errorf("status %+v", got)
	}
	mustUnlock(t, a, "work")
	c.wantList("work@here")
	wantSignature(t, c.call(signRequest(k)), k)
	source.set(nameless) // looked at anew, and still without
	c.wantList("work@here")
	source.set(k) // its .pub was written
	c.wantList("work@here")
	wantSignature(t, c.call(signRequest(k)), k)

	other := newFakeKey(t, "other")
	a = New(Options{Source: sourceOf(other, &fakeKey{name: "same", private: other.private})})
	for range 2 {
		if err := a.Unlock("same", []byte("right"), Terms{}); err == nil || !strings.Contains(err.Error(), "another name") {
			t.Errorf("error %v", err)
		}
	}
	connect(t, a).wantList("other@here")
	if got := keyStatus(t, a, "same"); !got.Locked || got.Fingerprint != "" {
		t.Errorf("status %+v", got)
	}
}

func TestLockDropsPrivateHalves(t *testing.T) {
	one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
	a := New(Options{Source: sourceOf(one, two)})
	c := connect(t, a)
	mustUnlock(t, a, "one", "two")
	wantSuccess(t, c.call(added(t, newEd25519(t), "added")))

	if err := a.Lock("one", "nobody"); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("error %v", err)
	}
	if inMemory(a) != 3 {
		t.Error("an error locked something")
	}
	if err := a.Lock("one"); err != nil || inMemory(a) != 2 {
		t.Errorf("error %v, %d private halves in memory", err, inMemory(a))
	}
	wantSignature(t, c.call(signRequest(two)), two)
	if err := a.Lock(); err != nil || inMemory(a) != 0 {
		t.Errorf("error %v, %d private halves in memory", err, inMemory(a))
	}
	c.wantList("one@here", "two@here")
}

func TestTheListStaysReadable(t *testing.T) {
	a := New(Options{})
	c := connect(t, a)
	comment := strings.Repeat("x", 60_000)
	for range 4 {
		wantSuccess(t, c.call(added(t, newEd25519(t), comment)))
	}
	wantFailure(t, c.call(added(t, newEd25519(t), comment))) // it would be 300 kB
	wantSuccess(t, c.call(added(t, newEd25519(t), "short")))
	if got := len(c.comments()); got != 5 {
		t.Errorf("%d keys are listed", got)
	}

	var many []*fakeKey
	for i := range maxKeys + 10 {
		many = append(many, newFakeKey(t, fmt.Sprint(i)))
	}
	a = New(Options{Source: sourceOf(many...)})
	c = connect(t, a)
	if got := len(c.comments()); got != maxKeys {
		t.Errorf("%d keys are listed", got)
	}
	wantFailure(t, c.call(added(t, newEd25519(t), "one too many")))
	mustUnlock(t, a, "7")
	wantSignature(t, c.call(signRequest(many[7])), many[7])
}
