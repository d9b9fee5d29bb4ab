package agent

import (
	"bytes"
	"context"
	"crypto/dsa" //lint:ignore SA1019 the keys of old servers
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"math/big"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

var (
	locking   = &wire.Lock{Passphrase: []byte("lock")}
	unlocking = &wire.Unlock{Passphrase: []byte("lock")}
	wrong     = &wire.Unlock{Passphrase: []byte("wrong")}
)

// someKeys are one of each kind that an agent takes.
func someKeys(t testing.TB) map[string]*wire.AddIdentity {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*wire.AddIdentity{
		"ed25519": added(t, newEd25519(t), "ed25519"),
		"ecdsa":   added(t, ec, "ecdsa"),
		"rsa":     added(t, testRSA(), "rsa"),
		"dsa":     addedDSA(testDSA(), "dsa"),
	}
}

func testDSA() *dsa.PrivateKey {
	key := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		panic(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		panic(err)
	}
	return key
}

func addedDSA(key *dsa.PrivateKey, comment string) *wire.AddIdentity {
	return &wire.AddIdentity{Comment: comment, Key: &wire.DSAKey{P: key.P, Q: key.Q, G: key.G, Y: key.Y, X: key.X}}
}

// signAll has every key that is listed sign, and verifies it.
func (c *client) signAll() (good int) {
	c.t.Helper()
	list := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
	for _, row := range list.Identities {
		answer, ok := c.call(&wire.SignRequest{Blob: row.Blob, Data: []byte("data")}).(*wire.SignResponse)
		if !ok {
			continue
		}
		public, err := ssh.ParsePublicKey(row.Blob)
		if err != nil {
			c.t.Fatal(err)
		}
		var signature ssh.Signature
		if err := ssh.Unmarshal(answer.Signature, &signature); err != nil {
			c.t.Fatal(err)
		}
		if err := public.Verify([]byte("data"), &signature); err != nil {
			c.t.Errorf("%s: %v", row.Comment, err)
		}
		good++
	}
	return good
}

func TestALockedAgentDoesNothingAndHoldsNothing(t *testing.T) {
	k := newFakeKey(t, "work")
	ask := newAsker()
	a := New(Options{Source: sourceOf(k), Ask: ask, Legacy: true, LockWork: 1})
	mustUnlock(t, a, "work")
	c := connect(t, a)
	for _, m := range someKeys(t) {
		wantSuccess(t, c.call(m))
	}
	if got := c.signAll(); got != 5 {
		t.Fatalf("%d keys sign", got)
	}
	wantFailure(t, c.call(&wire.Lock{})) // an empty passphrase locks nothing
	wantFailure(t, c.call(unlocking))    // it is not locked
	wantSuccess(t, c.call(locking))
	if inMemory(a) != 0 {
		t.Error("a private half is still in memory")
	}
	c.wantList()
	for _, m := range []wire.Message{
		signRequest(k), added(t, newEd25519(t), "x"), &wire.RemoveIdentity{Blob: k.public.Marshal()}, &wire.RemoveAll{}, locking, wrong,
		&wire.Unlock{}, &wire.Extension{Name: "query"}, &wire.AddToken{Provider: "/x"},
	} {
		wantFailure(t, c.call(m))
	}
	if err := a.Unlock("work", []byte("right"), Terms{}); !errors.Is(err, ErrAgentLocked) {
		t.Errorf("unlock by name: %v", err)
	}
	if !a.Status().Locked {
		t.Error("the status does not say so")
	}
	other := connect(t, a)
	wantSuccess(t, other.call(newHostKey(t).bind(t, "a", true)))
	wantFailure(t, other.call(unlocking)) // not from another computer
	wantSuccess(t, c.call(unlocking))
	if got := c.signAll(); got != 5 {
		t.Errorf("%d keys sign afterwards", got)
	}
	wantFailure(t, c.call(unlocking))
	wantFailure(t, other.call(&wire.RemoveAll{})) // what was bound while it was locked is so still
}

// TestWrongGuessesAreTwoASecond, over any number of connections.
func TestWrongGuessesAreTwoASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{LockWork: 1})
		first := connect(t, a)
		wantSuccess(t, first.call(locking))
		start := time.Now()
		var guesses atomic.Int32
		for range 20 {
			c := connect(t, a)
			go func() {
				wantFailure(t, c.call(wrong))
				guesses.Add(1)
			}()
		}
		time.Sleep(4999 * time.Millisecond)
		synctest.Wait()
		if got := guesses.Load(); got != 10 {
			t.Errorf("%d guesses within 5 seconds", got)
		}
		wantSuccess(t, first.call(unlocking)) // in its turn
		if took := time.Since(start); took < 10*time.Second-time.Millisecond {
			t.Errorf("20 guesses took %v", took)
		}
	})
}

// TestLifetimesGoOnWhileLocked: a key that is sealed ends with its time, too.
func TestLifetimesGoOnWhileLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		a := New(Options{Source: sourceOf(k), LockWork: 1})
		if err := a.Unlock("work", []byte("right"), Terms{Life: time.Minute}); err != nil {
			t.Fatal(err)
		}
		c := connect(t, a)
		minute := uint32(60)
		m := added(t, newEd25519(t), "short")
		m.Constraints = &wire.Constraints{Lifetime: &minute}
		wantSuccess(t, c.call(m))
		wantSuccess(t, c.call(added(t, newEd25519(t), "long")))
		wantSuccess(t, c.call(locking))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantSuccess(t, c.call(unlocking))
		c.wantList("work@here", "long")
		if !keyStatus(t, a, "work").Locked || c.signAll() != 1 {
			t.Errorf("status %+v", a.Status())
		}
	})
}

// TestLockingTakesQuestionsAway: what a person is being asked about is refused.
func TestLockingTakesQuestionsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		a := New(Options{Source: sourceOf(k), Ask: ask, LockWork: 1})
		answer := connect(t, a).later(signRequest(k))
		q := <-ask.questions
		wantSuccess(t, connect(t, a).call(locking))
		<-q.ctx.Done()
		wantFailure(t, <-answer)
		if inMemory(a) != 0 {
			t.Error("a private half is in memory")
		}
	})
}

// TestWhatWasUnderWayEndsWithTheLock: what passed the door before it was closed.
func TestWhatWasUnderWayEndsWithTheLock(t *testing.T) {
	a := New(Options{LockWork: 1, Ask: newConfirmer()})
	c := connect(t, a)
	wantSuccess(t, c.call(added(t, newEd25519(t), "here")))
	wantSuccess(t, c.call(locking))
	late, err := newSigner(newEd25519(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&session{agent: a}).keep(late, "late", deadline{}, limitsOfKey{}); !errors.Is(err, ErrAgentLocked) {
		t.Errorf("a key was added: %v", err)
	}
	here := a.keys.added[0]
	for what, err := range map[string]error{
		"a yes":        a.confirm(t.Context(), here, Prompt{}, grant{}, &wire.SignRequest{}),
		"a passphrase": func() error { _, err := a.open(t.Context(), here, Prompt{}); return err }(),
	} {
		if !errors.Is(err, errLocked) {
			t.Errorf("%s was asked for: %v", what, err)
		}
	}
	here.close() // its time ends while somebody unlocks the agent
	if err := a.endUnseal(a.seal, map[*entry]*signer{here: late}); err != nil || here.signer != nil {
		t.Errorf("a key came back whose time had ended: %v", err)
	}
	here.box = []byte("came here while it was unlocked")
	a.seal = &seal{ready: true}
	if err := a.endUnseal(a.seal, nil); err != nil || here.box != nil {
		t.Errorf("what no lock will open stays: %v", err)
	}
}

// TestNothingIsInTheBoxesToSee: what lies in memory is not the key.
func TestNothingIsInTheBoxesToSee(t *testing.T) {
	private := newEd25519(t)
	a := New(Options{LockWork: 1})
	c := connect(t, a)
	wantSuccess(t, c.call(added(t, private, "x")))
	wantSuccess(t, c.call(locking))
	for _, e := range a.keys.all() {
		if len(e.box) == 0 || bytes.Contains(e.box, private.Seed()) || e.signer != nil {
			t.Errorf("box %x", e.box)
		}
		e.box[len(e.box)-1] ^= 1
	}
	wantFailure(t, c.call(unlocking)) // never a key that is not the one
	c.wantList()
}

func TestADSAKeyIsForTheDropInOnly(t *testing.T) {
	key := testDSA()
	m := addedDSA(key, "old")
	wantFailure(t, connect(t, New(Options{})).call(m))
	c := connect(t, New(Options{Legacy: true}))
	wantSuccess(t, c.call(m))
	if c.signAll() != 1 {
		t.Error("it does not sign")
	}
	for name, change := range map[string]func(k *wire.DSAKey){
		"public half of another":    func(k *wire.DSAKey) { k.Y = new(big.Int).Add(k.Y, big.NewInt(1)) },
		"private half of nothing":   func(k *wire.DSAKey) { k.X = new(big.Int) },
		"private half out of range": func(k *wire.DSAKey) { k.X = new(big.Int).Add(k.X, k.Q) },
		"generator of nothing":      func(k *wire.DSAKey) { k.G, k.Y = big.NewInt(1), big.NewInt(1) },
		"short modulus":             func(k *wire.DSAKey) { k.P = new(big.Int).Rsh(k.P, 1) },
	} {
		bad := *m.Key.(*wire.DSAKey)
		change(&bad)
		private, err := privateKey(&bad, nil)
		if err == nil {
			_, err = vet(private)
		}
		if !errors.Is(err, errUnsound) {
			t.Errorf("%s: %v", name, err)
		}
		wantFailure(t, c.call(&wire.AddIdentity{Key: &bad, Comment: name}))
	}
}

// TestAMistakeWhileLocking leaves the agent as it was, and not one whose keys nobody can open.
func TestAMistakeWhileLocking(t *testing.T) {
	fine, broken := newFakeKey(t, "fine"), newFakeKey(t, "broken")
	a := New(Options{Source: sourceOf(fine, broken), LockWork: 1})
	mustUnlock(t, a, "fine")
	mustUnlock(t, a, "broken")
	e, err := a.find(broken.public.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	e.signer.private = ed25519.PrivateKey{}
	c := connect(t, a)
	c.send(&wire.Lock{Passphrase: []byte("x")})
	if _, err := c.frames.Next(); err == nil {
		t.Error("an answer came")
	}
	c = connect(t, a)
	wantSignature(t, c.call(signRequest(fine)), fine)
	wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: broken.public.Marshal()}))
	wantSuccess(t, c.call(&wire.Lock{Passphrase: []byte("x")}))
}

// TestALockThatWaitsForItsTurnHoldsNoKey: another lock that comes meanwhile leaves none in memory.
func TestALockThatWaitsForItsTurnHoldsNoKey(t *testing.T) {
	a := New(Options{LockWork: 1})
	c := connect(t, a)
	wantSuccess(t, c.call(added(t, newEd25519(t), "x")))
	key := weak.Make(a.keys.added[0].signer)
	a.work.derive <- struct{}{}
	answer := c.later(locking)
	ground.Until(t, "ssh-add -x begins", a.isLocked)
	if err := a.Lock(); err != nil {
		t.Error(err)
	}
	if key.Value() != nil {
		t.Error("the key is in memory after the second lock")
	}
	<-a.work.derive
	wantSuccess(t, <-answer)
	wantSuccess(t, c.call(unlocking))
	c.wantList()
}

// TestALockThatWaitsForItsTurn uses no key; it seals what became the Source's meanwhile, and nothing if
// it is given up.
func TestALockThatWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, source := newFakeKey(t, "work"), sourceOf()
		a := New(Options{Source: source, LockWork: 1})
		c := connect(t, a)
		wantSuccess(t, c.call(added(t, k.private, "x")))
		ctx, cancel := context.WithCancel(t.Context())
		locked := make(chan error, 1)
		begin := func() {
			a.work.derive <- struct{}{}
			go func() { locked <- a.lock(ctx, locking.Passphrase) }()
			synctest.Wait()
			wantFailure(t, c.call(signRequest(k)))
		}
		begin()
		cancel()
		if err := <-locked; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		wantSignature(t, c.call(signRequest(k)), k)
		<-a.work.derive

		ctx = t.Context()
		begin()
		source.set(k)
		a.Status()
		<-a.work.derive
		if err := <-locked; err != nil || inMemory(a) != 0 {
			t.Errorf("error %v, %d private halves in memory", err, inMemory(a))
		}
		wantSuccess(t, c.call(unlocking))
		wantSignature(t, c.call(signRequest(k)), k)
	})
}
