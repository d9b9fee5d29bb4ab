package watch

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"kagiban/scripts/standin"

	"kagiban/scripts/ground"
)

const me, other = 1000, 1001

// watched is a Watcher that runs, and what it did.
type watched struct {
	*Watcher
	t     *testing.T
	locks atomic.Int32
	tries atomic.Int32 // that failed
	slept atomic.Int64 // nanoseconds
	fault atomic.Bool  // the next lock panics
	log   ground.Buffer
}

// startLogind is a bus with a logind on it.
func startLogind(t *testing.T) (*standin.Bus, *standin.Logind) {
	t.Helper()
	b := standin.NewBus(t)
	b.Start()
	return b, b.Logind()
}

// watchOn begins to watch. A failed attempt is followed by the next at once.
func watchOn(t *testing.T, b *standin.Bus, patient bool, on ...string) *watched {
	t.Helper()
	return watchPrepared(t, b, func(*watched) {}, patient, on...)
}

func watchPrepared(t *testing.T, b *standin.Bus, prepare func(*watched), patient bool, on ...string) *watched {
	t.Helper()
	w := &watched{t: t}
	w.Watcher = &Watcher{
		On: on, UID: me, Bus: b.Address, Patient: patient, Tried: func() {},
		Lock: func() {
			w.locks.Add(1)
			if w.fault.Swap(false) {
				panic("a mistake")
			}
		},
		Survive: func(string) { _ = recover() },
		Slept:   func() time.Duration { return time.Duration(w.slept.Load()) },
		Log:     slog.New(slog.NewTextHandler(&w.log, nil)),
		After: func(time.Duration) <-chan time.Time {
			w.tries.Add(1)
			return time.After(10 * time.Millisecond)
		},
	}
	prepare(w)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		end()
		<-ended
	})
	return w
}

// until waits for a condition.
func (w *watched) until(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: never; the log says\n%s", what, w.log.String())
		}
	}
}

func (w *watched) problemIs() bool {
	heard, err := w.State()
	return !heard && err != nil
}

// hears waits until it has begun for the nth time.
func (w *watched) hears(n int) {
	w.t.Helper()
	w.until("listening", func() bool { return strings.Count(w.log.String(), "keys are locked\" on=") == n })
}

// locked waits for the nth lock.
func (w *watched) locked(n int32) {
	w.t.Helper()
	w.until("locked", func() bool { return w.locks.Load() >= n })
	if got := w.locks.Load(); got != n {
		w.t.Errorf("locked %d times, want %d", got, n)
	}
}

// TestSleepWaitsForTheLock, each time anew.
func TestSleepWaitsForTheLock(t *testing.T) {
	b, l := startLogind(t)
	w := watchOn(t, b, false, Suspend)
	for n := range 3 {
		w.until("delaying sleep", func() bool { return l.Taken() == n+1 })
		l.Sleep()
		if got := w.locks.Load(); int(got) != n+1 {
			t.Errorf("the computer sleeps, and locked was %d times, want %d", got, n+1)
		}
		l.Wake()
	}
}

// TestSleepThatHasBegunAlready, before anybody listened.
func TestSleepThatHasBegunAlready(t *testing.T) {
	b, l := startLogind(t)
	l.Preparing()
	w := watchOn(t, b, false, Suspend)
	w.hears(1)
	w.locked(1)
	l.Wake()
	w.until("delaying the next sleep", func() bool { return l.Taken() == 2 })
	l.Sleep()
	w.locked(2)
}

// TestSleepThatCannotBeDelayed is heard of all the same, and State says so.
func TestSleepThatCannotBeDelayed(t *testing.T) {
	b, l := startLogind(t)
	l.Refuse(true)
	w := watchOn(t, b, false, Suspend)
	w.until("heard", func() bool {
		heard, err := w.State()
		return heard && err != nil && strings.Contains(err.Error(), "Permission denied")
	})
	l.Undelayed()
	w.locked(1)
}

// TestWhetherSleepWaitsIsAskedEachTime, and State has the answer.
func TestWhetherSleepWaitsIsAskedEachTime(t *testing.T) {
	b, l := startLogind(t)
	w := watchOn(t, b, false, Suspend)
	w.hears(1)
	state := func(undelayed bool) func() bool {
		return func() bool {
			heard, err := w.State()
			return heard && undelayed == (err != nil)
		}
	}
	w.until("sleep waits", state(false))
	l.Refuse(true)
	l.Sleep()
	l.Wake()
	w.until("sleep does not wait any more", state(true))
	l.Refuse(false)
	l.Undelayed()
	l.Wake()
	w.until("sleep waits again", state(false))
	w.locked(2)
}

// TestSleepThatNobodyToldOf locks late: at the next try to reach the bus, or when it is reached. What logind told of is not locked again.
func TestSleepThatNobodyToldOf(t *testing.T) {
	b, _ := startLogind(t)
	w := watchOn(t, b, false, Suspend)
	w.hears(1)
	b.Stop()
	w.until("the bus is gone", w.problemIs)
	w.slept.Add(int64(longestDoze / 2))
	tries := w.tries.Load()
	w.until("tried again", func() bool { return w.tries.Load() > tries+1 })
	w.locked(0)
	w.slept.Add(int64(time.Minute))
	w.locked(1)
	b.Start()
	l := b.Logind()
	w.hears(2)
	l.Sleep()
	w.slept.Add(int64(time.Hour))
	l.Wake()
	w.until("delaying the next sleep", func() bool { return l.Taken() == 2 })
	w.until("woken", func() bool { return strings.Count(w.log.String(), "about to sleep") == 1 })
	b.Stop()
	b.Start()
	b.Logind()
	w.hears(3)
	w.locked(2)
}

// TestSleepWhileItIsBegun: logind is asked, and answers only afterwards.
func TestSleepWhileItIsBegun(t *testing.T) {
	b, l := startLogind(t)
	w := watchPrepared(t, b, func(w *watched) {
		looks := 0
		w.Slept = func() time.Duration {
			if looks++; looks <= 2 { // when Run begins, and before the try
				return 0
			}
			return time.Hour
		}
	}, false, Suspend)
	w.hears(1)
	w.locked(1)
	l.Sleep()
	w.locked(2)
}

// TestAMistakeIsSurvived: the computer sleeps all the same, and the next time it is locked.
func TestAMistakeIsSurvived(t *testing.T) {
	b, l := startLogind(t)
	w := watchOn(t, b, false, Suspend)
	w.hears(1)
	w.fault.Store(true)
	l.Sleep()
	l.Wake()
	w.hears(2)
	w.until("delaying the next sleep", func() bool { return l.Taken() == 2 })
	l.Sleep()
	w.locked(2)
	if !strings.Contains(w.log.String(), errMistake.Error()) {
		t.Errorf("the log says %s", w.log.String())
	}
}

// TestSlept: where the clock that counts sleep is put two hours ahead (time_namespaces(7)), those were slept, too.
func TestSlept(t *testing.T) {
	const sleptEnv = "KAGIBAN_TEST_SLEPT"
	if text := os.Getenv(sleptEnv); text != "" {
		want, err := time.ParseDuration(text)
		if got := Slept(); err != nil || (got-want).Abs() > longestDoze {
			t.Errorf("%v, want %q", got, text)
		}
		return
	}
	ahead := []string{"--time", "--boottime", "7200", os.Args[0], "-test.run=^TestSlept$"}
	if os.Geteuid() != 0 {
		ahead = append([]string{"--map-root-user"}, ahead...)
	}
	if said, err := exec.Command("unshare", append(slices.Clone(ahead[:len(ahead)-2]), "true")...).CombinedOutput(); err != nil {
		t.Skipf("this computer gives no clock of its own to a process: %v, %s", err, said)
	}
	cmd := exec.Command("unshare", ahead...)
	cmd.Env = append(os.Environ(), sleptEnv+"="+(Slept()+2*time.Hour).String())
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestScreenLock: of sessions of this user, by the signal and by the property, which changes without its new value, too.
func TestScreenLock(t *testing.T) {
	b, l := startLogind(t)
	mine, theirs := l.Add("_31", me, false), l.Add("_32", other, false)
	w := watchOn(t, b, false, Screen)
	w.hears(1)
	if l.Taken() != 0 {
		t.Error("sleep is delayed, and nothing is done then")
	}
	l.Lock(theirs)
	l.Hint(theirs, true, true)
	l.Hint(mine, false, true)
	l.Lock(mine)
	w.locked(1) // signals come in their order
	l.Hint(mine, true, true)
	w.locked(2)
	l.Hint(mine, true, false)
	w.locked(3)
	l.Hint(mine, false, false)
	w.until("asked", func() bool { return l.Asked(mine) == 3 })
	l.Lock(mine)
	w.locked(4)
}

// TestScreenThatIsLockedAlready, as it may be when logind was not heard for a while.
func TestScreenThatIsLockedAlready(t *testing.T) {
	for name, test := range map[string]struct {
		uid    uint32
		locked bool
		want   int32
	}{"mine": {me, true, 1}, "mine, open": {me, false, 0}, "another's": {other, true, 0}} {
		t.Run(name, func(t *testing.T) {
			b, l := startLogind(t)
			l.Add("_31", test.uid, test.locked)
			w := watchOn(t, b, false, Screen)
			w.hears(1)
			w.locked(test.want)
		})
	}
}

// TestOnlyLogindIsBelieved: anybody on the bus can send anybody a signal.
func TestOnlyLogindIsBelieved(t *testing.T) {
	b, l := startLogind(t)
	mine := l.Add("_31", me, false)
	w := watchOn(t, b, false, Suspend, Screen)
	w.hears(1)
	var names []string
	impostor := b.Connect()
	if err := impostor.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for signal, body := range map[string][]any{manager + ".PrepareForSleep": {true}, session + ".Lock": nil} {
			m := &dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldDestination: dbus.MakeVariant(name), dbus.FieldPath: dbus.MakeVariant(mine),
				dbus.FieldInterface: dbus.MakeVariant(signal[:strings.LastIndex(signal, ".")]),
				dbus.FieldMember:    dbus.MakeVariant(signal[strings.LastIndex(signal, ".")+1:]),
			}}
			if body != nil {
				m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
			}
			if call := impostor.Send(m, nil); call != nil && call.Err != nil {
				t.Fatal(call.Err)
			}
		}
	}
	if err := impostor.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil { // all of it is delivered
		t.Fatal(err)
	}
	l.Lock(mine)
	l.Hint(mine, false, false) // which locks nothing, and makes it ask: the second time
	w.until("all of it is heard", func() bool { return l.Asked(mine) == 2 })
	w.locked(1)
}

// TestBusThatComesAndGoes: it is tried again, and said in between.
func TestBusThatComesAndGoes(t *testing.T) {
	b := standin.NewBus(t)
	w := watchOn(t, b, false, Suspend)
	w.until("no bus", func() bool { return w.problemIs() && w.tries.Load() > 3 })
	if n := strings.Count(w.log.String(), "level=WARN"); n != 1 {
		t.Errorf("that there is no bus was said %d times\n%s", n, w.log.String())
	}
	b.Start()
	w.until("no logind", func() bool { return strings.Contains(w.log.String(), "no logind") })
	l := b.Logind()
	w.hears(1)
	if heard, err := w.State(); !heard || err != nil {
		t.Error(heard, err)
	}
	l.Sleep()
	w.locked(1)
	b.Stop()
	w.until("the bus is gone", func() bool { return w.problemIs() })
	b.Start()
	l = b.Logind()
	w.hears(2)
	l.End()
	w.until("logind is gone", func() bool { return w.problemIs() })
	l = b.Logind()
	w.hears(3)
	l.Sleep()
	w.locked(2)
}

// TestLogindThatBeginsMeanwhile: that it got its name may be told after it was asked for, and ends nothing.
func TestLogindThatBeginsMeanwhile(t *testing.T) {
	l := &logind{Watcher: &Watcher{}, owner: ":1.7"}
	for owner, known := range map[string]bool{":1.7": true, ":1.8": false, "": false} {
		s := &dbus.Signal{Sender: bus, Name: ownerChanged, Body: []any{login, "", owner}}
		if err := l.hear(t.Context(), s); known != (err == nil) {
			t.Errorf("the owner is %q: %v", owner, err)
		}
	}
}

// TestNobodyIsWarnedWhoDidNotAsk.
func TestNobodyIsWarnedWhoDidNotAsk(t *testing.T) {
	w := watchOn(t, standin.NewBus(t), true, Suspend)
	w.until("no bus", func() bool { return w.problemIs() })
	if w.log.String() != "" {
		t.Errorf("the log says %s", w.log.String())
	}
}
