package hostsetup

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
	"kagiban/hostsetup/sshd"
	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// person answers as a test wants it.
type person struct {
	password string
	asked    int
	plan     Plan
	approve  error
}

func (p *person) AcceptHostKey(context.Context, string, ssh.PublicKey) error { return nil }
func (p *person) Password(context.Context, string, int) ([]byte, error) {
	p.asked++
	return []byte(p.password), nil
}
func (p *person) RootPassword(context.Context, RootQuestion) ([]byte, error) {
	p.asked++
	return []byte(p.password), nil
}
func (p *person) Approve(_ context.Context, plan Plan) error {
	p.plan = plan
	return p.approve
}

func options(t *testing.T, h *vpstest.Host, p Person) Options {
	folder := t.TempDir()
	return Options{
		Target: Target{Name: "vps", Address: h.Addr, Port: 22, User: h.User, KnownAs: h.Addr, KnownHosts: []string{filepath.Join(folder, "known_hosts")}},
		Key:    ground.Signer(t), KeyName: "laptop", Comment: "laptop", Person: p, Book: book.Book{Path: filepath.Join(folder, "home", "hosts.toml")},
		Steps: func(s Step) { t.Logf("%-12s %v %s", s.Name, s.OK, s.Detail) },
	}
}

// TestAddTwice: the whole road, then again: the second run changes no byte, and counts few connections.
func TestAddTwice(t *testing.T) {
	h := vpstest.Up(t, "")
	p := &person{password: h.Password()}
	o := options(t, h, p)
	r, err := Add(context.Background(), o)
	if err != nil || r.Verdict != KeyOnly || !r.KeyOnly {
		t.Fatalf("%+v, %v", r, err)
	}
	t.Logf("%d connections, %d commands", r.Connections, r.Commands)
	if r.Connections == 0 || r.Connections > 8 || r.Commands == 0 || r.Commands > 9 {
		t.Errorf("%d connections, %d commands; a server counts them", r.Connections, r.Commands)
	}
	hosts, err := o.Book.Hosts()
	if err != nil || len(hosts) != 1 || len(hosts[0].HostKeys) != 3 || !hosts[0].KeyOnly {
		t.Errorf("the book: %+v, %v; want 3 host keys", hosts, err)
	}
	before := h.Snapshot()
	asked := p.asked
	o.Steps = func(s Step) { t.Logf("again: %-12s %v %s", s.Name, s.OK, s.Detail) }
	r, err = Add(context.Background(), o)
	if err != nil || r.Verdict != Unchanged || !r.KeyOnly {
		t.Fatalf("second run: %+v, %v", r, err)
	}
	if after := h.Snapshot(); after != before {
		t.Errorf("the second run changed something:\n%s\n%s", before, after)
	}
	if hosts, err = o.Book.Hosts(); err != nil || len(hosts[0].HostKeys) != 3 {
		t.Errorf("the book after the second run: %+v, %v; want 3 host keys", hosts, err)
	}
	if p.asked != asked+1 { // sudo's
		t.Errorf("asked %d times in the second run", p.asked-asked)
	}
	r, err = Undo(context.Background(), o)
	if err != nil || r.Verdict != Undone || r.KeyOnly {
		t.Fatalf("undo: %+v, %v", r, err)
	}
}

// TestInterrupted: the person gives up after each step in turn. Whatever had been done is taken back, to the byte.
func TestInterrupted(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	before := h.Snapshot()
	for _, last := range []string{"install", "prove", "rehearse", "arm", "enforce", "prove-again"} {
		o := options(t, h, &person{password: h.Password()})
		ctx, stop := context.WithCancel(context.Background())
		o.Steps = func(s Step) {
			if s.Name == last {
				stop()
			}
		}
		r, err := Add(ctx, o)
		var undone *UndoneError
		if !errors.As(err, &undone) || undone.Undo != nil || r.Verdict != Undone || !errors.Is(err, context.Canceled) {
			t.Errorf("after %s: %+v, %v", last, r, err)
		}
		if after := h.Snapshot(); after != before {
			t.Errorf("after %s the server is not as it was:\n%s\n%s", last, before, after)
		}
		offered, err := (&dialer{target: o.Target, identity: mustIdentity(t, o)}).ask(context.Background(), h.User)
		if err != nil || !strings.Contains(strings.Join(offered, " "), "password") {
			t.Errorf("after %s the server offers %v, %v", last, offered, err)
		}
		if left := h.Exec("ls /run/kagiban 2>/dev/null | grep -v -x -e undone || true"); left != "" {
			t.Errorf("after %s: %s", last, left)
		}
	}
}

func mustIdentity(t *testing.T, o Options) *identity {
	id, err := newIdentity(o.Target, HostKeyPolicy{AcceptNew: true}, o.Person.AcceptHostKey)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// slowDisk makes sync(1) take its time, from now on.
func slowDisk(h *vpstest.Host, seconds string) {
	h.Exec("mv /bin/sync /bin/sync.real && printf '#!/bin/sh\\nsleep " + seconds + "\\nexec /bin/sync.real\\n' >/bin/sync && chmod 755 /bin/sync")
}

// TestConfirmCutShort: on a slow disk the run is cut short while the server confirms, by the person or by the link. What the server decided
// stands, and the key is there to open it: never a drop-in without the line.
func TestConfirmCutShort(t *testing.T) {
	for name, cut := range map[string]func(h *vpstest.Host, stop func()){
		"by the person": func(_ *vpstest.Host, stop func()) { stop() },
		"by the link": func(h *vpstest.Host, _ func()) {
			h.Exec("for p in $(ps -eo pid=,args= | awk '/sshd: [o]wner/ { print $1 }'); do kill -9 $p; done")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := vpstest.Up(t, "", "sudo=nopasswd")
			o := options(t, h, &person{password: h.Password()})
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			done, cutting := make(chan struct{}), false
			o.Steps = func(s Step) {
				t.Log(s)
				if s.Name == "prove-again" && !cutting {
					cutting = true // it is proved once more after the cut
					slowDisk(h, "3")
					go func() {
						defer close(done)
						for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
							if h.Exec("ls /run/kagiban | grep -x confirmed || true") != "" {
								break // decided, and not yet on the disk
							}
						}
						cut(h, stop)
					}()
				}
			}
			r, err := Add(ctx, o)
			<-done
			if err != nil || r.Verdict != KeyOnly || !r.KeyOnly {
				t.Errorf("%+v, %v", r, err)
			}
			if left := h.Exec("cat /etc/ssh/sshd_config.d/00-kagiban.conf; grep -c . /home/owner/.ssh/authorized_keys"); left != sshd.DropIn+"1\n" {
				t.Errorf("the server has %q", left)
			}
		})
	}
}

// TestNoLateConfirmation: a run that took so long that its confirmation might cross the deadline does not send it. The server is as it was.
func TestNoLateConfirmation(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	before := h.Snapshot()
	o := options(t, h, &person{password: h.Password()})
	o.UndoAfter = MinUndoAfter
	o.Steps = func(s Step) {
		t.Log(s)
		for end := time.Now().Add(20 * time.Second); s.Name == "prove-again" && time.Now().Before(end); {
			if h.Exec("read -r _ deadline _ </run/kagiban/pending; [ $(cut -d. -f1 /proc/uptime) -lt $((deadline - 1)) ] || echo late") != "" {
				break
			}
		}
	}
	r, err := Add(context.Background(), o)
	var undone *UndoneError
	if !errors.As(err, &undone) || undone.Undo != nil || r.Verdict != Undone {
		t.Errorf("%+v, %v", r, err)
	}
	if after := h.Snapshot(); after != before {
		t.Errorf("the server is not as it was:\n%s\n%s", before, after)
	}
}

// TestTwoRuns: one run comes upon another one of the same key that waits for its confirmation. It gives way, and leaves the line that the
// other one stands on.
func TestTwoRuns(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	a := options(t, h, &person{password: h.Password()})
	b := a
	b.Book = book.Book{Path: filepath.Join(t.TempDir(), "home", "hosts.toml")}
	inForce, aEnded := make(chan struct{}), make(chan error, 1)
	started := make(chan struct{})
	a.Steps = func(s Step) {
		if s.Name == "prove" {
			close(started)
			<-inForce
		}
	}
	b.Steps = func(s Step) {
		if s.Name == "enforce" {
			close(inForce)
			if err := <-aEnded; err == nil {
				t.Error("the first run went on beside the second")
			} else if undone := (*UndoneError)(nil); !errors.As(err, &undone) || undone.Left == "" {
				t.Errorf("the first run: %v", err)
			}
		}
	}
	go func() {
		_, err := Add(context.Background(), a)
		aEnded <- err
	}()
	<-started
	r, err := Add(context.Background(), b)
	if err != nil || r.Verdict != KeyOnly {
		t.Errorf("the second run: %+v, %v", r, err)
	}
	if r, err := Add(context.Background(), b); err != nil || r.Verdict != Unchanged || !r.KeyOnly {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
}
