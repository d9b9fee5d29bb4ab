package hostsetup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kagiban/hostsetup/remote"
)

// takeBackLimit is how long we try; the server does not need us for it.
const takeBackLimit = 90 * time.Second

// takeBack undoes what this run has changed: sshd first, then the key's line and the permissions. The line is never taken away
// before sshd was seen to let in again who it let in before; and where the change turns out to be confirmed after all, it stands.
func (s *setup) takeBack(ctx context.Context, step string, cause error) (Result, error) {
	if !s.touched && !s.armed && s.token == "" {
		return s.fail(ctx, cause)
	}
	cut := ctx
	// The person may have interrupted the run: that is no reason to leave the server half done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackLimit)
	defer cancel()
	defer s.listen(ctx, s.back())()
	undone := &UndoneError{Step: step, Err: cause, After: int(s.UndoAfter / time.Second)}
	var failure *remote.Failure
	switch {
	case s.armed:
		undone.Undo = s.onAny(ctx, func(c *conn) error {
			_, err := s.onRoot(c).do(ctx, c, remote.Cancel, s.token, s.CreateUser)
			return err
		})
		if errors.As(undone.Undo, &failure) && failure.What == "confirmed" {
			s.until = time.Now().Add(handshakeLimit)
			if undone.Undo = nil; s.result.Plan.DropIn {
				undone.Undo = s.proveAgain(ctx)
			}
			if undone.Undo == nil {
				s.step("confirm", "it was confirmed before the run was cut short")
				return s.finish(ctx)
			}
		}
	case s.token != "":
		if err := s.onAny(ctx, func(c *conn) error {
			_, err := s.onRoot(c).do(ctx, c, remote.Forget, s.token)
			return err
		}); err != nil {
			s.Log.Info("the rehearsal's folder stays until the next reboot", "error", err)
		}
	}
	if !s.touched && !s.armed {
		return s.fail(cut, cause)
	}
	busy := errors.As(cause, &failure) && failure.What == "pending"
	switch {
	case s.armed && undone.Undo == nil && s.shut(ctx, undone):
		undone.Left = s.result.Plan.File // it may be all that opens the server now
	case undone.Undo != nil && s.touched, busy && s.touched:
		undone.Left = s.result.Plan.File // somebody may come to stand on it
	case s.touched:
		if err := s.onAny(ctx, func(c *conn) error { return s.removeLine(ctx, c) }); err != nil {
			s.Log.Info("the key's line could not be taken back", "error", err)
			undone.Left = s.result.Plan.File
		}
	}
	if s.born && undone.Offered == nil {
		undone.User = s.CreateUser
	}
	s.result.Verdict = Undone
	s.report(Step{"undo", undone.Undo == nil && undone.Left == "", s.undoDetail(undone)})
	return s.result, undone
}

// shut tells whether sshd, asked again, does not let in by something typed any more although it did. Whoever changed its files before, or
// meanwhile, had that come into force by our undo, which has sshd read them.
func (s *setup) shut(ctx context.Context, u *UndoneError) bool {
	if len(typed(s.first.offered)) == 0 {
		return false
	}
	var offered []string
	err := patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
		offered, err = s.dialer.ask(ctx, s.first.by.user)
		return err
	})
	if err == nil && len(typed(offered)) > 0 {
		return false
	}
	u.Offered = offered
	return true
}

func (s *setup) undoDetail(u *UndoneError) string {
	switch {
	case u.Undo == nil && u.Offered != nil:
		return "sshd offers " + strings.Join(u.Offered, ", ") + " alone, by its other files; this key's line stays in " + u.Left
	case u.Undo != nil:
		return fmt.Sprintf("not seen to end (%s); the server does it by itself", s.Words(u.Undo))
	case u.Left != "":
		return "sshd is as it was; this key's line stays in " + u.Left
	}
	return "the server is as it was"
}

func (s *setup) removeLine(ctx context.Context, c *conn) error {
	verb, line := remote.Takeback, s.result.Plan.Line
	if s.facts.standing {
		verb = remote.Retract
	}
	if u := s.result.Plan.User; u != nil && u.linked {
		line = "" // the undo switch has seen to it
	}
	args := []string{s.result.Plan.File, line, s.size(), cmp.Or(s.made, "-")}
	for _, n := range s.result.Plan.Narrowed {
		args = append(args, strconv.FormatInt(int64(n.From), 8), n.Path)
	}
	_, err := s.asOwner(ctx, c, verb, args...)
	return err
}

// onAny does it on a connection that is still alive, or else on a new one, opened by what opened the first.
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
	a := s.first.by
	if len(a.signers) == 0 && a.user == s.Target.User {
		a.signers = s.by(s.Key).signers // passwords may be off
	}
	var c *conn
	lost := patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
		c, _, err = s.dialer.open(ctx, a)
		if refused := (*LoginError)(nil); errors.As(err, &refused) && s.owner != nil {
			c, _, err = s.dialer.open(ctx, s.by(s.Key)) // the first login is closed while the change stands
		}
		return err
	})
	if lost != nil {
		return errors.Join(err, lost)
	}
	defer c.Close()
	return do(c)
}
