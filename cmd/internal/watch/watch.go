// Package watch hears from the operating system that the computer is about to sleep
// or that this user's screen was locked, and has the keys locked then. On Linux it
// hears of it from systemd-logind or elogind, over D-Bus (org.freedesktop.login1(5));
// on other systems it does not yet, and says so.
//
// What it promises: the computer sleeps only when the keys are gone, for as long as
// logind lets it be delayed (5 seconds, unless configured otherwise; not at all, and State says so, where it refuses that); what does not come
// from logind, or is about another user's session, locks nothing; where there is no bus, or it
// goes away, it is tried again for ever, and State says why nothing is heard. At each try it
// looks whether the computer has slept meanwhile, and has the keys locked late rather than never.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// What can be heard of.
const (
	Suspend = "suspend" // the computer is about to sleep
	Screen  = "screen"  // the screen of one of this user's sessions was locked
)

// Watcher is to be filled in before Run, and not changed afterwards.
type Watcher struct {
	On   []string // of the above
	UID  uint32   // whose sessions
	Bus  string   // address of the system's bus; "": the usual one
	Lock func()   // has the keys gone when it returns; called by one goroutine
	// Survive, deferred, keeps a panic from ending the program: agent.Agent's. What panicked is tried again.
	Survive func(doing string)
	Log     *slog.Logger
	// Patient says that nobody asked for it: that it cannot be had is no warning.
	Patient bool
	Tried   func() // called whenever it is known whether the system is heard
	// After is time.After, or a test's.
	After func(time.Duration) <-chan time.Time
	// Slept is how long the computer has slept since it was started; Slept of this package, or a test's.
	Slept func() time.Duration

	slept time.Duration // so far, in which the keys were locked, or nobody had begun to watch; Run's alone

	mu      sync.Mutex
	heard   bool
	problem error // why nothing is heard, or why sleep does not wait for us
}

// The time between two attempts to reach the bus.
const firstPause, longestPause = time.Second, time.Minute

// Run listens until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	if len(w.On) == 0 {
		w.Tried()
		return
	}
	w.slept = w.Slept()
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		err := w.try(ctx, func(undelayed error) {
			w.say(true, undelayed)
			pause = firstPause
		})
		if ctx.Err() != nil {
			return
		}
		w.say(false, err)
		select {
		case <-ctx.Done():
		case <-w.After(pause):
		}
	}
}

var errMistake = errors.New("a mistake in the program")

// try listens once. A panic is an error, after which it is tried again.
func (w *Watcher) try(ctx context.Context, heard func(undelayed error)) (err error) {
	err = errMistake
	defer w.Survive("hearing when to lock keys")
	w.lockIfSlept()
	return w.listen(ctx, heard)
}

// longestDoze is how far the clocks of a computer that did not sleep may be apart.
const longestDoze = time.Second

// lockIfSlept locks if the computer slept while it was not heard.
func (w *Watcher) lockIfSlept() {
	if slept := w.Slept(); slices.Contains(w.On, Suspend) && slept-w.slept > longestDoze {
		w.lock("the computer slept, and nothing told of it")
		w.slept = slept
	}
}

// lock has the keys gone.
func (w *Watcher) lock(why string) {
	w.Lock()
	w.Log.Info("all keys are locked", "why", why)
}

// State tells whether the system is heard, or why it is not; with both it is, and that is why the computer does not
// wait for the keys to be gone before it sleeps. Before it was tried it is neither.
func (w *Watcher) State() (heard bool, problem error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heard, w.problem
}

// say notes how it is, and tells the log where that is news.
func (w *Watcher) say(heard bool, err error) {
	w.mu.Lock()
	news := heard != w.heard || fmt.Sprint(err) != fmt.Sprint(w.problem)
	w.heard, w.problem = heard, err
	w.mu.Unlock()
	w.Tried()
	level := slog.LevelWarn
	if w.Patient {
		level = slog.LevelDebug
	}
	switch {
	case !news:
	case err == nil:
		w.Log.Info("keys are locked", "on", w.On)
	case heard:
		w.Log.Log(context.Background(), level, "keys are locked, but sleep does not wait until they are", "on", w.On, "error", err)
	default:
		w.Log.Log(context.Background(), level, "the system does not tell when to lock keys; it is tried again", "on", w.On, "error", err)
	}
}
