package main

import (
	"bytes"
	"context"
	"sync"

	"kagiban/hostsetup"
)

// samePassword is the one password that, as the person says, all hosts of a command have. One host is tried with it first, and the others only
// when that has taken it: what was mistyped is seen by one server, and not by fifty that count it against us. nil: each host asks for its own.
type samePassword struct {
	turn chan struct{} // holds one token while a host tries a password for all

	mu     sync.Mutex
	holder string // that host
	tried  []byte // what it was given
	taken  []byte // what a host has taken; nil: nothing yet
}

func newSamePassword() *samePassword { return &samePassword{turn: make(chan struct{}, 1)} }

// secret is the password for host. One that refuses what another has taken is asked about alone.
func (s *samePassword) secret(ctx context.Context, host string, attempt int, ask func(attempt int) ([]byte, error)) ([]byte, error) {
	if s == nil {
		return ask(attempt)
	}
	if attempt == 1 && !s.tries(host) {
		if taken := s.known(); taken != nil {
			return taken, nil
		}
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if taken := s.known(); taken != nil {
			<-s.turn
			return taken, nil
		}
		s.mu.Lock()
		s.holder = host
		s.mu.Unlock()
	}
	answer, err := ask(attempt)
	if err == nil && s.tries(host) {
		s.mu.Lock()
		s.tried = bytes.Clone(answer)
		s.mu.Unlock()
	}
	return answer, err
}

// tries tells whether host is the one that is tried for all.
func (s *samePassword) tries(host string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holder == host
}

func (s *samePassword) known() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.taken)
}

// heard learns from a step of host's whether the password was taken.
func (s *samePassword) heard(host string, step hostsetup.Step) {
	if s != nil && step.OK && (step.Name == "login" || step.Name == "root") {
		s.let(host, true)
	}
}

// over: host has come to its end, and what it was given is no password for others unless it was taken.
func (s *samePassword) over(host string) {
	if s != nil {
		s.let(host, false)
	}
}

func (s *samePassword) let(host string, taken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder != host {
		return
	}
	if taken {
		s.taken = s.tried
	}
	s.holder, s.tried = "", nil
	<-s.turn
}
