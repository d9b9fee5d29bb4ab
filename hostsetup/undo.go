package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kagiban/hostsetup/remote"
)

// Undo takes our drop-in away and proves that the server offers again what it offered before kagiban. The key stays.
//
// Errors: as [Add], and *[NoDropInError].
func Undo(ctx context.Context, o Options) (Result, error) {
	s, err := begin(&o)
	if err != nil {
		return Result{Verdict: Failed}, err
	}
	defer s.close()
	if err := s.arrive(ctx); err != nil {
		return s.fail(ctx, err)
	}
	if s.facts, err = look(ctx, s.first, s.Target.Account()); err != nil {
		return s.fail(ctx, err)
	}
	if err := s.becomeRoot(ctx); err != nil {
		return s.fail(ctx, err)
	}
	for _, p := range s.facts.problems {
		if p.ID == "change-pending" || p.ID == "undo-waiting" {
			return s.fail(ctx, &BlockedError{[]Problem{p}})
		}
	}
	if s.facts.dropIn == "" {
		return s.fail(ctx, &NoDropInError{s.Target.Name, s.first.offered})
	}
	s.result.Plan = s.facts.undoPlan(&s.Options)
	if err := s.Person.Approve(ctx, s.result.Plan); err != nil {
		return s.fail(ctx, err)
	}
	if s.DryRun {
		s.result.Verdict = Unchanged
		return s.result, nil
	}
	if err := s.dropIt(ctx); err != nil {
		return s.fail(ctx, err)
	}
	s.result.Verdict = Undone
	return s.result, s.record(ctx)
}

// dropIt removes the drop-in and waits until the running sshd says so.
func (s *setup) dropIt(ctx context.Context) error {
	_, err := s.root.do(ctx, s.first, remote.Drop, s.facts.user, s.facts.server, s.facts.port)
	var failure *remote.Failure
	if err != nil {
		if errors.As(err, &failure) && failure.What == "unsound" {
			return &BlockedError{[]Problem{problem("sshd-broken", "tested", failure.Detail)}}
		}
		return err
	}
	s.step("undo", s.facts.place()+": gone; "+effect(s.facts.manner))
	until := time.Now().Add(reloadLimit)
	var offered []string
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
			offered, err = s.dialer.ask(ctx, s.facts.user)
			return err
		})
		if err != nil {
			return err
		}
		if len(typed(offered)) > 0 || time.Now().After(until) {
			break
		}
		if err := rest(ctx, pause); err != nil { // a server counts who connects and leaves (PerSourcePenalties)
			return err
		}
	}
	s.result.Offered = offered
	if len(typed(offered)) == 0 {
		s.step("offers", "a new connection is offered "+strings.Join(offered, ", ")+" still: another file of the server keeps passwords off")
		s.result.KeyOnly = true
		return nil
	}
	s.step("offers", "a new connection is offered "+strings.Join(offered, ", "))
	return nil
}

// A NoDropInError means that there is nothing of ours to undo.
type NoDropInError struct {
	Name    string
	Offered []string
}

func (e *NoDropInError) Error() string {
	return fmt.Sprintf("%s has no drop-in of kagiban's (it offers %s)", e.Name, strings.Join(e.Offered, ", "))
}
