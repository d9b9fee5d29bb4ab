package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
	"kagiban/cmd/internal/watch"
)

// locking is what has an agent lock all keys by itself, as config.toml had it when the agent began.
type locking struct {
	idle  time.Duration // 0: never
	asked bool          // config.toml names what watch hears of
	watch *watch.Watcher
}

// lockOnIdle is control.LockOn.On for a time without use; the others are those of home.
const lockOnIdle = "idle"

// newLocking reads it. A config that cannot be read asks for nothing: `kagiban status` complains about it.
func (p *program) newLocking(log *slog.Logger) *locking {
	var config home.Config
	h, err := p.home()
	if err == nil {
		config, err = h.LoadConfig()
	}
	if err != nil {
		log.Error("what locks keys cannot be read, and is as without config.toml", "error", err)
	}
	l := &locking{idle: config.LockAfterIdle.For}
	l.watch = &watch.Watcher{UID: uint32(os.Getuid()), Bus: p.getenv("DBUS_SYSTEM_BUS_ADDRESS"), Log: log, After: time.After, Slept: watch.Slept}
	l.watch.On, l.asked = config.LocksOn()
	l.watch.Patient = !l.asked
	return l
}

// begin listens to the system for a, until end is called. It returns when the system was asked to tell, or after a second: as a rule no
// key is served before.
func (l *locking) begin(ctx context.Context, a *agent.Agent) (end func()) {
	l.watch.Lock = func() { _ = a.Lock() } // of all keys none is unknown
	l.watch.Survive = a.Survive
	ctx, cancel := context.WithCancel(ctx)
	tried, ended := make(chan struct{}), make(chan struct{})
	l.watch.Tried = sync.OnceFunc(func() { close(tried) })
	go func() {
		defer close(ended)
		l.watch.Run(ctx)
	}()
	select {
	case <-tried:
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return func() { cancel(); <-ended }
}

// report is what it is now.
func (l *locking) report() (all []control.LockOn) {
	if l.idle > 0 {
		all = append(all, control.LockOn{On: lockOnIdle, AfterMS: l.idle.Milliseconds(), Asked: true, Heard: true})
	}
	heard, problem := l.watch.State()
	for _, event := range l.watch.On {
		all = append(all, lockOn(event, l.asked, heard, problem))
	}
	return all
}

// lockOn is how it is with one event. What is heard has no problem, but that the computer may not wait before it sleeps.
func lockOn(event string, asked, heard bool, problem error) control.LockOn {
	one := control.LockOn{On: event, Asked: asked, Heard: heard}
	if problem != nil && (!heard || event == home.Suspend) {
		one.Problem = problem.Error()
	}
	return one
}

// lockRow is control.LockOn for scripts.
type lockRow struct {
	On           string   `json:"on"`
	AfterSeconds *float64 `json:"after_seconds"` // of "idle"
	Heard        bool     `json:"heard"`         // it happens
	Problem      *string  `json:"problem"`       // why it does not, or, of "suspend", why the computer does not wait for it
}

func lockRows(all []control.LockOn) (rows []lockRow) {
	for _, l := range all {
		row := lockRow{On: l.On, Heard: l.Heard, Problem: some(l.Problem)}
		if l.AfterMS > 0 {
			seconds := float64(l.AfterMS) / 1000
			row.AfterSeconds = &seconds
		}
		rows = append(rows, row)
	}
	return rows
}

// lockTexts are the same for people. Of what nobody asked for only what is in force is told.
func lockTexts(all []control.LockOn) (texts []string) {
	ids := map[string]say.ID{lockOnIdle: say.StateLocksIdle, home.Suspend: say.StateLocksSuspend, home.Screen: say.StateLocksScreen}
	for _, l := range all {
		id, known := ids[l.On]
		switch {
		case l.Heard && l.Problem != "" && l.On == home.Suspend:
			id = say.StateLocksUndelayed
		case !l.Heard:
			id, known = say.StateLocksUnheard, l.Asked && l.Problem != ""
		}
		if known {
			texts = append(texts, say.Text(id, say.Fields{
				"time": inWords(time.Duration(l.AfterMS) * time.Millisecond), "event": l.On, "error": l.Problem,
			}))
		}
	}
	return texts
}

// unheardLocks: config.toml asks for an event of which the system does not tell.
func unheardLocks(x *patient) (found []say.Fields) {
	for _, l := range x.agent.status.Locks {
		if !l.Heard && l.Problem != "" && l.Asked {
			found = append(found, say.Fields{"event": l.On, "error": l.Problem})
		}
	}
	return found
}

// oldLockSettings: the agent began with others.
func oldLockSettings(x *patient) []say.Fields {
	config, err := x.home.LoadConfig()
	if err != nil || x.agent.status.PID == 0 || outdatedAgent(x) != nil {
		return nil
	}
	events, _ := config.LocksOn()
	ours, theirs := lockNames(config.LockAfterIdle.For, events), lockNames(idleOf(x.agent.status.Locks))
	return one(ours != theirs, say.Fields{"ours": ours, "theirs": theirs})
}

func idleOf(all []control.LockOn) (idle time.Duration, events []string) {
	for _, l := range all {
		if l.On == lockOnIdle {
			idle = time.Duration(l.AfterMS) * time.Millisecond
		} else {
			events = append(events, l.On)
		}
	}
	return idle, events
}

func lockNames(idle time.Duration, events []string) string {
	names := slices.Compact(slices.Sorted(slices.Values(events)))
	for i, event := range names {
		names[i] = "on " + event
	}
	if idle > 0 {
		names = append(names, "after "+inWords(idle)+" without use")
	}
	return cmp.Or(strings.Join(names, ", "), "nothing by itself")
}
