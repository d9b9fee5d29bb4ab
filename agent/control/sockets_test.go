package control

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/scripts/ground"
)

// fakeSockets notes what is asked of it, and answers err.
type fakeSockets struct {
	all     []Socket
	renamed string
	err     error
}

func (f *fakeSockets) Add(s agent.Scope) error {
	if f.err == nil {
		f.all = append(f.all, Socket{Scope: s, Path: "/run/" + s.Name})
	}
	return f.err
}

func (f *fakeSockets) Remove(name string) error {
	if f.err == nil && (len(f.all) != 1 || f.all[0].Name != name) {
		return ErrNoSocket
	}
	if f.err == nil {
		f.all = nil
	}
	return f.err
}

func (f *fakeSockets) RenameKey(old, name string) error {
	f.renamed = old + " " + name
	return f.err
}

func (f *fakeSockets) List() []Socket { return f.all }

// serveSockets serves an agent with these narrower sockets.
func serveSockets(t *testing.T, sockets Sockets) *Client {
	t.Helper()
	path := ground.Socket(t)
	l, err := door.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, agent.New(agent.Options{}), func() Program { return Program{} }, nil, sockets, cancel)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return (&running{path: path}).dial(t)
}

func TestSockets(t *testing.T) {
	f := &fakeSockets{}
	c := serveSockets(t, f)
	scope := agent.Scope{
		Name: "box", Keys: []string{"work"}, Purposes: []string{"git", "login"}, Confirm: true,
		Hosts: []agent.ScopeHost{{Name: "vps1", User: "me", KnownAs: "vps1.example", Keys: []string{"ssh-ed25519 AAAA"}, Authorities: []string{"ssh-rsa AAAA"}}},
	}
	if err := c.AddSocket(scope); err != nil {
		t.Fatal(err)
	}
	status, err := c.Status()
	if want := []Socket{{Scope: scope, Path: "/run/box"}}; err != nil || !reflect.DeepEqual(status.Sockets, want) {
		t.Errorf("%+v, %v; want %+v", status.Sockets, err, want)
	}
	if err := c.RemoveSocket("moon"); !errors.Is(err, ErrNoSocket) {
		t.Errorf("one that is not there: %v", err)
	}
	if err := c.RemoveSocket("box"); err != nil || len(f.all) > 0 {
		t.Errorf("%v, left %+v", err, f.all)
	}
	if err := c.RenameKey("work", "office"); err != nil || f.renamed != "work office" {
		t.Errorf("renamed %q: %v", f.renamed, err)
	}
	f.err = ErrSocketThere
	if err := c.AddSocket(scope); !errors.Is(err, ErrSocketThere) {
		t.Errorf("one of that name: %v", err)
	}
	f.err = errors.New("the disk is full")
	if err := c.AddSocket(scope); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("another error: %v", err)
	}
	if err := c.RenameKey("work", "office"); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("not renamed: %v", err)
	}
	if _, err := c.call(request{Op: opAddSocket}, answerTime); err == nil {
		t.Error("nothing was added")
	}
}
