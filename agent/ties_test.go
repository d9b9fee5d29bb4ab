package agent

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// fakeTies ties keys, by name, to host keys.
type fakeTies struct {
	tied  map[string][]*hostKey
	asked atomic.Int32
}

func (f *fakeTies) At(host ssh.PublicKey) func(LockedKey) Tie {
	f.asked.Add(1)
	if len(f.tied) == 0 {
		return nil
	}
	return func(k LockedKey) Tie {
		hosts := f.tied[k.Name()]
		switch {
		case slices.ContainsFunc(hosts, func(h *hostKey) bool { return bytes.Equal(h.blob(), host.Marshal()) }):
			return TiedHere
		case len(hosts) > 0:
			return TiedElsewhere
		}
		return Untied
	}
}

// TestTheOrderOfOffers: what a login to a server is offered, by how the keys one to four are tied to the servers a and b.
func TestTheOrderOfOffers(t *testing.T) {
	a, b := newHostKey(t), newHostKey(t)
	toA, toB := []*hostKey{a}, []*hostKey{b}
	tests := []struct {
		name string
		tied map[string][]*hostKey
		late string // keys that have been replaced
		want string
	}{
		{"no tie", nil, "", "1 2 3 4 added"},
		{"one is tied here", map[string][]*hostKey{"3": toA}, "", "3 1 2 4 added"},
		{"two are, in their own order", map[string][]*hostKey{"4": toA, "2": {b, a}}, "", "2 4 1 3 added"},
		{"one is tied here, one elsewhere", map[string][]*hostKey{"4": toA, "1": toB}, "", "4 2 3 added"},
		{"all are tied elsewhere", map[string][]*hostKey{"1": toB, "2": toB, "3": toB, "4": toB}, "", "added 1 2 3 4"},
		{"one is tied elsewhere, and the server has no key of its own", map[string][]*hostKey{"1": toB}, "", "2 3 4 added 1"},
		{"one that has been replaced is tied here", map[string][]*hostKey{"1": toA}, "1", "1 2 3 4 added"},
		{"and hides none", map[string][]*hostKey{"1": toA, "2": toB}, "1", "1 3 4 added 2"},
		{"another is tied here, too", map[string][]*hostKey{"1": toA, "4": toA, "3": toB}, "1", "4 1 2 added"},
		{"one that has been replaced is tied nowhere", map[string][]*hostKey{"2": toB}, "1", "3 4 added 2 1"},
		{"or elsewhere", map[string][]*hostKey{"1": toB, "2": toA}, "1", "2 3 4 added"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var keys []*fakeKey
			for _, name := range []string{"1", "2", "3", "4"} {
				k := newFakeKey(t, name)
				k.late = strings.Contains(test.late, name)
				keys = append(keys, k)
			}
			agent := New(Options{Source: sourceOf(keys...), Ties: &fakeTies{tied: test.tied}})
			c := connect(t, agent)
			wantSuccess(t, c.call(added(t, newEd25519(t), "added@here")))
			wantSuccess(t, c.call(a.bind(t, "s", false)))
			c.wantOffers(test.want)
		})
	}
}

// wantOffers: the keys whose comments are these names and @here.
func (c *client) wantOffers(names string) {
	c.t.Helper()
	if got := strings.ReplaceAll(strings.Join(c.comments(), " "), "@here", ""); got != names {
		c.t.Errorf("offered are %q, want %q", got, names)
	}
}

// TestWhatIsNoLoginIsOfferedAsBefore: nothing is ordered or hidden for who is not bound, or bound to forward, or was refused a bind.
func TestWhatIsNoLoginIsOfferedAsBefore(t *testing.T) {
	host, other, gate := newHostKey(t), newHostKey(t), newHostKey(t)
	forged := host.bind(t, "s", false)
	forged.Contents[len(forged.Contents)-2] ^= 1
	for _, test := range []struct {
		name  string
		binds []*wire.Extension
		want  string
	}{
		{"not bound", nil, "1 2 3"},
		{"bound to forward", []*wire.Extension{host.bind(t, "s", true)}, "1 2 3"},
		{"a bind that was refused", []*wire.Extension{forged}, "1 2 3"},
		{"a bind after one that was refused", []*wire.Extension{forged, host.bind(t, "s", false)}, "1 2 3"},
		{"another after the login's", []*wire.Extension{host.bind(t, "s", false), other.bind(t, "t", false)}, "1 2 3"},
		{"a login", []*wire.Extension{host.bind(t, "s", false)}, "3 2"},
		{"a login from a server", []*wire.Extension{gate.bind(t, "g", true), host.bind(t, "s", false)}, "3 2"},
		{"a login from there to elsewhere", []*wire.Extension{host.bind(t, "g", true), gate.bind(t, "s", false)}, "2 1 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ties := &fakeTies{tied: map[string][]*hostKey{"1": {other}, "3": {host}}}
			c := connect(t, New(Options{Source: sourceOf(newFakeKey(t, "1"), newFakeKey(t, "2"), newFakeKey(t, "3")), Ties: ties}))
			for _, b := range test.binds {
				c.call(b)
			}
			c.wantOffers(test.want)
			if asked := ties.asked.Load() > 0; asked != (test.want != "1 2 3") {
				t.Errorf("the ties were asked: %v", asked)
			}
		})
	}
}

// TestAKeyThatIsNotThereHidesNone: where the key that is tied to a server cannot be used, all others are offered.
func TestAKeyThatIsNotThereHidesNone(t *testing.T) {
	host, other := newHostKey(t), newHostKey(t)
	own, elsewhere := newFakeKey(t, "own"), newFakeKey(t, "elsewhere")
	source := sourceOf(own, elsewhere)
	a := New(Options{Source: source, Ties: &fakeTies{tied: map[string][]*hostKey{"own": {host}, "elsewhere": {other}}}})
	login := connect(t, a)
	wantSuccess(t, login.call(host.bind(t, "s", false)))
	login.wantOffers("own")
	wantSuccess(t, connect(t, a).call(&wire.RemoveIdentity{Blob: own.public.Marshal()}))
	login.wantOffers("elsewhere")
	source.set(elsewhere)
	login.wantOffers("elsewhere")

	limited := added(t, own.private, "own@here") // by a key that was added it is hidden, too
	limited.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: limit("", "other", other)}}}
	wantSuccess(t, connect(t, a).call(limited))
	source.set(own, elsewhere)
	login.wantOffers("elsewhere")
}

// TestAHiddenOfferSignsAllTheSame: a tie is no limit.
func TestAHiddenOfferSignsAllTheSame(t *testing.T) {
	host, other := newHostKey(t), newHostKey(t)
	k := newFakeKey(t, "elsewhere")
	a := New(Options{Source: sourceOf(newFakeKey(t, "own"), k), Ties: &fakeTies{tied: map[string][]*hostKey{"own": {host}, "elsewhere": {other}}}})
	mustUnlock(t, a, "elsewhere")
	c := connect(t, a)
	wantSuccess(t, c.call(host.bind(t, "s", false)))
	c.wantOffers("own")
	wantSignature(t, c.call(signRequest(k)), k)
}

// TestATiedKeyIsNotCutOff: the list ends where clients cannot read on, and a tied key comes before its end.
func TestATiedKeyIsNotCutOff(t *testing.T) {
	host := newHostKey(t)
	var keys []*fakeKey
	for i := range maxKeys + 1 {
		keys = append(keys, newFakeKey(t, fmt.Sprint(i)))
	}
	last := keys[maxKeys].name
	c := connect(t, New(Options{Source: sourceOf(keys...), Ties: &fakeTies{tied: map[string][]*hostKey{last: {host}}}}))
	if got := c.comments(); len(got) != maxKeys || got[maxKeys-1] == last+"@here" {
		t.Errorf("not bound: %d keys, the last %s", len(got), got[len(got)-1])
	}
	wantSuccess(t, c.call(host.bind(t, "s", false)))
	if got := c.comments(); len(got) != maxKeys || got[0] != last+"@here" {
		t.Errorf("bound: %d keys, the first %s", len(got), got[0])
	}
}

// TestWhereNothingIsTiedTheListIsNotMadeAnew: a login to a server costs no more than before.
func TestWhereNothingIsTiedTheListIsNotMadeAnew(t *testing.T) {
	ties := &fakeTies{}
	a := New(Options{Source: sourceOf(newFakeKey(t, "1")), Ties: ties})
	login := &binds{all: []bound{{key: newHostKey(t).PublicKey()}}}
	if one, two := a.list(nil, login), a.list(nil, login); &one[0] != &two[0] || ties.asked.Load() != 2 {
		t.Errorf("the ties were asked %d times, and the list was made anew: %v", ties.asked.Load(), &one[0] != &two[0])
	}
}
