package agent

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/wire"
)

func TestKeysThatNobodyUsesAreLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
		a := New(Options{Source: sourceOf(one, two), Idle: 15 * time.Minute})
		freed := countFree(a)
		c := connect(t, a)
		mustUnlock(t, a, "one")
		mustUnlock(t, a, "two")
		wantSuccess(t, c.call(added(t, newEd25519(t), "added")))
		for range 10 { // one use of one key, by anybody, keeps all
			time.Sleep(14 * time.Minute)
			wantSignature(t, c.call(signRequest(one)), one)
		}
		time.Sleep(15*time.Minute - time.Second)
		c.wantList("one@here", "two@here", "added") // looking is no use
		if n := inMemory(a); n != 3 {
			t.Errorf("before the time is over there are %d private halves in memory, want 3", n)
		}
		before := freed.Load()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := inMemory(a); n != 0 || freed.Load() != before+1 {
			t.Errorf("after it there are %d; memory was overwritten %d times", n, freed.Load()-before)
		}
		c.wantList("one@here", "two@here")
		mustUnlock(t, a, "one") // and it begins again
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if n := inMemory(a); n != 0 {
			t.Error("only the first time was idle")
		}
	})
}

// TestWhoIsTrustedLessKeepsNoKeyOpen: by signing again and again at a narrower socket; where a person is asked, they are there.
func TestWhoIsTrustedLessKeepsNoKeyOpen(t *testing.T) {
	for asked, want := range map[bool]int{false: 0, true: 2} {
		synctest.Test(t, func(t *testing.T) {
			one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
			a := New(Options{Source: sourceOf(one, two), Ask: yes{}, Idle: 15 * time.Minute})
			mustUnlock(t, a, "one")
			mustUnlock(t, a, "two")
			c := connectAt(t, a, mustBegin(t, Scope{Name: "box", Keys: []string{"one"}, Confirm: asked}))
			for range 2 {
				time.Sleep(7 * time.Minute)
				wantSignature(t, c.call(signRequest(one)), one)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := inMemory(a); n != want {
				t.Errorf("asked %v: %d private halves are in memory, want %d", asked, n, want)
			}
		})
	}
}

// yes is a person who says yes.
type yes struct{ Asker }

func (yes) CanAsk() bool                                     { return true }
func (yes) Confirm(context.Context, Prompt) (Consent, error) { return Consent{Yes: true}, nil }

func TestKeysStayWithoutIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		a := New(Options{Source: sourceOf(k)})
		mustUnlock(t, a, "work")
		time.Sleep(10000 * time.Hour)
		if inMemory(a) != 1 {
			t.Error("locked")
		}
	})
}

// TestSleepIsIdleTime: a computer that slept longer than that has no key for the first
// who comes, before any timer went off; and a clock that was set back changes nothing.
func TestSleepIsIdleTime(t *testing.T) {
	for name, uses := range map[string]func(t *testing.T, a *Agent, k *fakeKey){
		"left alone": func(*testing.T, *Agent, *fakeKey) {},
		"signed":     func(t *testing.T, a *Agent, k *fakeKey) { wantFailure(t, connect(t, a).call(signRequest(k))) },
		"listed":     func(t *testing.T, a *Agent, k *fakeKey) { connect(t, a).wantList("work@here") },
		"status":     func(t *testing.T, a *Agent, k *fakeKey) { a.Status() },
	} {
		t.Run(name, func(t *testing.T) {
			wall := &sleeper{wall: time.Unix(1_700_000_000, 0)}
			var slept time.Duration
			k := newFakeKey(t, "work")
			a := New(Options{
				Source: sourceOf(k), Idle: 15 * time.Minute, Now: wall.now, AfterFunc: wall.after,
				Uptime: func() time.Duration { return slept },
			})
			mustUnlock(t, a, "work")
			slept += 16 * time.Minute // and the wall's clock stands
			uses(t, a, k)
			if name == "left alone" {
				wall.run(longestNap)
			}
			if inMemory(a) != 0 {
				t.Error("a key is open that nobody used for 16 minutes")
			}
		})
	}
}

// TestTheUseOfAKeyIsNoneOfOthers that are overdue: a computer that slept while a key was being opened
// has that one open, and no other.
func TestTheUseOfAKeyIsNoneOfOthers(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, a *Agent, k *fakeKey, ask *fakeAsker, sleep func()){
		"unlocked": func(t *testing.T, a *Agent, k *fakeKey, _ *fakeAsker, sleep func()) {
			k.opened, k.gate = make(chan struct{}), make(chan struct{})
			done := background(func() { mustUnlock(t, a, "used") })
			<-k.opened
			sleep()
			close(k.gate)
			<-done
		},
		"asked for": func(t *testing.T, a *Agent, k *fakeKey, ask *fakeAsker, sleep func()) {
			answer := connect(t, a).later(signRequest(k))
			q := <-ask.questions
			sleep()
			q.answer <- "right"
			wantSignature(t, <-answer, k)
		},
		"sealed": func(t *testing.T, a *Agent, k *fakeKey, _ *fakeAsker, sleep func()) {
			c := connect(t, a)
			if err := a.Lock("open"); err != nil {
				t.Error(err)
			}
			wantSuccess(t, c.call(fidoKey("ssh:"))) // which is not sealed
			mustUnlock(t, a, "used")
			wantSuccess(t, c.call(locking))
			sleep()
			wantSuccess(t, c.call(unlocking))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, ask := newFakeKey(t, "used"), newAsker()
				var slept atomic.Int64
				a := New(Options{
					Source: sourceOf(newFakeKey(t, "open"), k), Ask: ask, Hardware: &fakeHardware{}, LockWork: 1,
					Idle: 15 * time.Minute, Uptime: func() time.Duration { return time.Duration(slept.Load()) },
				})
				countFree(a)
				mustUnlock(t, a, "open")
				use(t, a, k, ask, func() { slept.Add(int64(16 * time.Minute)) })
				if n := inMemory(a); n != 1 || keyStatus(t, a, "used").Locked {
					t.Errorf("%d private halves in memory, want that of the key that is used", n)
				}
				slept.Add(int64(16 * time.Minute))
				if a.used(); inMemory(a) != 0 {
					t.Error("a use that ends after the time is over keeps all open")
				}
			})
		})
	}
}

// TestNobodyIsIdleWhoTypes: locking what is idle takes no question away about another key, and
// nothing that is being unlocked.
func TestNobodyIsIdleWhoTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, typed, asked := newFakeKey(t, "open"), newFakeKey(t, "typed"), newFakeKey(t, "asked")
		typed.opened, typed.gate = make(chan struct{}), make(chan struct{})
		ask := newAsker()
		a := New(Options{Source: sourceOf(open, typed, asked), Idle: time.Minute, Ask: ask})
		countFree(a) // waits for no cleanups, which would outlast the test
		mustUnlock(t, a, "open")
		time.Sleep(59 * time.Second)
		answer := connect(t, a).later(signRequest(asked))
		q := <-ask.questions
		unlocked := make(chan error, 1)
		go func() { unlocked <- a.Unlock("typed", []byte("right"), Terms{}) }()
		<-typed.opened
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if inMemory(a) != 0 {
			t.Error("nothing was locked")
		}
		close(typed.gate)
		if err := <-unlocked; err != nil || inMemory(a) != 1 {
			t.Errorf("a key that was being unlocked: %v", err)
		}
		q.answer <- "right"
		wantSignature(t, <-answer, asked)
	})
}

// TestIdleBeginsAnewAfterTheLockOfAClient: what ssh-add -x keeps is open again when that
// ends, however long it took, and not for ever.
func TestIdleBeginsAnewAfterTheLockOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		a := New(Options{Source: sourceOf(k), Idle: time.Minute, LockWork: 1})
		countFree(a)
		c := connect(t, a)
		mustUnlock(t, a, "work")
		wantSuccess(t, c.call(&wire.Lock{Passphrase: []byte("x")}))
		time.Sleep(time.Hour)
		wantSuccess(t, c.call(&wire.Unlock{Passphrase: []byte("x")}))
		wantOpen := func(at string, want int) {
			synctest.Wait()
			if got := inMemory(a); got != want {
				t.Errorf("%s there are %d private halves in memory, want %d", at, got, want)
			}
		}
		wantOpen("when it ends", 1)
		time.Sleep(59 * time.Second)
		wantOpen("before a minute is over", 1)
		time.Sleep(time.Second)
		wantOpen("a minute later", 0)
	})
}
