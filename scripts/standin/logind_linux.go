// Package standin plays systemd-logind for tests, on a system bus of a test's own: a
// real dbus-daemon, and this program in the place of logind. It knows what
// org.freedesktop.login1(5) says of Inhibit, ListSessions, two properties of sessions and
// three signals, and nothing else; it never lets a computer sleep.
package standin

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"kagiban/scripts/ground"
)

// Names of org.freedesktop.login1(5).
const (
	Name    = "org.freedesktop.login1"
	Manager = Name + ".Manager"
	Session = Name + ".Session"

	managerPath = dbus.ObjectPath("/org/freedesktop/login1")
	sessionPath = managerPath + "/session/"
	properties  = "org.freedesktop.DBus.Properties"
)

// Bus is a dbus-daemon.
type Bus struct {
	Address string
	t       testing.TB
	daemon  *exec.Cmd
}

// config lets everybody do everything, as a system bus does not.
const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="signal"/><allow receive_sender="*"/></policy>
</busconfig>
`

// NewBus chooses an address for a bus, where none is yet.
func NewBus(t testing.TB) *Bus {
	t.Helper()
	ground.Program(t, "dbus-daemon", "dbus-daemon")
	folder, err := os.MkdirTemp("", "kagiban-bus-")
	if err != nil {
		t.Fatal(err)
	}
	b := &Bus{Address: "unix:path=" + filepath.Join(folder, "bus"), t: t}
	t.Cleanup(func() {
		b.Stop()
		os.RemoveAll(folder)
	})
	return b
}

// Start starts it, and returns when it listens.
func (b *Bus) Start() {
	b.t.Helper()
	socket := strings.TrimPrefix(b.Address, "unix:path=")
	file := socket + ".conf"
	if err := os.WriteFile(file, fmt.Appendf(nil, config, socket), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.daemon = exec.Command("dbus-daemon", "--config-file="+file, "--nofork", "--print-address=1")
	out, err := b.daemon.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.daemon.Start(); err != nil {
		b.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.t.Fatalf("dbus-daemon: %q, %v", line, err)
	}
}

// Stop ends it, if it runs.
func (b *Bus) Stop() {
	if b.daemon != nil {
		_ = b.daemon.Process.Kill()
		_ = b.daemon.Wait()
		_ = os.Remove(strings.TrimPrefix(b.Address, "unix:path="))
		b.daemon = nil
	}
}

// Connect is a connection of anybody's to it.
func (b *Bus) Connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

// Logind is the stand-in.
type Logind struct {
	t    testing.TB
	conn *dbus.Conn

	mu        sync.Mutex
	delays    []delay
	taken     int
	preparing bool
	refuses   bool
	sessions  map[dbus.ObjectPath]*session
}

// delay is a pipe whose other end somebody holds who delays sleep; and we, until it has been received for sure: its holder
// then asks for PreparingForSleep.
type delay struct{ ours, theirs *os.File }

type session struct {
	uid    uint32
	locked bool
	asked  int // whether it is locked
}

// Logind begins to play it.
func (b *Bus) Logind() *Logind {
	b.t.Helper()
	l := &Logind{t: b.t, conn: b.Connect(), sessions: map[dbus.ObjectPath]*session{}}
	if err := l.conn.ExportMethodTable(map[string]any{"Inhibit": l.inhibit, "ListSessions": l.list}, managerPath, Manager); err != nil {
		b.t.Fatal(err)
	}
	if err := l.conn.ExportMethodTable(map[string]any{"Get": l.get}, managerPath, properties); err != nil {
		b.t.Fatal(err)
	}
	if reply, err := l.conn.RequestName(Name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		b.t.Fatalf("%v, %v", reply, err)
	}
	return l
}

// End ends it: its name has no owner then.
func (l *Logind) End() { l.conn.Close() }

func (l *Logind) inhibit(what, _, _, mode string) (dbus.UnixFD, *dbus.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses {
		return 0, dbus.NewError("org.freedesktop.DBus.Error.AccessDenied", []any{"Permission denied"})
	}
	if what != "sleep" || mode != "delay" {
		return 0, dbus.MakeFailedError(fmt.Errorf("%s of %s is not played", mode, what))
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	l.delays = append(l.delays, delay{ours, theirs})
	return dbus.UnixFD(theirs.Fd()), nil
}

func (l *Logind) get(_, name string) (dbus.Variant, *dbus.Error) {
	if name != "PreparingForSleep" {
		return dbus.Variant{}, dbus.MakeFailedError(fmt.Errorf("%s is not played", name))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.delays {
		if d.theirs.Close() == nil {
			l.taken++
		}
	}
	return dbus.MakeVariant(l.preparing), nil
}

// Refuse has it refuse to delay sleep, as it does where nothing can tell it who may (polkit); or not.
func (l *Logind) Refuse(refuses bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = refuses
}

// Undelayed says that the computer is about to sleep, to whoever cannot delay that.
func (l *Logind) Undelayed() { l.emit(managerPath, Manager+".PrepareForSleep", true) }

// Preparing says that the computer is about to sleep since before now.
func (l *Logind) Preparing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.preparing = true
}

// Taken is how often sleep was delayed so far.
func (l *Logind) Taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken
}

type row struct {
	ID   string
	UID  uint32
	User string
	Seat string
	Path dbus.ObjectPath
}

func (l *Logind) list() ([]row, *dbus.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := []row{}
	for path, s := range l.sessions {
		all = append(all, row{string(path[len(sessionPath):]), s.uid, "somebody", "seat0", path})
	}
	return all, nil
}

// Add adds a session of a user.
func (l *Logind) Add(id string, uid uint32, locked bool) dbus.ObjectPath {
	l.t.Helper()
	path := sessionPath + dbus.ObjectPath(id)
	l.mu.Lock()
	l.sessions[path] = &session{uid: uid, locked: locked}
	l.mu.Unlock()
	get := func(iface, name string) (dbus.Variant, *dbus.Error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch s := l.sessions[path]; name {
		case "User":
			return dbus.MakeVariant(struct {
				UID  uint32
				Path dbus.ObjectPath
			}{s.uid, "/org/freedesktop/login1/user/_" + dbus.ObjectPath(fmt.Sprint(s.uid))}), nil
		case "LockedHint":
			s.asked++
			return dbus.MakeVariant(s.locked), nil
		}
		return dbus.Variant{}, dbus.MakeFailedError(fmt.Errorf("%s is not played", name))
	}
	if err := l.conn.ExportMethodTable(map[string]any{"Get": get}, path, properties); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// Asked is how often somebody asked whether a session is locked.
func (l *Logind) Asked(session dbus.ObjectPath) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[session].asked
}

func (l *Logind) emit(path dbus.ObjectPath, name string, values ...any) {
	l.t.Helper()
	if err := l.conn.Emit(path, name, values...); err != nil {
		l.t.Fatal(err)
	}
}

// Lock sends the signal that a session is to lock its screen.
func (l *Logind) Lock(session dbus.ObjectPath) { l.emit(session, Session+".Lock") }

// Hint says whether a session's screen is locked: in the signal itself, or only that it changed.
func (l *Logind) Hint(session dbus.ObjectPath, locked, whole bool) {
	l.mu.Lock()
	l.sessions[session].locked = locked
	l.mu.Unlock()
	changed, others := map[string]dbus.Variant{}, []string{}
	if whole {
		changed["LockedHint"] = dbus.MakeVariant(locked)
	} else {
		others = append(others, "LockedHint")
	}
	l.emit(session, properties+".PropertiesChanged", Session, changed, others)
}

// Sleep says that the computer is about to, and returns when nobody delays it any more. Somebody must.
func (l *Logind) Sleep() {
	l.t.Helper()
	l.mu.Lock()
	delays := l.delays
	l.delays, l.preparing = nil, true
	l.mu.Unlock()
	if len(delays) == 0 {
		l.t.Fatal("nobody delays sleep")
	}
	l.emit(managerPath, Manager+".PrepareForSleep", true)
	for _, d := range delays {
		_ = d.ours.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := d.ours.Read(make([]byte, 1)); err != io.EOF {
			l.t.Errorf("sleep is still delayed: %v", err)
		}
		d.ours.Close()
	}
}

// Wake says that it has slept.
func (l *Logind) Wake() {
	l.mu.Lock()
	l.preparing = false
	l.mu.Unlock()
	l.emit(managerPath, Manager+".PrepareForSleep", false)
}
