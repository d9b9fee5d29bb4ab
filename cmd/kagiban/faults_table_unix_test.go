//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// A fault is a row of the matrix: what breaks, and at which steps of a run.
type fault struct {
	number  int // of the list of scenarios
	name    string
	hook    string
	options []string
	kills   bool          // the client is killed, and does not go on
	inert   bool          // after it our drop-in may stay, and says nothing
	strike  func(x *site) // while the client stands still
	later   func(x *site) // once it goes on
	mend    func(x *site) // before the next run
	cells   []cell
}

// A cell is a fault at a step, and what must be true afterwards.
type cell struct {
	column string // the step that it strikes
	after  string // the words of the step before, on which the client is stopped
	during string // or: the file on the server that is there while the step is half done; its disk is slow until the fault has struck
	leaves bool   // a file that is half done may stay until the next run
	want   string // "old", "new", or "old new" for either of them
	codes  []int  // with which the client may end
	says   string // a piece of what it says
	strike func(x *site)
	later  func(x *site)
}

// The words of the steps after which faults strike.
const (
	looked    = "looked at sshd"
	installed = "key installed"
	proved    = "key proved"
	rehearsed = "rehearsed"
	enforced  = "passwords off"
	provedNow = "proved again"
	confirmed = "confirmed"
)

// TestFaults is the fault matrix. After each fault who could log in still can, no fragment is left, and the next run comes to the goal.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range faults() {
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			x := newSite(t, f.hook, f.options...)
			for _, cell := range f.cells {
				t.Run(strings.ReplaceAll(cell.column, " ", "-"), func(t *testing.T) { x.on(t, x.h, x.c).suffer(f, cell) })
			}
		})
	}
}

// notForPeople are words of the machinery.
var notForPeople = regexp.MustCompile(`answer is not whole|exit status -1|unexpected packet|closed network connection|deadline exceeded|%!`)

func (x *site) suffer(f fault, c cell) {
	verdict := "FAILED"
	defer func() {
		if x.t.Failed() {
			verdict = "FAILED"
		}
		x.t.Logf("scenario|%d|fault %s, %s|%s|%s", f.number, f.name, c.column, bases()[0], verdict)
	}()
	x.anew()
	strike, later := f.strike, f.later
	if c.strike != nil {
		strike, later = c.strike, nil
	}
	if c.later != nil {
		later = c.later
	}
	s := x.comeTo(c)
	defer x.relay.run.Store(nil)
	if strike != nil {
		strike(x)
	}
	if f.kills {
		s.kill()
	}
	if c.during != "" {
		x.h.Exec("touch /tmp/go")
	} else if !f.kills {
		s.goOn()
	}
	if !f.kills {
		if later != nil {
			later(x)
		}
		said, code := s.end()
		if !slices.Contains(c.codes, code) || !strings.Contains(said, c.says) {
			x.t.Errorf("exit %d, want %v and %q", code, c.codes, c.says)
		}
		if words := notForPeople.FindString(said); words != "" {
			x.t.Errorf("%q is said to a person", words)
		}
	}
	x.settled()
	if f.mend != nil {
		x.letsIn() // while it is broken
	}
	if c.during != "" {
		x.h.Exec("mv /bin/sync.real /bin/sync && rm -f /tmp/half /tmp/go")
	}
	if f.mend != nil {
		f.mend(x)
	}
	if verdict = x.outcome(f.inert, c.leaves); !slices.Contains(strings.Fields(c.want), verdict) {
		x.t.Errorf("want %s: %s", c.want, verdict)
	}
	x.onward()
}

// waitingSync is a sync(1) that stands still, for at most 30 s, while a step is half done: its file is there, and what is in it is not yet
// on the disk.
const waitingSync = `#!/bin/sh
for file in %s; do
	[ -e "$file" ] && [ ! -e /tmp/go ] || continue
	echo half done >/tmp/half
	for i in $(seq 300); do [ -e /tmp/go ] || sleep 0.1; done
done
exec /bin/sync.real
`

// comeTo starts a run and brings it to where the fault strikes.
func (x *site) comeTo(c cell) *stopped {
	x.t.Helper()
	if c.during == "" {
		return x.stopAfter(c.after)
	}
	x.h.Exec("mv /bin/sync /bin/sync.real && printf '%s' '" + fmt.Sprintf(waitingSync, c.during) + "' >/bin/sync && chmod 755 /bin/sync")
	s := x.start("")
	x.c.until(30*time.Second, "half done", func() string { return strings.TrimSpace(x.h.Exec("cat /tmp/half 2>/dev/null || true")) })
	return s
}

func console(command string) func(*site) {
	return func(x *site) { x.t.Helper(); x.h.Exec(command) }
}

// once waits until the server's change is in that state, which is a file in /run/kagiban.
func once(state string) func(*site) {
	return func(x *site) {
		x.t.Helper()
		x.c.until(30*time.Second, state, func() string { return strings.TrimSpace(x.h.Exec("ls /run/kagiban | grep -x " + state + " || true")) })
	}
}

func then(steps ...func(*site)) func(*site) {
	return func(x *site) {
		x.t.Helper()
		for _, step := range steps {
			step(x)
		}
	}
}

const (
	fill          = "cat /dev/zero >/fill 2>/dev/null || true"
	halfAppended  = "/home/owner/.ssh/.authorized_keys.kagiban.*"
	halfConfirmed = "/run/kagiban/confirmed"
	sessionsDie   = "for p in $(ps -eo pid=,args= | awk '/sshd(-session)?: [o]wner/ { print $1 }'); do kill -9 $p || true; done" // one may end by itself meanwhile
	readOnly      = "mount --bind %[1]s %[1]s && mount -o remount,bind,ro %[1]s"
	theirsBroken  = "echo 'NoSuchOption yes' >/etc/ssh/sshd_config.d/70-theirs.conf"
)

func faults() []fault {
	return slices.Concat(faultsOfTheClient(), faultsOfTheDisk(), faultsOfSSHD(), faultsOfOthers())
}

func faultsOfTheClient() []fault {
	cutOff := then(console(sessionsDie), func(x *site) { x.h.Link(true) })
	back := func(x *site) { x.h.Link(true) }
	return []fault{
		{number: 41, name: "client killed", kills: true, cells: []cell{
			{column: "append", after: looked, want: "old"},
			{column: "append, half done", during: halfAppended, want: "old"},
			{column: "key test", after: installed, want: "old"},
			{column: "rehearse", after: proved, want: "old"},
			{column: "apply", after: rehearsed, want: "old"},
			{column: "in force", after: enforced, want: "old"},
			{column: "confirm", after: provedNow, want: "old new"},
			{column: "confirm, half done", during: halfConfirmed, want: "new"},
			{column: "committed", after: confirmed, want: "new"},
		}},
		{number: 42, name: "link cut", strike: func(x *site) { x.h.Link(false) }, cells: []cell{
			{column: "append", after: looked, want: "old", codes: []int{1, 6}, later: cutOff},
			{column: "key test", after: installed, want: "old new", codes: []int{0, 1, 6}, later: cutOff}, // it tries again
			{column: "rehearse", after: proved, want: "old", codes: []int{1, 6}, later: cutOff},
			{column: "apply", after: rehearsed, want: "old", codes: []int{1, 6}, later: cutOff},
			{column: "in force", after: enforced, want: "old", codes: []int{1, 6}, later: then(once("undone"), back)},
			{column: "confirm", after: provedNow, want: "old", codes: []int{1, 6}, later: then(once("undone"), back)},
			{column: "confirm, half done", during: halfConfirmed, want: "new", codes: []int{0}, later: then(console("until [ ! -e /run/kagiban/confirmed ]; do sleep 0.2; done"), cutOff)},
			{column: "committed", after: confirmed, want: "new", codes: []int{0}, later: cutOff},
		}},
		{number: 43, name: "server reboot", inert: true, strike: func(x *site) { x.h.Reboot(true) }, cells: []cell{
			{column: "append", after: looked, want: "old", codes: []int{1, 6}},
			{column: "append, half done", during: halfAppended, leaves: true, want: "old", codes: []int{1, 6}},
			{column: "key test", after: installed, want: "old new", codes: []int{0, 1, 6}},
			{column: "rehearse", after: proved, want: "old", codes: []int{1, 6}},
			{column: "apply", after: rehearsed, want: "old", codes: []int{1, 6}},
			{column: "in force", after: enforced, want: "old", codes: []int{1, 6}},
			{column: "confirm", after: provedNow, want: "old new", codes: []int{0, 1, 6}},
			{column: "confirm, half done", during: halfConfirmed, leaves: true, want: "old new", codes: []int{0, 1, 6}},
			{column: "committed", after: confirmed, want: "new", codes: []int{0}},
		}},
		{number: 40, name: "silent client", strike: once("undone"), cells: []cell{
			{column: "in force", after: enforced, want: "old", codes: []int{6}},
		}},
	}
}

func faultsOfTheDisk() []fault {
	return []fault{
		{number: 28, name: "disk full", options: []string{"disk=64m"}, strike: console(fill), mend: console("rm -f /fill /run/fill"), cells: []cell{
			{column: "append", after: looked, want: "old", codes: []int{1, 6}, says: authorizedKeys},
			{column: "rehearse", after: proved, want: "old", codes: []int{1, 6}, says: "/run/kagiban", strike: console("cat /dev/zero >/run/fill 2>/dev/null || true")},
			{column: "apply", after: proved, want: "old", codes: []int{1, 6}, says: "/etc/ssh/sshd_config.d"},
			{column: "in force", after: enforced, want: "old", codes: []int{1, 6}},
			{column: "confirm", after: provedNow, want: "old", codes: []int{1, 6}},
		}},
		{number: 29, name: "read-only", mend: console("umount /home /etc/ssh 2>/dev/null || true"), cells: []cell{
			{column: "append", after: looked, want: "old", codes: []int{1, 6}, says: authorizedKeys, strike: console(fmt.Sprintf(readOnly, "/home"))},
			{column: "apply", after: proved, want: "old", codes: []int{1, 6}, says: "/etc/ssh/sshd_config.d", strike: console(fmt.Sprintf(readOnly, "/etc/ssh"))},
			{column: "confirm", after: provedNow, want: "old", codes: []int{1, 6}, strike: console(fmt.Sprintf(readOnly, "/etc/ssh")), later: takenBackThere},
		}},
	}
}

// takenBackThere: what stands in /etc/ssh cannot be taken away, and says nothing any more; sshd lets in who it let in.
func takenBackThere(x *site) {
	x.t.Helper()
	once("undone")(x)
	x.c.until(30*time.Second, passwords, func() string { return x.c.offered(x.h.User, x.h.Addr) })
	x.h.Exec("umount /etc/ssh; grep -x '# kagiban: not confirmed yet.*' /etc/ssh/sshd_config.d/00-kagiban.conf; rm /etc/ssh/sshd_config.d/00-kagiban.conf")
}

func faultsOfSSHD() []fault {
	return []fault{
		{number: 14, name: "sshd refuses", cells: []cell{
			{column: "rehearse", after: proved, want: "old", codes: []int{6}, says: "70-theirs.conf"},
			{column: "apply", after: rehearsed, want: "old", codes: []int{6}, says: "70-theirs.conf"},
			{column: "confirm", after: provedNow, want: "old", codes: []int{6}, says: "70-theirs.conf", later: then(once("undoing"), console("rm /etc/ssh/sshd_config.d/70-theirs.conf"))},
		}, strike: console(theirsBroken), mend: console("rm -f /etc/ssh/sshd_config.d/70-theirs.conf")},
		{number: 12, name: "sshd refuses ours beside theirs", inert: true, cells: []cell{
			{column: "apply", after: rehearsed, want: "old", codes: []int{6}},
		}, strike: console("echo 'AuthenticationMethods publickey,password password' >/etc/ssh/sshd_config.d/70-theirs.conf"), mend: console("rm -f /etc/ssh/sshd_config.d/70-theirs.conf; " + vpstest.Reload)},
		{number: 1, name: "reload fails", mend: console(ownReload), cells: []cell{
			{column: "apply", after: rehearsed, want: "old", codes: []int{6}, strike: console(reload("/bin/false"))},
			{column: "in force", after: enforced, want: "new", codes: []int{0}, strike: console("systemctl stop ssh"), later: console("sleep 2; systemctl start ssh")},
			{column: "confirm", after: enforced, want: "old", codes: []int{6}, strike: console("systemctl stop ssh"), later: then(once("undoing"), console("systemctl start ssh"))},
		}},
		{number: 8, name: "password still offered", mend: console(ownReload + "; rm -f /etc/ssh/sshd_config.d/00-aaa.conf; " + vpstest.Reload), inert: true, cells: []cell{
			{column: "rehearse", after: proved, want: "old", codes: []int{6}, says: "still offered", strike: console("printf 'Match User owner\\nPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-aaa.conf")},
			{column: "apply", after: rehearsed, want: "old", codes: []int{6}, says: "still offered", strike: console(reload("/bin/true"))},
			{column: "confirm", after: enforced, want: "old", codes: []int{6}, says: "still offered", strike: console("echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-aaa.conf; " + vpstest.Reload)},
		}},
	}
}

func faultsOfOthers() []fault {
	killWatcher := console("kill -9 $(cat /run/kagiban/*/watcher)")
	return []fault{
		{number: 45, name: "watcher killed", strike: killWatcher, cells: []cell{{column: "confirm", after: provedNow, want: "new", codes: []int{0}}}},
		{number: 45, name: "watcher killed, no systemd", strike: killWatcher, options: []string{"init=sysv"}, cells: []cell{{column: "confirm", after: provedNow, want: "new", codes: []int{0}}}},
		faultOfTheCrowd(),
		{number: 35, name: "sudo taken away", strike: console("echo 'owner ALL = !ALL' >/etc/sudoers.d/99-no"), mend: console("rm /etc/sudoers.d/99-no"), cells: []cell{
			{column: "rehearse", after: proved, want: "old", codes: []int{4, 6}, says: "sudo"},
			{column: "apply", after: rehearsed, want: "old", codes: []int{6}, says: "sudo"},
			{column: "confirm", after: provedNow, want: "old", codes: []int{1, 6}, says: "sudo"},
		}},
	}
}

// faultOfTheCrowd: so many others are about to log in that sshd takes no more (MaxStartups).
func faultOfTheCrowd() fault {
	var crowd []net.Conn
	come := func(x *site) {
		x.t.Helper()
		crowd = nil
		const full = "Exceeded MaxStartups"
		x.c.until(30*time.Second, full, func() string { // just after a reload nobody listens, and who came before it does not count
			one, err := net.Dial("tcp", x.h.Addr+":22")
			if err != nil {
				return err.Error()
			}
			crowd = append(crowd, one)
			_ = one.SetReadDeadline(time.Now().Add(5 * time.Second)) // never fails on TCP
			said := make([]byte, len(full))
			n, _ := io.ReadFull(one, said) // what there is of it tells
			return string(said[:n])
		})
	}
	leave := func(*site) {
		for _, one := range crowd {
			_ = one.Close()
		}
	}
	return fault{number: 39, name: "MaxStartups", hook: "echo 'MaxStartups 4:100:4' >/etc/ssh/sshd_config.d/50-crowd.conf", strike: come, mend: leave, cells: []cell{
		{column: "key test", after: installed, want: "new", codes: []int{0}, later: then(console("sleep 2"), leave)},
		{column: "key test, for long", after: installed, want: "old", codes: []int{6}, says: "hung up before the login", later: then(func(x *site) { <-x.relay.run.Load().read }, leave)},
		{column: "in force", after: enforced, want: "old", codes: []int{6}, says: "hung up before the login", later: then(once("undoing"), leave)},
		{column: "confirm", after: provedNow, want: "new", codes: []int{0}, later: leave},
	}}
}
