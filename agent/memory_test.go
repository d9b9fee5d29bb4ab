package agent

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// countFree has a give back nothing, and counts how often it would.
func countFree(a *Agent) *atomic.Int32 {
	n := new(atomic.Int32)
	a.memory.free = func() { n.Add(1) }
	return n
}

// TestALockWaitsForWhatIsUnderWay before it has the memory overwritten; and what is
// opened before a lock and ready after it is not kept.
func TestALockWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		k.opened, k.gate = make(chan struct{}), make(chan struct{})
		a := New(Options{Source: sourceOf(k)})
		freed := countFree(a)
		unlocked, locked := make(chan error, 1), make(chan error, 1)
		go func() { unlocked <- a.Unlock("work", []byte("right"), Terms{}) }()
		<-k.opened
		go func() { locked <- a.Lock() }()
		synctest.Wait()
		if len(locked) != 0 || freed.Load() != 0 {
			t.Error("the lock is done while a key is being opened")
		}
		close(k.gate)
		if err := <-locked; err != nil {
			t.Error(err)
		}
		if err := <-unlocked; err == nil || inMemory(a) != 0 {
			t.Errorf("what was opened before the lock was kept after it (error %v)", err)
		}
		if freed.Load() != 1 {
			t.Errorf("the memory was overwritten %d times, want once", freed.Load())
		}
	})
}

func TestALockThatCannotWaitIsFollowedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		freed := countFree(a)
		gate := make(chan struct{})
		go a.memory.aside(func() { <-gate })
		synctest.Wait()
		begin := time.Now()
		a.Lock()
		if took := time.Since(begin); took != wipePatience || freed.Load() != 1 {
			t.Errorf("the lock took %v, and memory was overwritten %d times", took, freed.Load())
		}
		time.Sleep(time.Hour)
		if freed.Load() != 1 {
			t.Error("overwritten again while it is under way")
		}
		close(gate)
		time.Sleep(2 * quiet)
		if freed.Load() != 2 {
			t.Error("what a lock did not wait for was never overwritten")
		}
	})
}

func TestAPanicAsideIsTheCallers(t *testing.T) {
	a := New(Options{})
	said := new(strings.Builder)
	func() {
		defer func() { said.WriteString(recover().(string)) }()
		a.memory.aside(func() { panic("a mistake") })
	}()
	if said.String() != "a mistake" || len(a.memory.secret) != 0 {
		t.Errorf("the caller heard %q; %d are under way", said, len(a.memory.secret))
	}
}
