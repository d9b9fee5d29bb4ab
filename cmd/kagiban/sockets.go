package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

// sockets are the narrower sockets of the agent that runs here, and sockets.toml, which remembers them. It is a control.Sockets. That no other
// agent makes them in this run folder is seen to by the control socket, which this one has. One with another run folder may have the same list: what
// that one writes there counts here from the next start on, and is never written over.
type sockets struct {
	home  home.Home
	agent *agent.Agent
	log   *slog.Logger

	ctx      context.Context // of open
	serving  sync.WaitGroup
	changing sync.Mutex // held by who adds, removes or opens

	mu  sync.Mutex
	all []*narrowSocket // by name
}

// narrowSocket is one of them.
type narrowSocket struct {
	scope agent.Scope
	err   error  // why it is shut; guarded by sockets.mu once it is served
	end   func() // ends it and its connections, and returns when they are gone
}

// socketsSchema is that of sockets.toml.
const socketsSchema = 1

// socketsFile is sockets.toml. Only agents write it, and key rename where none runs.
type socketsFile struct {
	Schema  int           `toml:"schema"`
	Sockets []agent.Scope `toml:"socket"`
}

// readSockets reads the list of the narrower sockets. The error is a *home.ConfigError; one row that is not understood is one for all.
func readSockets(path string) ([]agent.Scope, error) {
	f := socketsFile{Schema: socketsSchema}
	if err := home.ReadTOML(path, &f); err != nil {
		return nil, err
	}
	if f.Schema != socketsSchema {
		return nil, &home.ConfigError{Path: path, Err: fmt.Errorf("schema %d is not known to this kagiban, which reads %d", f.Schema, socketsSchema)}
	}
	for i, s := range f.Sockets {
		err := errors.Join(vault.CheckName(s.Name), s.Check())
		if findScope(f.Sockets[:i], s.Name) >= 0 {
			err = errors.New("two of that name")
		}
		if err != nil {
			return nil, &home.ConfigError{Path: path, Err: fmt.Errorf("socket %q: %w", s.Name, err)}
		}
	}
	return f.Sockets, nil
}

// socketsPatience is how long somebody else may be changing sockets.toml.
const socketsPatience = 5 * time.Second

// changeSockets writes what change makes of the list as it is now, unless that fails. Nobody else changes it meanwhile.
func changeSockets(ctx context.Context, path string, change func([]agent.Scope) ([]agent.Scope, error)) error {
	ctx, cancel := context.WithTimeout(ctx, socketsPatience)
	defer cancel()
	unlock, err := safefile.Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	all, err := readSockets(path)
	if err == nil {
		all, err = change(all)
	}
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b agent.Scope) int { return strings.Compare(a.Name, b.Name) })
	text, err := toml.Marshal(socketsFile{Schema: socketsSchema, Sockets: all})
	if err != nil {
		return err
	}
	return safefile.WriteFile(path, text, 0o600)
}

// withKeyRenamed is a list in which a key has another name, and those in it that name it.
func withKeyRenamed(all []agent.Scope, old, name string) (renamed, changed []agent.Scope) {
	for _, s := range all {
		if i := slices.Index(s.Keys, old); i >= 0 {
			s.Keys = slices.Clone(s.Keys)
			s.Keys[i] = name
			s.Keys = sorted(s.Keys)
			changed = append(changed, s)
		}
		renamed = append(renamed, s)
	}
	return renamed, changed
}

// keyRenamed is that change for changeSockets.
func keyRenamed(old, name string) func([]agent.Scope) ([]agent.Scope, error) {
	return func(all []agent.Scope) ([]agent.Scope, error) {
		renamed, _ := withKeyRenamed(all, old, name)
		return renamed, nil
	}
}

// findScope compares as file systems do that know no capitals.
func findScope(all []agent.Scope, name string) int {
	return slices.IndexFunc(all, func(s agent.Scope) bool { return strings.EqualFold(s.Name, name) })
}

// open opens all that are remembered, until ctx ends. What cannot be opened is said in the log, by status and by doctor.
func (s *sockets) open(ctx context.Context) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.ctx = ctx
	all, err := readSockets(s.home.Sockets())
	if err != nil {
		s.log.Error("there are no narrower sockets", "error", err)
	}
	for _, scope := range all {
		n, _ := s.begin(scope)
		s.put(n)
	}
}

// begin opens one, or says why not, in it too.
func (s *sockets) begin(scope agent.Scope) (*narrowSocket, error) {
	n := &narrowSocket{scope: scope, end: func() {}}
	l, err := s.listen(scope.Name)
	if err != nil {
		s.log.Error("a narrower socket is shut", "socket", scope.Name, "error", err)
		n.err = err
		return n, err
	}
	l.Refused = tellRefused(s.agent, s.log.With("socket", scope.Name), scope.Name)
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	s.serving.Go(func() {
		defer close(done)
		defer l.Close()
		if err := s.agent.ServeScoped(ctx, l, peer, scope); err != nil {
			s.log.Error("a narrower socket fails", "socket", scope.Name, "error", err)
			s.mu.Lock()
			defer s.mu.Unlock()
			n.err = err
		}
	})
	n.end = func() {
		cancel()
		<-done
	}
	return n, nil
}

// listen makes the socket, and the folder that is its own where that is not there. One that is there stays: it may be mounted somewhere.
func (s *sockets) listen(name string) (*door.Listener, error) {
	if dir := s.home.NarrowDir(name); dir != "" {
		for _, d := range []string{filepath.Dir(dir), dir} {
			if err := safefile.PrivateDir(d); err != nil {
				return nil, err
			}
		}
	}
	return door.Alone(s.home.NarrowSocket(name))
}

// put takes it into the list, in place of the one of its name.
func (s *sockets) put(n *narrowSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *narrowSocket) bool { return other.scope.Name == n.scope.Name })
	s.all = append(s.all, n)
	slices.SortFunc(s.all, func(a, b *narrowSocket) int { return strings.Compare(a.scope.Name, b.scope.Name) })
}

// Add implements control.Sockets.
func (s *sockets) Add(scope agent.Scope) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := errors.Join(vault.CheckName(scope.Name), scope.Check()); err != nil {
		return err
	}
	isHere := s.find(scope.Name) != nil
	n := &narrowSocket{end: func() {}}
	err := s.change(func(all []agent.Scope) (_ []agent.Scope, err error) {
		switch i := findScope(all, scope.Name); {
		case i < 0:
			all = append(all, scope)
		case !sameScope(all[i], scope):
			return nil, control.ErrSocketThere
		default:
			all[i] = scope
		}
		if isHere {
			return all, nil
		}
		if err = s.checkUnused(scope.Name); err == nil {
			n, err = s.begin(scope)
		}
		return all, err
	})
	switch {
	case err != nil:
		n.end()
		if !isHere {
			s.forget(scope.Name)
		}
		return err
	case isHere:
		return s.renew(scope)
	}
	s.put(n)
	s.log.Info("a narrower socket", "socket", scope.Name)
	return nil
}

// RenameKey implements control.Sockets.
func (s *sockets) RenameKey(old, name string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	err := errors.Join(vault.CheckName(old), vault.CheckName(name))
	if err == nil {
		err = s.change(keyRenamed(old, name))
	}
	if err != nil {
		return err
	}
	_, changed := withKeyRenamed(s.scopes(), old, name)
	for _, scope := range changed {
		_ = s.renew(scope) // status says why one is shut
	}
	return nil
}

// renew opens one again: its keys may have other names and its hosts other keys, and who is in its folder may have taken the socket away.
func (s *sockets) renew(scope agent.Scope) error {
	s.find(scope.Name).end()
	n, err := s.begin(scope)
	s.put(n)
	return err
}

// checkUnused says whether the folder is there, with something in it: that would be for all to see who are let into it.
func (s *sockets) checkUnused(name string) error {
	dir := s.home.NarrowDir(name)
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf(`the folder "%s" holds something: %q`, dir, entries[0].Name())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove implements control.Sockets.
func (s *sockets) Remove(name string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	n := s.find(name)
	if n == nil {
		return control.ErrNoSocket
	}
	err := s.change(func(all []agent.Scope) ([]agent.Scope, error) {
		return slices.DeleteFunc(all, func(other agent.Scope) bool { return other.Name == name }), nil
	})
	if err != nil {
		return err
	}
	n.end()
	s.mu.Lock()
	s.all = slices.DeleteFunc(s.all, func(other *narrowSocket) bool { return other == n })
	s.mu.Unlock()
	s.forget(name)
	s.log.Info("a narrower socket is gone", "socket", name)
	return nil
}

// forget takes its folder away, unless it holds something that is not ours.
func (s *sockets) forget(name string) {
	if dir := s.home.NarrowDir(name); dir != "" {
		_ = os.Remove(dir)
	}
}

// List implements control.Sockets.
func (s *sockets) List() (all []control.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.all {
		one := control.Socket{Scope: n.scope, Path: s.home.NarrowSocket(n.scope.Name)}
		if n.err != nil {
			one.Error = n.err.Error()
		}
		all = append(all, one)
	}
	return all
}

func (s *sockets) scopes() (all []agent.Scope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.all {
		all = append(all, n.scope)
	}
	return all
}

func (s *sockets) find(name string) *narrowSocket {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.all, func(n *narrowSocket) bool { return n.scope.Name == name }); i >= 0 {
		return s.all[i]
	}
	return nil
}

func (s *sockets) change(change func([]agent.Scope) ([]agent.Scope, error)) error {
	return changeSockets(s.ctx, s.home.Sockets(), change)
}

// sameScope: for the very same. The keys of a host are what was known when it was said.
func sameScope(a, b agent.Scope) bool {
	return a.Name == b.Name && slices.Equal(a.Keys, b.Keys) && slices.Equal(a.Purposes, b.Purposes) && a.Confirm == b.Confirm &&
		slices.EqualFunc(a.Hosts, b.Hosts, func(x, y agent.ScopeHost) bool { return x.Name == y.Name && x.User == y.User })
}
