package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Names of org.freedesktop.login1(5), and of the bus itself (D-Bus Specification).
const (
	usualBus = "unix:path=/run/dbus/system_bus_socket"

	login        = "org.freedesktop.login1"
	loginPath    = "/org/freedesktop/login1"
	sessionsPath = "/org/freedesktop/login1/session"
	manager      = login + ".Manager"
	session      = login + ".Session"

	properties   = "org.freedesktop.DBus.Properties"
	bus          = "org.freedesktop.DBus"
	startService = bus + ".StartServiceByName"
	ownerChanged = bus + ".NameOwnerChanged"
)

// callTime is how long logind may take for an answer.
const callTime = 5 * time.Second

// logind is one connection to it.
type logind struct {
	*Watcher
	conn  *dbus.Conn
	owner string   // logind's own name on the bus
	delay *os.File // the computer does not sleep while it is open; nil: it may
	// undelayed is why logind does not let us delay sleep, as where there is no polkit.
	undelayed error
	heard     func(undelayed error) // is called when it is heard, and when undelayed may have changed
}

// listen does so until logind or the bus is gone, or ctx ends; heard is called when it does, and after each sleep.
func (w *Watcher) listen(ctx context.Context, heard func(undelayed error)) error {
	ctx, end := context.WithCancel(ctx)
	defer end() // closes the connection
	l := &logind{Watcher: w, heard: heard}
	defer l.letSleep()
	signals, err := l.begin(ctx)
	if err != nil {
		return err
	}
	l.lockIfSlept() // while it was begun; from here on logind tells
	heard(l.undelayed)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, open := <-signals:
			if !open {
				return errors.New("the system bus is gone")
			}
			if err := l.hear(ctx, s); err != nil {
				return err
			}
		}
	}
}

// begin connects. Whoever does not answer is given up.
func (l *logind) begin(ctx context.Context) (<-chan *dbus.Signal, error) {
	ctx, giveUp := context.WithCancel(ctx)
	patience := time.AfterFunc(2*callTime, giveUp)
	address := l.Bus
	if address == "" {
		address = usualBus
	}
	conn, err := dbus.Connect(address, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler())) // the usual handler loses the order of a burst
	if err != nil {
		giveUp()
		return nil, fmt.Errorf("no system bus: %w", err)
	}
	l.conn = conn
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	err = l.subscribe(ctx)
	if err == nil && !patience.Stop() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		giveUp()
		return nil, fmt.Errorf("no logind: %w", err)
	}
	return signals, nil
}

// subscribe asks for what is to be heard, and looks what was missed.
func (l *logind) subscribe(ctx context.Context) error {
	if err := l.match(ctx, bus, ownerChanged[len(bus)+1:], dbus.WithMatchArg(0, login)); err != nil {
		return err
	}
	owner := func() error {
		return l.conn.BusObject().CallWithContext(ctx, bus+".GetNameOwner", 0, login).Store(&l.owner)
	}
	if owner() != nil { // it may be there to be started
		if err := l.conn.BusObject().CallWithContext(ctx, startService, 0, login, uint32(0)).Err; err != nil {
			return err
		}
		if err := owner(); err != nil {
			return err
		}
	}
	if slices.Contains(l.On, Suspend) {
		if err := l.match(ctx, manager, "PrepareForSleep", dbus.WithMatchSender(login)); err != nil {
			return err
		}
		if err := l.delaySleep(ctx); err != nil {
			return err
		}
	}
	if !slices.Contains(l.On, Screen) {
		return nil
	}
	err := l.match(ctx, session, "Lock", dbus.WithMatchSender(login), dbus.WithMatchPathNamespace(sessionsPath))
	if err == nil {
		err = l.match(ctx, properties, "PropertiesChanged", dbus.WithMatchSender(login),
			dbus.WithMatchPathNamespace(sessionsPath), dbus.WithMatchArg(0, session))
	}
	if err != nil {
		return err
	}
	return l.lookMissed(ctx)
}

func (l *logind) match(ctx context.Context, iface, member string, more ...dbus.MatchOption) error {
	return l.conn.AddMatchSignalContext(ctx, append(more, dbus.WithMatchInterface(iface), dbus.WithMatchMember(member))...)
}

// hear does what a signal says. Only logind is believed: anybody may send a signal to anybody.
func (l *logind) hear(ctx context.Context, s *dbus.Signal) error {
	if s.Name == ownerChanged && s.Sender == bus && len(s.Body) == 3 && s.Body[0] == login && s.Body[2] != l.owner { // which it may have got just before it was asked for
		return errors.New("logind began anew")
	}
	if s.Sender != l.owner {
		return nil
	}
	switch s.Name {
	case manager + ".PrepareForSleep":
		if len(s.Body) != 1 || s.Body[0] != true {
			return l.wake(ctx)
		}
		l.sleep()
	case session + ".Lock":
		l.lockFor(ctx, s.Path)
	case properties + ".PropertiesChanged":
		if l.saysLocked(ctx, s) {
			l.lockFor(ctx, s.Path)
		}
	}
	return nil
}

// lockFor locks if that session is this user's. One that cannot be asked any more may be.
func (l *logind) lockFor(ctx context.Context, path dbus.ObjectPath) {
	var user struct {
		UID  uint32
		Path dbus.ObjectPath
	}
	if err := l.get(ctx, path, session, "User", &user); err == nil && user.UID != l.UID {
		return
	}
	l.lock("the screen was locked")
}

// saysLocked tells whether a change of properties is that LockedHint is true now.
func (l *logind) saysLocked(ctx context.Context, s *dbus.Signal) bool {
	var of string
	var changed map[string]dbus.Variant
	var others []string
	if err := dbus.Store(s.Body, &of, &changed, &others); err != nil || of != session {
		return false
	}
	if hint, there := changed["LockedHint"]; there {
		return hint.Value() == true
	}
	locked := false
	return slices.Contains(others, "LockedHint") && l.get(ctx, s.Path, session, "LockedHint", &locked) == nil && locked
}

// lookMissed locks if a session of this user is locked already: that may have been while nobody listened.
func (l *logind) lookMissed(ctx context.Context) error {
	var all []struct {
		ID   string
		UID  uint32
		User string
		Seat string
		Path dbus.ObjectPath
	}
	if err := l.call(ctx, loginPath, manager+".ListSessions").Store(&all); err != nil {
		return err
	}
	for _, one := range all {
		locked := false
		if one.UID == l.UID && l.get(ctx, one.Path, session, "LockedHint", &locked) == nil && locked {
			l.lock("the screen is locked")
			return nil
		}
	}
	return nil
}

// delaySleep has logind wait for us when the computer is to sleep.
func (l *logind) delaySleep(ctx context.Context) error {
	if l.delay != nil {
		return nil
	}
	var fd dbus.UnixFD
	err := l.call(ctx, loginPath, manager+".Inhibit", "sleep", "kagiban", "keys are locked first", "delay").Store(&fd)
	switch l.undelayed = nil; {
	case errors.As(err, new(dbus.Error)):
		l.undelayed = fmt.Errorf("logind does not let it wait: %w", err)
	case err != nil:
		return fmt.Errorf("delay sleep: %w", err)
	default:
		l.delay = os.NewFile(uintptr(fd), "inhibitor")
	}
	preparing := false
	if err := l.get(ctx, loginPath, manager, "PreparingForSleep", &preparing); err != nil {
		return err
	}
	if preparing { // since before anybody listened
		l.sleep()
	}
	return nil
}

func (l *logind) sleep() {
	l.lock("the computer is about to sleep")
	l.letSleep()
}

// wake has the next sleep delayed, too. In the one that is over the keys were locked.
func (l *logind) wake(ctx context.Context) error {
	l.slept = l.Slept()
	if err := l.delaySleep(ctx); err != nil {
		return err
	}
	l.heard(l.undelayed)
	return nil
}

// letSleep lets logind go on.
func (l *logind) letSleep() {
	if l.delay != nil {
		l.delay.Close()
		l.delay = nil
	}
}

func (l *logind) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return l.conn.Object(login, path).CallWithContext(ctx, method, 0, args...)
}

func (l *logind) get(ctx context.Context, path dbus.ObjectPath, iface, name string, into any) error {
	var v dbus.Variant
	if err := l.call(ctx, path, properties+".Get", iface, name).Store(&v); err != nil {
		return err
	}
	return v.Store(into)
}

// Slept is how long the computer has slept since it was started (clock_gettime(2): CLOCK_BOOTTIME counts that,
// CLOCK_MONOTONIC does not).
func Slept() time.Duration {
	var awake, all unix.Timespec
	if errors.Join(unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake), unix.ClockGettime(unix.CLOCK_BOOTTIME, &all)) != nil {
		return 0
	}
	return time.Duration(all.Nano() - awake.Nano())
}
