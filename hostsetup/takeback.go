package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kagiban/hostsetup/remote"
)

// takeBackLimit is how long we try; the server does not need us for it.
const takeBackLimit = 90 * time.Second

// takeBack undoes what this run has changed: sshd first, then the key's line and the permissions.
func (s *setup) takeBack(ctx context.Context, step string, cause error) (Result, error) {
	if !s.touched && s.token == "" {
		return s.fail(cause)
	}
	// The person may have interrupted the run: that is no reason to leave the server half done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackLimit)
	defer cancel()
	undone := &UndoneError{Step: step, Err: cause, After: int(s.UndoAfter / time.Second)}
	if s.token != "" {
		undone.Undo = s.onAny(ctx, func(c *conn) error {
			_, err := s.root.do(ctx, c, remote.Cancel, s.token)
			return err
		})
	}
	if s.touched && undone.Undo == nil {
		undone.Undo = s.onAny(ctx, func(c *conn) error { return s.removeLine(ctx, c) })
	}
	s.result.Verdict = Undone
	s.report(Step{"undo", undone.Undo == nil, undoDetail(undone)})
	return s.result, undone
}

func undoDetail(u *UndoneError) string {
	if u.Undo != nil {
		return fmt.Sprintf("not seen to end (%v); the server does it by itself", u.Undo)
	}
	return "the server is as it was"
}

func (s *setup) removeLine(ctx context.Context, c *conn) error {
	made := s.made
	if made == "" {
		made = "-"
	}
	args := []string{s.facts.keys, s.result.Plan.Line, s.size(), made}
	for _, n := range s.result.Plan.Narrowed {
		args = append(args, strconv.FormatInt(int64(n.From), 8), n.Path)
	}
	_, err := c.do(ctx, remote.Takeback, args...)
	return err
}

// onAny does it on a connection that is still alive, or else on a new one.
func (s *setup) onAny(ctx context.Context, do func(*conn) error) error {
	var failure *remote.Failure
	var err error
	for _, c := range []*conn{s.first, s.proved, s.again} {
		if c == nil {
			continue
		}
		if err = do(c); err == nil || errors.As(err, &failure) {
			return err
		}
	}
	a := s.byKey()
	if s.first.password != nil {
		a.password = func(context.Context, int) ([]byte, error) { return s.first.password, nil }
		a.attempts = 1
	}
	var c *conn
	lost := patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
		c, _, err = s.dialer.open(ctx, a)
		return err
	})
	if lost != nil {
		return errors.Join(err, lost)
	}
	defer c.Close()
	return do(c)
}
