package agent

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/wire"
)

// TestAKeyThatGoesWhileItsSignatureWaits is not used any more.
func TestAKeyThatGoesWhileItsSignatureWaits(t *testing.T) {
	ends := map[string]func(a *Agent){
		"removed": func(a *Agent) { a.RemoveAll() },
		"locked":  func(a *Agent) { _ = a.Lock("rsa") },
		"limited": func(a *Agent) { _ = a.Unlock("rsa", []byte("right"), Terms{Confirm: true}) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newFakeRSA(t, "rsa")
				a := New(Options{Source: sourceOf(k)})
				mustUnlock(t, a, "rsa")
				idle, goOn := busy(a)
				answer := connect(t, a).later(signRequest(k))
				stillWaiting(t, answer)
				idle()
				end(a)
				goOn()
				wantFailure(t, <-answer)
			})
		})
	}
}

// TestAPanicGivesTheTurnBack, or nothing could be unlocked any more.
func TestAPanicGivesTheTurnBack(t *testing.T) {
	a := New(Options{})
	func() {
		defer a.Survive("testing")
		_ = a.work.guess(t.Context(), func() error { panic("a mistake") })
	}()
	if err := a.work.guess(t.Context(), func() error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestLightWorkNeverWaitsForHeavyWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, rsa, light := newFakeKey(t, "slow"), newFakeRSA(t, "rsa"), newFakeKey(t, "light")
		a := New(Options{Source: sourceOf(slow, rsa, light)})
		a.work = newWorkplaces(1, a.memory)
		for _, name := range []string{"rsa", "light"} {
			if err := a.Unlock(name, []byte("right"), Terms{}); err != nil {
				t.Fatal(err)
			}
		}
		slow.opened, slow.gate = make(chan struct{}), make(chan struct{})
		unlocked := make(chan error)
		go func() { unlocked <- a.Unlock("slow", []byte("right"), Terms{}) }()
		<-slow.opened // the only heavy place is taken by a derivation

		heavy := connect(t, a).later(signRequest(rsa))
		c := connect(t, a)
		for range 3 {
			wantSignature(t, c.call(signRequest(light)), light)
			c.wantList("slow@here", "rsa@here", "light@here")
		}
		wantSuccess(t, c.call(added(t, newEd25519(t), "new")))
		stillWaiting(t, heavy)
		close(slow.gate)
		if err := <-unlocked; err != nil {
			t.Error(err)
		}
		wantSignature(t, <-heavy, rsa)
	})
}

func TestOneDerivationAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, opened := make(chan struct{}), make(chan struct{}, 2)
		one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
		for _, k := range []*fakeKey{one, two} {
			k.opened, k.gate = opened, gate
		}
		a := New(Options{Source: sourceOf(one, two)})
		a.work = newWorkplaces(8, a.memory)
		for _, k := range []*fakeKey{one, two} {
			go a.Unlock(k.name, []byte("right"), Terms{})
		}
		synctest.Wait()
		if len(opened) != 1 {
			t.Errorf("%d derivations at a time", len(opened))
		}
		close(gate)
		synctest.Wait()
		if len(opened) != 2 {
			t.Errorf("%d derivations in the end", len(opened))
		}
	})
}

func TestTwoWrongGuessesASecondHoweverManyGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		a := New(Options{Source: sourceOf(k)})
		start := time.Now()
		if err := a.Unlock("work", []byte("wrong"), Terms{}); !errors.Is(err, ErrWrongPassphrase) {
			t.Fatal(err)
		}
		if time.Since(start) > 0 {
			t.Error("the answer to a wrong guess was held back")
		}
		var guessing sync.WaitGroup
		for range 10 {
			guessing.Go(func() { a.Unlock("work", []byte("wrong"), Terms{}) })
		}
		guessing.Wait()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("eleven wrong guesses took %v, want 5s", took)
		}
		if err := a.Unlock("work", []byte("right"), Terms{}); err != nil {
			t.Error(err)
		}
	})
}

func TestMemoryIsGivenBackSoonAndOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newFakeKey(t, "one"), newFakeKey(t, "two")
		a := New(Options{Source: sourceOf(one, two)})
		var calls, running, tooMany atomic.Int32
		a.memory.free = func() {
			calls.Add(1)
			if running.Add(1) > 1 {
				tooMany.Add(1)
			}
			time.Sleep(5 * time.Second) // in which others are served, and the next is due
			running.Add(-1)
		}
		unlock := func(name string) {
			if err := a.Unlock(name, []byte("right"), Terms{}); err != nil {
				t.Error(err)
			}
		}
		unlock("one")
		time.Sleep(soon / 2)
		unlock("two")
		time.Sleep(soon / 4)
		if calls.Load() != 0 {
			t.Error("given back at once")
		}
		time.Sleep(soon / 2)
		if calls.Load() != 1 {
			t.Errorf("given back %d times", calls.Load())
		}
		c := connect(t, a)
		before := time.Now()
		wantSignature(t, c.call(signRequest(one)), one)
		if time.Now() != before {
			t.Error("somebody had to wait for it")
		}
		locked := make(chan int32, 1)
		go func() { a.Lock(); locked <- calls.Load() - running.Load() }()
		time.Sleep(20 * time.Second)
		if n := <-locked; n != 2 {
			t.Errorf("a lock was done after it was given back %d times", n)
		}
		if calls.Load() != 2 || tooMany.Load() != 0 {
			t.Errorf("given back %d times, want 2; %d times while it was being given back", calls.Load(), tooMany.Load())
		}
	})
}

// TestMemoryOfLargeMessagesIsGivenBack when their connection ends, and only then.
func TestMemoryOfLargeMessagesIsGivenBack(t *testing.T) {
	for name, test := range map[string]struct {
		size, want int
	}{"large": {wire.MaxFrame - 1, 1}, "small": {1000, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, freed := New(Options{}), 0
				a.memory.free = func() { freed++ }
				c := connect(t, a)
				half := framed(string(make([]byte, wire.MaxFrame)))[:4+test.size]
				if _, err := c.Write(half); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * soon)
				synctest.Wait()
				if freed != 0 {
					t.Error("given back while it is in use")
				}
				c.Close()
				time.Sleep(2 * soon)
				synctest.Wait()
				if freed != test.want {
					t.Errorf("given back %d times, want %d", freed, test.want)
				}
			})
		})
	}
}
