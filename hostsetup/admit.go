package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
	"kagiban/hostsetup/remote"
)

// AdmitOptions say which key is let in besides the one that logs in, Options.Key. Options.Comment is the comment of its line.
type AdmitOptions struct {
	Options
	Guest ssh.PublicKey
	// Proof is its private half, where that is here: then it is proved by a login. Else sshd is asked whether it would take the key
	// (RFC 4252 section 7), and its owner has the proof to make.
	Proof ssh.Signer
}

// admission is one run of [Admit].
type admission struct {
	*setup
	guest ssh.PublicKey
	proof ssh.Signer
	taken bool // sshd takes it already, as far as it can be asked
}

// Admit lets another client's key in: one plain line at the end of authorized_keys, read back, and asked for. It logs in by Options.Key
// alone, and never becomes root. The verdict is [Installed], or [Unchanged] where the key is there already.
//
// Errors: *[PublicKeyError], *[ConfigError], *[UnreachableError], *[HostKeyError], *[LoginError], *[ForcedError], *[BlockedError], *[KeyRefusedError],
// [ErrNoCredentials] and the person's own leave the server untouched; after *[UndoneError] the line is gone again, or the error says where it stays.
func Admit(ctx context.Context, o AdmitOptions) (Result, error) {
	if err := Strong(o.Guest); err != nil {
		return Result{Verdict: Failed}, err
	}
	s, err := begin(&o.Options)
	if err != nil {
		return Result{Verdict: Failed}, err
	}
	defer s.close()
	a := &admission{setup: s, guest: o.Guest, proof: o.Proof}
	if err := a.survey(ctx); err != nil {
		return s.fail(ctx, err)
	}
	if s.result.Plan.Empty() {
		return a.asItIs(ctx)
	}
	if err := s.Person.Approve(ctx, s.result.Plan); err != nil {
		return s.fail(ctx, err)
	}
	if s.DryRun {
		s.result.Verdict = Unchanged
		return s.result, nil
	}
	if step, err := s.inOrder(ctx, []stage{{"install", s.install}, {"taken", a.ask}}); err != nil {
		return s.takeBack(ctx, step, err)
	}
	s.result.Verdict = Installed
	return s.result, a.seen(ctx)
}

// survey logs in, asks whether the key is taken already, and makes the plan. It changes nothing.
func (a *admission) survey(ctx context.Context) error {
	var err error
	if a.taken, a.first, err = a.query(ctx); err != nil {
		return err
	}
	if err := a.arrived(); err != nil {
		return err
	}
	if a.facts, err = look(ctx, a.first, a.Target.Account()); err != nil {
		return err
	}
	p := Plan{Account: a.Target.Account(), File: a.facts.keysFile()}
	a.facts.opens = a.taken && !a.result.Unasked
	if problems := a.facts.keyPlan(&p, a.guest, a.Comment); len(problems) > 0 {
		return &BlockedError{problems}
	}
	p.Narrowed = nil // the modes let the key in that logs in here
	a.result.Plan = p
	if p.Empty() && !a.taken {
		return a.refused(nil)
	}
	return nil
}

// query asks whether sshd takes the key, and logs in.
func (a *admission) query(ctx context.Context) (bool, *conn, error) {
	taken, c, err := a.dialer.query(ctx, a.by(a.Key), a.guest)
	if errors.Is(err, ErrBlind) {
		a.result.Unasked = true
		c, _, err = a.dialer.open(ctx, a.by(a.Key))
		return true, c, err
	}
	if err != nil {
		return false, nil, err
	}
	return taken[0], c, nil
}

// asItIs ends a run that found the key let in already.
func (a *admission) asItIs(ctx context.Context) (Result, error) {
	a.step("install", "the key is there already"+a.asked(", and sshd takes it"))
	a.result.Verdict = Unchanged
	if a.DryRun {
		return a.result, nil
	}
	if err := a.login(ctx); err != nil {
		return a.fail(ctx, err)
	}
	return a.result, a.seen(ctx)
}

// ask reads the line back over a new connection, which asks first whether sshd takes the key now.
func (a *admission) ask(ctx context.Context) error {
	taken := false
	err := patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
		taken, a.proved, err = a.query(ctx)
		return err
	})
	if err != nil {
		return err
	}
	f, err := look(ctx, a.proved, a.Target.Account())
	if err != nil {
		return err
	}
	if present, _ := authkeys.Find(f.text, a.guest); !present {
		return &remote.Failure{Verb: remote.Look.String(), What: "keygone", Detail: a.result.Plan.File}
	}
	if !taken {
		return a.refused(nil)
	}
	a.step("taken", "read back on a new connection"+a.asked(", and sshd takes the key (asked without a signature)"))
	return a.login(ctx)
}

// asked is what was heard, unless the server says it of every key.
func (a *admission) asked(heard string) string {
	if a.result.Unasked {
		return "; whether this server takes a key shows at a login alone"
	}
	return heard
}

// login proves the key by a login with it alone, where its private half is here.
func (a *admission) login(ctx context.Context) error {
	if a.proof == nil {
		return nil
	}
	c, err := a.openBy(ctx, a.proof, time.Now().Add(handshakeLimit))
	var login *LoginError
	if errors.As(err, &login) && len(login.Partial) == 0 && !login.Ended() {
		return a.refused(err)
	}
	if err != nil {
		return err
	}
	a.again = c
	a.step("prove", "logged in on a new connection by this key alone, and ran a command")
	return nil
}

func (a *admission) refused(err error) error {
	return &KeyRefusedError{a.Target.Account(), a.result.Plan.File, a.facts.suspects(), err}
}

// seen records which keys were seen to open the server.
func (a *admission) seen(ctx context.Context) error {
	err := a.Book.Update(ctx, a.Target.Name, func(h *book.Host) error {
		h.Proved = a.facts.proved(*h, a.opened()...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("the server is done, but the book is not written: %w", err)
	}
	return nil
}
