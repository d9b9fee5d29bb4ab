package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/remote"
)

// install appends the key's line and takes away the write bits that the plan names.
func (s *setup) install(ctx context.Context) error {
	p := s.result.Plan
	if p.User != nil && p.User.linked {
		p.Line = "" // the undo switch will see to it
		if len(p.Narrowed) == 0 {
			return nil
		}
	}
	if p.Line == "" && len(p.Narrowed) == 0 {
		s.step("install", "the key is there already")
		return nil
	}
	args := []string{p.File, p.Line, s.size()}
	for _, n := range p.Narrowed {
		args = append(args, n.Path)
	}
	s.touched = true
	a, err := s.asOwner(ctx, s.first, remote.Append, args...)
	var failure *remote.Failure
	if errors.As(err, &failure) && failure.What != "stopped" && !a.Has("narrowed") && !a.Has("made") {
		s.touched = false // it stopped before it had changed anything
	}
	if a != nil {
		s.made = a.Get("made")
	}
	if err != nil {
		return err
	}
	detail := []string{}
	if p.Line != "" {
		detail = append(detail, "one line at the end of "+p.File)
	}
	for _, n := range p.Narrowed {
		detail = append(detail, fmt.Sprintf("%s %o -> %o", n.Path, n.From, n.To))
	}
	s.step("install", strings.Join(detail, "; "))
	return nil
}

// size is how long authorized_keys was when it was looked at, "-" if it was not there.
func (s *setup) size() string {
	if !s.facts.there {
		return "-"
	}
	return strconv.Itoa(len(s.facts.text))
}

// prove opens a NEW connection with the new identity alone and has a real command answer with this run's nonce: an
// exit status alone proves nothing.
func (s *setup) prove(ctx context.Context) error {
	if s.owner == nil && sameKey(s.first.used, s.Key.PublicKey()) && s.result.Plan.Line == "" {
		s.proved = s.first // the run itself came in by it
		if s.result.Plan.NoRoot {
			return s.proveSudo(ctx)
		}
		s.step("prove", "this run logged in by this key alone")
		return nil
	}
	c, err := s.openBy(ctx, s.Key, time.Now().Add(handshakeLimit))
	var refused *LoginError
	if errors.As(err, &refused) && len(refused.Partial) == 0 && !refused.Ended() {
		return &KeyRefusedError{s.Target.Account(), s.result.Plan.File, s.facts.suspects(), err}
	}
	if err != nil {
		return err
	}
	s.proved = c
	if s.owner != nil || s.result.Plan.NoRoot {
		return s.proveSudo(ctx)
	}
	s.step("prove", "logged in on a new connection by this key alone, and ran a command")
	return nil
}

// dialBy logs in by key alone, on a new connection.
func (s *setup) dialBy(ctx context.Context, key ssh.Signer, until time.Time) (c *conn, err error) {
	err = patiently(ctx, until, func() (err error) {
		c, _, err = s.dialer.open(ctx, s.by(key))
		return err
	})
	return c, err
}

// openBy is one proof that a key opens the server, and runs commands there as the user.
func (s *setup) openBy(ctx context.Context, key ssh.Signer, until time.Time) (*conn, error) {
	c, err := s.dialBy(ctx, key, until)
	if err != nil {
		return nil, err
	}
	user, err := who(ctx, c)
	if err == nil && user != s.facts.user {
		err = &ForcedError{Account: s.Target.Account(), User: s.Target.User, Output: "user " + user}
	}
	if err != nil {
		_ = c.Close() // the error before it is the one to tell
		return nil, err
	}
	return c, nil
}

func (s *setup) by(key ssh.Signer) auth { return auth{user: s.Target.User, signers: []ssh.Signer{key}} }
