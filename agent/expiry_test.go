package agent

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/wire"
)

// inMemory says how many private halves a holds, without making it look.
func inMemory(a *Agent) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, e := range a.keys.all() {
		if e.signer != nil {
			n++
		}
	}
	return n
}

func TestKeysEndWithTheirTimeAndWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long, short := newFakeKey(t, "long"), newFakeKey(t, "short")
		a := New(Options{Source: sourceOf(long, short)})
		c := connect(t, a)
		if err := a.Unlock("long", []byte("right"), Terms{Life: 8 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := a.Unlock("short", []byte("right"), Terms{Life: 90 * time.Second}); err != nil {
			t.Fatal(err)
		}
		lifetime := uint32(45)
		for _, limits := range []*wire.Constraints{{Lifetime: &lifetime}, {}, nil} {
			m := added(t, newEd25519(t), "added")
			m.Constraints = limits
			wantSuccess(t, c.call(m))
		}
		steps := []struct {
			at   time.Duration
			want int
		}{
			{44 * time.Second, 5}, {45 * time.Second, 4}, {89 * time.Second, 4}, {90 * time.Second, 3},
			{8*time.Hour - time.Second, 3}, {8 * time.Hour, 2}, {1000 * time.Hour, 2},
		}
		start := time.Now()
		for _, step := range steps {
			time.Sleep(step.at - time.Since(start))
			synctest.Wait()
			if got := inMemory(a); got != step.want {
				t.Errorf("after %v there are %d private halves in memory, want %d", step.at, got, step.want)
			}
		}
		c.wantList("long@here", "short@here", "added", "added") // locked keys stay listed
		wantFailure(t, c.call(signRequest(short)))
	})
}

func TestTheLastWordOnAKeysTimeCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		a := New(Options{Source: sourceOf(k)})
		a.Unlock("work", []byte("right"), Terms{Life: time.Minute})
		a.Unlock("work", []byte("right"), Terms{Life: time.Hour})
		time.Sleep(30 * time.Minute)
		if inMemory(a) != 1 {
			t.Error("the longer life was forgotten")
		}
		a.Unlock("work", []byte("right"), Terms{})
		time.Sleep(10 * time.Hour)
		if inMemory(a) != 1 || !a.Status().Keys[0].Until.IsZero() {
			t.Error("the end of life was not taken away")
		}
		a.Unlock("work", []byte("right"), Terms{Life: time.Second})
		a.Lock()
		a.Unlock("work", []byte("right"), Terms{})
		time.Sleep(time.Hour)
		if inMemory(a) != 1 {
			t.Error("the end of an earlier life came true")
		}
	})
}

// sleeper is a clock of a computer that can be put to sleep: its timers stand
// still then, the wall clock does not.
type sleeper struct {
	mu     sync.Mutex
	wall   time.Time
	timers []*timer
}

type timer struct {
	left time.Duration
	f    func()
}

func (s *sleeper) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wall
}

func (s *sleeper) after(d time.Duration, f func()) func() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := &timer{d, f}
	s.timers = append(s.timers, mine)
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		was := mine.f != nil
		mine.f = nil
		return was
	}
}

func (s *sleeper) sleep(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wall = s.wall.Add(d)
}

func (s *sleeper) run(d time.Duration) {
	s.sleep(d)
	s.mu.Lock()
	var due []func()
	for _, t := range s.timers {
		t.left -= d
		if t.f != nil && t.left <= 0 {
			due, t.f = append(due, t.f), nil
		}
	}
	s.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func TestAComputerThatSleptDoesNotStretchALifetime(t *testing.T) {
	for _, waking := range []string{"left alone", "used at once", "listed at once", "asked for status"} {
		t.Run(waking, func(t *testing.T) {
			clock := &sleeper{wall: time.Unix(1_700_000_000, 0)}
			k := newFakeKey(t, "work")
			a := New(Options{Source: sourceOf(k), Now: clock.now, AfterFunc: clock.after})
			c := connect(t, a)
			lifetime := uint32(3600)
			m := added(t, newEd25519(t), "added")
			m.Constraints = &wire.Constraints{Lifetime: &lifetime}
			wantSuccess(t, c.call(m))
			if err := a.Unlock("work", []byte("right"), Terms{Life: time.Hour}); err != nil {
				t.Fatal(err)
			}
			clock.run(2 * time.Minute)
			clock.run(2 * time.Minute)
			clock.sleep(10 * time.Hour)
			switch waking {
			case "left alone":
				clock.run(time.Minute)
			case "used at once":
				wantFailure(t, c.call(signRequest(k)))
			case "listed at once":
				c.wantList("work@here")
			case "asked for status":
				if status := a.Status(); len(status.Keys) != 1 || !status.Keys[0].Locked {
					t.Errorf("%+v", status)
				}
			}
			if n := inMemory(a); n != 0 {
				t.Errorf("%d private halves are in memory", n)
			}
		})
	}
}
