//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

const letIn = "user let in"

// TestNewUserFaults: whatever breaks while a user is made. Then sshd and sudo are as before, root gets in by its password, and the user is
// left, locked; or all of it has come to its end.
func TestNewUserFaults(t *testing.T) {
	t.Parallel()
	cut := func(x *site) { x.h.Link(false) }
	mended := then(once("undone"), func(x *site) { x.h.Link(true) })
	for _, f := range []fault{
		{name: "client killed", kills: true, cells: []cell{
			{column: letIn, after: letIn, want: "old"},
			{column: "in force", after: enforced, want: "old"},
			{column: "confirm", after: provedNow, want: "old"},
			{column: "committed", after: confirmed, want: "new"},
		}},
		{name: "client killed, no systemd", kills: true, options: []string{"init=sysv"}, cells: []cell{
			{column: "in force", after: enforced, want: "old"},
		}},
		{name: "link cut", strike: cut, later: mended, cells: []cell{
			{column: "in force", after: enforced, want: "old", codes: []int{1, 6}},
		}},
		{name: "server reboot", inert: true, strike: func(x *site) { x.h.Reboot(true) }, cells: []cell{
			{column: letIn, after: letIn, want: "old", codes: []int{1, 6}, says: "the new account alice, which stays, locked"},
			{column: "in force", after: enforced, want: "old", codes: []int{1, 6}},
			{column: "confirm", after: provedNow, want: "old", codes: []int{1, 6}},
			{column: "committed", after: confirmed, want: "new", codes: []int{0}},
		}},
		{name: "read-only", kills: true, inert: true, cells: []cell{
			{column: letIn, after: letIn, want: "old", strike: then(console(fmt.Sprintf(readOnly, "/home")), console(fmt.Sprintf(readOnly, "/etc/sudoers.d"))), later: console("umount /home /etc/sudoers.d")},
		}},
		{name: "what fails there", cells: []cell{
			{column: "useradd", after: looked, want: "none", codes: []int{6}, says: "useradd could not make the account: no room", strike: stub("useradd", "echo no room; exit 1"), later: unstub("useradd")},
			{column: "useradd, too late", after: looked, want: "old", codes: []int{6}, says: "the new account alice, which stays, locked", later: unstub("useradd"),
				strike: stub("useradd", "until [ -e /run/kagiban/undone ]; do sleep 0.2; done; exec /usr/sbin/useradd.real \"$@\"")},
			{column: "visudo", after: looked, want: "none", codes: []int{1}, says: "visudo refuses what sudo would be told: it rains", strike: stub("visudo", "echo it rains; exit 1"), later: unstub("visudo")},
			{column: "sudo", after: letIn, want: "old", codes: []int{6}, says: "FAIL  key proved      alice@vps1 cannot become root: sudo asks for a password", strike: console("echo '%sudo ALL=(ALL:ALL) ALL' >/etc/sudoers.d/zz"), later: console("rm /etc/sudoers.d/zz")},
			{column: "rehearse", after: proved, want: "old", codes: []int{6}, says: "70-theirs.conf", strike: console(theirsBroken), later: console("rm /etc/ssh/sshd_config.d/70-theirs.conf")},
			{column: "too late", after: rehearsed, want: "old", codes: []int{6}, strike: once("undone"), later: func(*site) {}},
			{column: "password still offered", after: rehearsed, want: "old", codes: []int{6}, says: "still offered", strike: console(reload("/bin/true")), later: console(ownReload)},
		}},
	} {
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			x := newRootSite(t, f.options...)
			for _, cell := range f.cells {
				t.Run(strings.ReplaceAll(cell.column, " ", "-"), func(t *testing.T) { x.on(t, x.h, x.c).sufferNewUser(f, cell) })
			}
			if _, _, code := x.c.kagiban(x.c.add(x.h, makesAlice...)...); code != 0 {
				t.Errorf("the next run: exit %d", code)
			}
			aliceOwnsIt(t, x.h, x.c)
		})
	}
}

func stub(program, script string) func(*site) {
	file := "/usr/sbin/" + program
	return console("mv " + file + " " + file + ".real && printf '%s\n' '#!/bin/sh' '" + script + "' >" + file + " && chmod 755 " + file)
}

func unstub(program string) func(*site) {
	return console("mv /usr/sbin/" + program + ".real /usr/sbin/" + program)
}

// newRootSite is a server as it is sold.
func newRootSite(t *testing.T, options ...string) *site {
	t.Helper()
	h := vpstest.Up(t, "", slices.Concat(asSold, options)...)
	x := &site{t: t, h: h, c: newClient(t), askpass: filepath.Join(t.TempDir(), "askpass")}
	x.c.write(x.askpass, "#!/bin/sh\nexec cat '"+h.PasswordFile+"'\n")
	if err := os.Chmod(x.askpass, 0o700); err != nil {
		t.Fatal(err)
	}
	x.relay = newRelay(t, h.Addr+":22")
	x.before = x.doors()
	return x
}

// doors are the files that say who gets in, and who becomes root.
func (x *site) doors() string {
	x.t.Helper()
	return x.h.Exec("find /etc/ssh /etc/sudoers /etc/sudoers.d /root/.ssh -exec stat -c '%N %a %U %G' {} + -type f -exec sha256sum {} + 2>/dev/null | sort")
}

func (x *site) sufferNewUser(f fault, c cell) {
	x.t.Helper()
	x.h.Exec("userdel -rf alice 2>/dev/null; rm -f /etc/sudoers.d/kagiban-alice /etc/ssh/sshd_config.d/00-kagiban.conf; " + vpstest.Reload)
	x.c.until(20*time.Second, passwords, func() string { return x.c.offered("root", x.h.Addr) })
	strike, later := f.strike, f.later
	if c.strike != nil {
		strike, later = c.strike, c.later
	}
	s := x.stopAfter(c.after, append([]string{"--undo-after", "15s"}, makesAlice...)...)
	defer x.relay.run.Store(nil)
	if strike != nil {
		strike(x)
	}
	if f.kills {
		s.kill()
	} else {
		s.goOn()
		if c.strike == nil && later != nil {
			later(x)
		}
		if said, code := s.end(); !slices.Contains(c.codes, code) || !strings.Contains(said, c.says) {
			x.t.Errorf("exit %d, want %v and %q", code, c.codes, c.says)
		}
	}
	x.settled()
	if c.strike != nil && later != nil {
		later(x)
	}
	if c.want == "new" {
		x.c.kagiban("host", "remove", "vps1") // it was written by way of the relay
		aliceOwnsIt(x.t, x.h, x.c)
		return
	}
	x.lockedAlice(f.inert, c.want == "none")
}

// lockedAlice: the account is there (or none is), nothing opens it, and all else is as it was.
func (x *site) lockedAlice(inert, none bool) {
	x.t.Helper()
	if offers := x.c.offered("root", x.h.Addr); offers != passwords {
		x.t.Errorf("offered: %q", offers)
	}
	if err := x.byPassword(); err != nil {
		x.t.Errorf("root's password: %v", err)
	}
	if none {
		if got := x.h.Exec("id alice 2>&1 || true"); !strings.Contains(got, "no such user") {
			x.t.Errorf("alice: %s", got)
		}
	} else {
		const locked = "alice sudo\nL\n"
		if got := opened(x.h); got != locked+"0\n" && !(inert && (got == locked+"1\n" || strings.HasPrefix(got, locked+"1\nkagiban-alice\n# kagiban: not confirmed yet."))) {
			x.t.Errorf("alice: %s", got)
		}
		if got := x.h.Exec("cat /home/alice/.ssh/authorized_keys 2>/dev/null; sudo -l -U alice | grep NOPASSWD; true"); got != "" {
			x.t.Errorf("opens alice: %s", got)
		}
	}
	if after := x.doors(); after != x.before && !inert {
		x.t.Errorf("sshd's and sudo's files: %s, before: %s", after, x.before)
	}
}

// TestNewUserBesideOurs: the server is key-only by our own drop-in, and then a user is made, and not. The drop-in is no part of that change, and stays.
func TestNewUserBesideOurs(t *testing.T) {
	x := newRootSite(t)
	x.c.must(x.c.add(x.h)...)
	x.c.kagiban("host", "remove", "vps1") // the next run goes by way of the relay
	before := x.doors()
	s := x.stopAfter(letIn, append([]string{"--undo-after", "15s"}, makesAlice...)...)
	s.kill()
	x.relay.run.Store(nil)
	x.settled()
	if after := x.doors(); after != before {
		t.Errorf("sshd's and sudo's files: %s, before: %s", after, before)
	}
	if got := opened(x.h); got != "alice sudo\nL\n0\n" {
		t.Errorf("alice: %s", got)
	}
	x.c.again(x.h) // by root's key
}

// TestNewUserStaysWhereNothingElseOpens: the client is killed, and meanwhile an administrator turns passwords off for good. sshd goes back, and the new user's key
// may be all that opens the server: it stays.
func TestNewUserStaysWhereNothingElseOpens(t *testing.T) {
	x := newRootSite(t)
	s := x.stopAfter(enforced, append([]string{"--undo-after", "15s"}, makesAlice...)...)
	x.h.Exec("printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\n' >/etc/ssh/sshd_config.d/10-theirs.conf")
	s.kill()
	x.relay.run.Store(nil)
	x.settled()
	if offers := x.c.offered("root", x.h.Addr); offers != keysOnly {
		t.Errorf("offered: %q", offers)
	}
	if got := opened(x.h); got != "alice sudo\nL\n1\n"+allOfSudo {
		t.Errorf("alice: %s", got)
	}
	if got := x.h.Exec("ls /etc/ssh/sshd_config.d"); got != "10-theirs.conf\n" {
		t.Errorf("sshd's files: %s", got)
	}
	alice := *x.h
	alice.User = "alice"
	x.c.again(&alice)
}
