package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
	"kagiban/scripts/vpstest"
	"kagiban/vault"
)

// TestRotateCutShort: one rotation of two servers is killed (kill -9) and interrupted at each of its steps, one after the other, and goes on from there
// each time. At each of these moments the key that the book names for a server opens it, that key is here, and so is the old one.
func TestRotateCutShort(t *testing.T) {
	hosts, c := vpstest.Many(t, []string{"", ""}), newClient(t)
	rotator(c)
	other := c.letIn(hosts[0])
	x := &cutShort{t: t, c: c, hosts: hosts, theirs: read(t, other+".pub"), fresh: c.secretFile("staple battery"), old: read(t, filepath.Join(c.home, "keys", "laptop.pub"))}
	for i, h := range hosts {
		x.relays = append(x.relays, newRelay(t, h.Addr+":22"))
		args := append(c.add(h), "-p", x.relays[i].port)
		args[2], args[4] = h.User+"@127.0.0.1", "vps"+string(rune('1'+i))
		c.must(args...)
	}
	x.here()
	x.there()
	if _, _, code := c.kagiban(x.args()...); code != 0 {
		t.Errorf("in the end: exit %d", code)
	}
	x.holds("in the end")
	checkBook(t, c, "laptop")
	young, gone := c.plain("laptop", x.fresh), c.plain(x.spare, c.passphrase)
	for _, h := range hosts {
		if !c.opens(h, young) || c.opens(h, gone) {
			t.Errorf("%s: not opened by the new key alone", h.Name)
		}
	}
}

type cutShort struct {
	t      *testing.T
	c      *client
	hosts  []*vpstest.Host
	relays []*relay
	theirs string // another line on the first server
	old    string // the old key's line
	fresh  string // has the new key's passphrase
	spare  string // what the old key is called in the end
}

func (x *cutShort) args() []string { return append(x.c.rotate(x.hosts[0], x.fresh), "--parallel", "1") }

// here: strace(1) kills it before it changes a file of this computer.
func (x *cutShort) here() {
	out, _, _ := x.c.kagiban("rotate", "-n", "-F", x.c.config)
	m := regexp.MustCompile(`laptop-old-[0-9]+`).FindString(out)
	if m == "" {
		x.t.Fatal("no name for the old key")
	}
	x.spare = m
	keys := filepath.Join(x.c.home, "keys")
	bookFile := filepath.Join(x.c.home, "hosts.toml")
	for i, s := range []struct{ before, call, path string }{
		{"it is written down", "renameat", bookFile},
		{"the old key's line gets its new name", "renameat", filepath.Join(keys, x.spare+".pub")},
		{"the old key gets its new name", "renameat", filepath.Join(keys, x.spare+".age")},
		{"the old key's line loses its old name", "unlinkat", filepath.Join(keys, "laptop.pub")},
		{"the book has the old key's new name", "renameat", bookFile},
		{"the new key gets its name", "linkat", filepath.Join(keys, "laptop.age")},
		{"the new key's line gets its name", "renameat", filepath.Join(keys, "laptop.pub")},
		{"the book has it that the new key is made", "renameat", bookFile},
	} {
		cmd := x.c.command(x.args()...)
		cmd.Path, cmd.Err = exec.LookPath("strace")
		cmd.Args = append([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-P", s.path, "-e", "trace=" + s.call, "-e", "inject=" + s.call + ":signal=KILL:when=1", builtBinary(x.t)}, cmd.Args[1:]...)
		said, err := cmd.CombinedOutput()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
			x.t.Errorf("it was not killed before %s: %v", s.before, err)
		}
		x.t.Logf("killed before %s:\n%s", s.before, said)
		x.holds(s.before)
		if out, _, _ := x.c.kagiban("status"); strings.Contains(out, "\nnext ") && strings.Contains(out, "  kagiban rotate\n") != (i > 0) {
			x.t.Errorf("killed before %s: status says %s", s.before, out)
		}
	}
}

// there: it is stopped when it has said that a step on a server is done, so that nothing of the next one comes there; then it is killed on the first
// server, and interrupted on the second.
func (x *cutShort) there() {
	x.c.startAgent()
	for i, steps := range [][]string{{"logged in", "key installed", "key proved", "recorded", "looked for it", "taken out"},
		{"logged in", "key installed", "key proved", "looked for it", "taken out"},
	} {
		for _, step := range steps {
			if step == "recorded" && strings.Contains(x.left(), "  vps1  owner@127.0.0.1  (opened by the new key") {
				continue // it went on to that before it stood
			}
			mark := "ok    " + step + " "
			if i == 0 {
				mark = "vps1: " + mark
			}
			s := x.stopAt(mark)
			if i == 0 {
				s.kill()
			} else {
				_ = s.cmd.Process.Signal(syscall.SIGINT)
				s.goOn()
				if said, code := s.end(); code != 130 || !strings.Contains(said, "next: kagiban rotate") {
					x.t.Errorf("interrupted after %q: exit %d", step, code)
				}
			}
			x.holds(step)
		}
		// The first one's last step was done, and as a rule that it was is not written down.
		if i == 0 && strings.Contains(x.left(), "  vps1 ") {
			x.stopAt("vps2: ok    host key ").kill()
		}
	}
}

// left are the servers on which something is left to do.
func (x *cutShort) left() string {
	x.t.Helper()
	out, _, _ := x.c.kagiban("rotate", "-n", "-F", x.c.config)
	return out
}

// stopAt is a run that stands where it has said mark, on whichever server.
func (x *cutShort) stopAt(mark string) *stopped {
	x.t.Helper()
	y := &site{t: x.t, c: x.c, relay: x.relays[0]}
	s := y.follow(x.c.command(x.args()...), mark)
	for _, r := range x.relays {
		r.run.Store(s)
	}
	select {
	case <-s.reached:
	case <-s.read:
		_ = s.cmd.Wait()
		x.t.Fatalf("it did not come to %q: %s", mark, s.said())
	}
	return s
}

// holds is what has to be true whenever it is cut short.
func (x *cutShort) holds(when string) {
	x.t.Helper()
	v, err := vault.Open(filepath.Join(x.c.home, "keys"), vault.Options{})
	if err != nil {
		x.t.Fatal(err)
	}
	keys, err := v.List()
	if err != nil {
		x.t.Fatal(err)
	}
	lines := map[string]string{}
	for _, k := range keys {
		if k.Public != nil {
			lines[k.Fingerprint] = authkeys.Format(k.Public, "")
		}
	}
	if !slices.ContainsFunc(keys, func(k vault.Key) bool {
		return k.Public != nil && strings.HasPrefix(x.old, authkeys.Format(k.Public, ""))
	}) {
		x.t.Errorf("%s: the old key is not here any more", when)
	}
	pages, err := book.Book{Path: filepath.Join(x.c.home, "hosts.toml")}.Hosts()
	if err != nil || len(pages) != len(x.hosts) {
		x.t.Fatalf("%s: %v, %d hosts", when, err, len(pages))
	}
	for i, page := range pages {
		there := x.hosts[i].Exec("cat " + authorizedKeys)
		if line := lines[page.Fingerprint]; line == "" || !strings.Contains(there, line) || !page.KeyOnly {
			x.t.Errorf("%s: the book names %s (%s) for %s, where there is\n%s", when, page.Key, page.Fingerprint, page.Name, there)
		}
		if i == 0 && !strings.HasPrefix(there, x.theirs+"\n") {
			x.t.Errorf("%s: another line has changed:\n%s", when, there)
		}
	}
	x.c.until(60*time.Second, "", func() string { return x.hosts[0].Exec("ps -eo args= | grep -E 'sh -[s]'; true") })
}
