package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// busy has a use all of its heavy places: what begins now waits until goOn is called. What
// begins after idle was called finds others.
func busy(a *Agent) (idle, goOn func()) {
	taken, spare := a.work, newWorkplaces(1, a.memory)
	for range cap(taken.heavy) {
		taken.heavy <- struct{}{}
	}
	return func() { a.work = spare }, func() {
		for range cap(taken.heavy) {
			<-taken.heavy
		}
	}
}

// background does f, and says when it is done.
func background(f func()) (done <-chan struct{}) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		f()
	}()
	return over
}

func lockAll(_ *testing.T, a *Agent) { _ = a.Lock() }

func removeAll(t *testing.T, a *Agent) { wantSuccess(t, connect(t, a).call(&wire.RemoveAll{})) }

func sealAndUnseal(t *testing.T, a *Agent) {
	c := connect(t, a)
	wantSuccess(t, c.call(locking))
	wantSuccess(t, c.call(unlocking))
}

// TestWhatIsBeingAddedWhenALockComes is not there afterwards, and who adds it hears of that.
func TestWhatIsBeingAddedWhenALockComes(t *testing.T) {
	clear, locked := newFakeRSA(t, "clear"), newFakeKey(t, "locked")
	for what, request := range map[string]wire.Message{
		"key":               added(t, testRSA(), "rsa"),
		"PuTTY file":        extension("add-ppk", "clear clear"),
		"locked PuTTY file": extension("add-ppk", "locked locked"),
		"token":             &wire.AddToken{Provider: "/lib", PIN: []byte("1234")},
	} {
		for name, lock := range map[string]func(*testing.T, *Agent){
			"lock": lockAll, "ssh-add -D": removeAll, "ssh-add -x and -X": sealAndUnseal,
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					said, hardware, source := new(ground.Buffer), &fakeHardware{gate: make(chan struct{})}, sourceOf()
					a := New(Options{
						Source: source, Hardware: hardware, LockWork: 1, Log: logTo(said),
						PPK: files{"clear": clear, "locked": locked}.read,
					})
					freed := countFree(a)
					read := source.hang()
					idle, goOn := busy(a)
					answer := connect(t, a).later(request)
					stillWaiting(t, answer)
					idle()
					done := background(func() { lock(t, a) })
					synctest.Wait()
					goOn()
					close(hardware.gate)
					read()
					<-done
					if _, added := (<-answer).(*wire.Success); added || !strings.Contains(said.String(), errLocked.Error()) {
						t.Errorf("added: %v; the log has\n%s", added, said)
					}
					connect(t, a).wantList()
					before := freed.Load()
					time.Sleep(2 * soon)
					if what != "locked PuTTY file" && freed.Load() == before {
						t.Error("what was not kept is not overwritten")
					}
					for _, token := range hardware.tokens {
						<-token.closed
					}
				})
			})
		}
	}
}

// TestWhatIsBeingUnlockedWhenALockOfItComes stays locked: the lock has said that it is.
func TestWhatIsBeingUnlockedWhenALockOfItComes(t *testing.T) {
	for name, lock := range map[string]func(t *testing.T, a *Agent, k *fakeKey){
		"lock of the key": func(t *testing.T, a *Agent, _ *fakeKey) { _ = a.Lock("work") },
		"lock":            func(t *testing.T, a *Agent, _ *fakeKey) { lockAll(t, a) },
		"ssh-add -D":      func(t *testing.T, a *Agent, _ *fakeKey) { removeAll(t, a) },
		"ssh-add -d": func(t *testing.T, a *Agent, k *fakeKey) {
			wantSuccess(t, connect(t, a).call(&wire.RemoveIdentity{Blob: k.public.Marshal()}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newFakeKey(t, "work")
				k.opened, k.gate = make(chan struct{}), make(chan struct{})
				a := New(Options{Source: sourceOf(k)})
				unlocked := make(chan error, 1)
				go func() { unlocked <- a.Unlock("work", []byte("right"), Terms{}) }()
				<-k.opened
				done := background(func() { lock(t, a, k) })
				synctest.Wait()
				close(k.gate)
				<-done
				if err := <-unlocked; !errors.Is(err, errLocked) || inMemory(a) != 0 {
					t.Errorf("error %v, %d private halves in memory", err, inMemory(a))
				}
			})
		})
	}
}

// TestALockWaitsForNoDisk: what is open is dropped while the Source does not answer; what it
// says in the end is heeded.
func TestALockWaitsForNoDisk(t *testing.T) {
	for name, lock := range map[string]func(*testing.T, *Agent){
		"lock":            lockAll,
		"lock of the key": func(_ *testing.T, a *Agent) { _ = a.Lock("work") },
		"ssh-add -D":      removeAll,
		"PuTTY's":         func(_ *testing.T, a *Agent) { _, _ = a.closeAll(&binds{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, late := newFakeKey(t, "work"), newFakeKey(t, "late")
				source := sourceOf(k)
				a := New(Options{Source: source})
				freed := countFree(a)
				mustUnlock(t, a, "work")
				time.Sleep(2 * soon)
				before := freed.Load()
				source.set(k, late)
				read := source.hang()
				done := background(func() { lock(t, a) })
				synctest.Wait()
				if inMemory(a) != 0 {
					t.Error("the key is open while the disk is waited for")
				}
				if time.Sleep(2 * soon); freed.Load() == before {
					t.Error("it is not overwritten while the disk is waited for")
				}
				read()
				<-done
				if name == "ssh-add -D" {
					connect(t, a).wantList() // late is hidden, too
				}
			})
		})
	}
}

// TestALockIsOfWhoIsCalledSo by now, also if nobody has told the agent yet.
func TestALockIsOfWhoIsCalledSo(t *testing.T) {
	one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
	source := sourceOf(one, two)
	a := New(Options{Source: source})
	mustUnlock(t, a, "one", "two")
	source.set(&fakeKey{name: "one-old", private: one.private, public: one.public}, &fakeKey{name: "one", private: two.private, public: two.public})
	if err := a.Lock("one"); err != nil || !keyStatus(t, a, "one").Locked {
		t.Errorf("error %v, status %+v", err, keyStatus(t, a, "one"))
	}
	source.set(newFakeKey(t, "new"))
	if err := a.Lock("new"); err != nil {
		t.Error(err)
	}
}

// TestAYesFromBeforeALock is none afterwards, for a signature that waits for its turn either.
func TestAYesFromBeforeALock(t *testing.T) {
	for name, lock := range map[string]func(*testing.T, *Agent){
		"nothing":           func(*testing.T, *Agent) {},
		"lock":              lockAll,
		"lock of the key":   func(_ *testing.T, a *Agent) { _ = a.Lock("rsa") },
		"ssh-add -D":        removeAll,
		"ssh-add -x and -X": sealAndUnseal,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, ask := newFakeRSA(t, "rsa"), newConfirmer()
				a := New(Options{Source: sourceOf(k), Ask: ask, LockWork: 1})
				unlock := func() {
					if err := a.Unlock("rsa", []byte("right"), Terms{Confirm: true}); err != nil {
						t.Error(err)
					}
				}
				unlock()
				idle, goOn := busy(a)
				answer := connect(t, a).later(signRequest(k))
				(<-ask.questions).answer <- nil
				stillWaiting(t, answer)
				idle()
				lock(t, a)
				unlock()
				goOn()
				if name == "nothing" {
					wantSignature(t, <-answer, k)
				} else {
					wantFailure(t, <-answer)
				}
			})
		})
	}
}

// stubbornAsker goes on asking when its question was taken away.
type stubbornAsker struct{ *heldAsker }

func (h stubbornAsker) Confirm(context.Context, Prompt) (Consent, error) {
	return Consent{Yes: true}, h.hold(context.Background())
}

// TestAQuestionHoldsNoKey: whoever waits for a yes does not keep in memory what a lock drops.
func TestAQuestionHoldsNoKey(t *testing.T) {
	k, ask := newFakeKey(t, "work"), stubbornAsker{newHeldAsker()}
	a := New(Options{Ask: ask})
	c := connect(t, a)
	m := added(t, k.private, "work")
	m.Constraints = &wire.Constraints{Confirm: true}
	wantSuccess(t, c.call(m))
	key := weak.Make(a.keys.added[0].signer)
	answer := c.later(signRequest(k))
	<-ask.asked
	if err := a.Lock(); err != nil {
		t.Error(err)
	}
	if key.Value() != nil {
		t.Error("the key is in memory")
	}
	close(ask.letGo)
	wantFailure(t, <-answer)
}
