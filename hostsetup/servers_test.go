package hostsetup

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
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
func (p *person) SudoPassword(context.Context, string, int) ([]byte, error) {
	p.asked++
	return []byte(p.password), nil
}
func (p *person) Approve(_ context.Context, plan Plan) error {
	p.plan = plan
	return p.approve
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func options(t *testing.T, h *vpstest.Host, p Person) Options {
	folder := t.TempDir()
	return Options{
		Target: Target{Name: "vps", Address: h.Addr, Port: 22, User: h.User, KnownAs: h.Addr, KnownHosts: []string{filepath.Join(folder, "known_hosts")}},
		Key:    newKey(t), KeyName: "laptop", Comment: "laptop", Person: p, Book: book.Book{Path: filepath.Join(folder, "home", "hosts.toml")},
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
