package hostsetup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
)

// setup is one run of [Add] or [Undo].
type setup struct {
	Options
	dialer *dialer
	root   *root // from the login that we came in by
	owner  *root // from the new user's login; nil without --create-user
	first  *conn // the connection that we came in by
	proved *conn // opened by the new identity alone
	again  *conn // likewise, after the change
	facts  *facts
	result Result
	token  string    // of the change, once it is staged
	sshd   string    // the program, for the rehearsal
	armed  bool      // the undo switch may be on
	until  time.Time // no confirmation after this
	made   string    // the folder that the install made
	// opensRoot is a key that opened root before --no-root; rootLogin is what sshd says of root since (PermitRootLogin).
	opensRoot ssh.Signer
	rootLogin string
	born      bool // the new user was made
	bound     bool // the new identity opens the server, but no command of ours runs then
	// touched: something on the server may have been changed, so a failure must take it back.
	touched bool
	silent  atomic.Int64 // the person was told that nothing was heard since then; nanoseconds (Unix)
}

// Add makes a server key-only: it reads like the steps of a careful administrator, and is those steps.
//
// Errors: *[ConfigError], *[UnreachableError], *[HostKeyError], *[LoginError], *[ForcedError], *[RootError], *[BlockedError], *[OthersError],
// [ErrNoCredentials], [ErrCutOff] and the person's own leave the server untouched; *[UndoneError] left it as it was; *[NotEnforcedError] installed the key and left passwords on.
func Add(ctx context.Context, o Options) (Result, error) {
	s, err := begin(&o)
	if err != nil {
		return Result{Verdict: Failed}, err
	}
	defer s.close()
	if err := s.arrive(ctx); err != nil {
		if err := s.arriveAsMade(ctx, err); err != nil {
			return s.fail(ctx, err)
		}
	}
	if err := s.survey(ctx); err != nil {
		return s.fail(ctx, err)
	}
	if s.result.Plan.Empty() {
		return s.confirmAsIs(ctx)
	}
	lose := s.othersLose()
	if lose != nil && !s.DryRun {
		return s.fail(ctx, lose)
	}
	if err := s.Person.Approve(ctx, s.result.Plan); err != nil {
		return s.fail(ctx, err)
	}
	if lose != nil { // a dry run ends as the run would, and has shown the plan
		return s.fail(ctx, lose)
	}
	if s.DryRun {
		s.result.Verdict = Unchanged
		return s.result, nil
	}
	if step, err := s.change(ctx); err != nil {
		return s.takeBack(ctx, step, err)
	}
	return s.finish(ctx)
}

func begin(o *Options) (*setup, error) {
	o.fill()
	if o.CreateUser == o.Target.User {
		o.CreateUser = "" // who can log in is there
	}
	id, err := newIdentity(o.Target, o.HostKeys, o.Person.AcceptHostKey)
	if page, missing := o.Book.Find(o.Target.Name); missing == nil && page.KnownAs == o.Target.KnownAs && len(page.HostKeys) > 0 {
		id, err = bookIdentity(o.Target, HostKeyPolicy{Pin: o.HostKeys.Pin}, page) // no contact is the first: it proved to hold these keys
	}
	if err != nil {
		return nil, err
	}
	s := newSetup(*o, id)
	s.result.Steps = []Step{}
	return s, nil
}

func newSetup(o Options, id *identity) *setup {
	s := &setup{Options: o, dialer: &dialer{target: o.Target, identity: id}}
	s.dialer.held = s.held
	return s
}

func (s *setup) close() {
	for _, c := range []*conn{s.first, s.proved, s.again} {
		if c != nil {
			_ = c.Close() // it may have been cut off already
			clear(c.password)
		}
	}
	for _, r := range []*root{s.root, s.owner} {
		if r != nil {
			r.close()
		}
	}
}

func (s *setup) step(name, detail string) {
	s.report(Step{name, true, detail})
}

func (s *setup) report(step Step) {
	s.result.Steps = append(s.result.Steps, step)
	s.Steps(step)
	s.Log.Info("step", "host", s.Target.Name, "step", step.Name, "ok", step.OK, "detail", step.Detail)
}

// fail ends a run that failed before it had changed anything. A command that the person interrupts ends as one whose link broke, so ctx is asked first.
func (s *setup) fail(ctx context.Context, err error) (Result, error) {
	s.result.Verdict = Failed
	return s.result, cmp.Or(ctx.Err(), err)
}

// arrive makes the first connection: the host key is checked before anything secret is sent, identities are tried before a
// password.
func (s *setup) arrive(ctx context.Context) error {
	a := auth{user: s.Target.User, signers: s.identities(), password: func(ctx context.Context, attempt int) ([]byte, error) {
		return s.Person.Password(ctx, s.Target.Account(), attempt)
	}, attempts: 3}
	c, err := s.dialer.login(ctx, a)
	if err != nil {
		return err
	}
	s.first = c
	return s.arrived()
}

// arrived tells what the first connection came to, and remembers the host key.
func (s *setup) arrived() error {
	c := s.first
	if c.offered[0] == "none" {
		return ErrNoCredentials
	}
	id := s.dialer.identity
	known := "known"
	if id.fresh {
		known = "accepted"
	}
	s.step("host-key", fmt.Sprintf("%s, %s", fingerprint(id.seen), known))
	if !s.DryRun {
		if err := id.record(); err != nil {
			return fmt.Errorf("writing known_hosts: %w", err)
		}
	}
	by := "password"
	if c.used != nil {
		by = "key " + fingerprint(c.used)
	}
	s.step("login", fmt.Sprintf("by %s; the server offers %s", by, strings.Join(c.offered, ", ")))
	return nil
}

// How many identities a server is shown: on one connection, which leaves room for a password (sshd hangs up after six failures:
// sshd_config(5), MaxAuthTries), and in all.
const (
	mostIdentities = 5
	allIdentities  = 10
)

// identities are what the server is shown first: the new one, unless it is of no use as it stands there, and then those that may open it
// already, each once.
func (s *setup) identities() []ssh.Signer {
	var all []ssh.Signer
	if !s.bound {
		all = append(all, s.Key)
	}
	for _, login := range s.Logins {
		if s.bound && sameKey(login.PublicKey(), s.Key.PublicKey()) {
			continue
		}
		known := slices.ContainsFunc(all, func(x ssh.Signer) bool { return sameKey(x.PublicKey(), login.PublicKey()) })
		if !known && len(all) < allIdentities {
			all = append(all, login)
		}
	}
	return all
}

// survey looks at all that matters, as the user and as root, and makes the plan. It changes nothing.
func (s *setup) survey(ctx context.Context) error {
	var err error
	s.facts, err = look(ctx, s.first, s.Target.Account())
	if forced := (*ForcedError)(nil); errors.As(err, &forced) && sameKey(s.first.used, s.Key.PublicKey()) {
		// Its line may be bound to a command. Who comes in by another way sees it.
		s.bound = true
		bound := s.first
		if s.arrive(ctx) != nil {
			return cmp.Or(ctx.Err(), err)
		}
		_ = bound.Close() // it was of no use
		s.facts, err = look(ctx, s.first, s.Target.Account())
	}
	if err != nil {
		return err
	}
	if s.CreateUser != "" {
		return s.meet(ctx)
	}
	var rootErr error
	if name := software(s.first.ServerVersion()); name != openSSH {
		rootErr = &OtherServerError{name}
	} else if !s.NoEnforce {
		rootErr = s.becomeRoot(ctx)
		if refused := (*RootError)(nil); rootErr != nil && (!errors.As(rootErr, &refused) || refused.Wrong) {
			return rootErr
		}
	}
	s.facts.opens = sameKey(s.first.used, s.Key.PublicKey())
	s.result.Plan, err = s.facts.plan(&s.Options, s.root.way(), rootErr, s.first.offered)
	return err
}

// ready finds the ways to root, and takes none yet.
func (s *setup) ready() {
	s.root = &root{user: s.facts.user, host: s.Target.Name, ways: ways(s.facts), ask: s.Person.RootPassword,
		known: map[string][]byte{}, asked: map[string]int{}}
	if s.first.password != nil {
		s.root.known[s.facts.user] = s.first.password
	}
}

func (s *setup) becomeRoot(ctx context.Context) error {
	s.ready()
	return s.inspect(ctx)
}

func (s *setup) inspect(ctx context.Context) error {
	if err := s.facts.inspect(ctx, s.root, s.first); err != nil {
		s.root.refused = err
		return err
	}
	s.step("root", "a change would come into force by: "+effect(s.facts.manner))
	return nil
}

// change does what the plan says. The step that failed is named.
func (s *setup) change(ctx context.Context) (string, error) {
	plan, guarded := s.result.Plan, s.result.Plan.User.guarded()
	steps := []stage{{"install", s.install}}
	if guarded {
		steps = append(steps, stage{"create", s.create})
	}
	steps = append(steps, stage{"prove", s.prove})
	if plan.DropIn {
		steps = append(steps, stage{"rehearse", s.rehearse}, stage{"enforce", s.enforce}, stage{"prove-again", s.proveAgain})
	}
	if plan.DropIn || guarded {
		steps = append(steps, stage{"confirm", s.confirm})
	}
	return s.inOrder(ctx, steps)
}

// confirmAsIs is the end of a run that has nothing to change: what is claimed is proved nevertheless.
func (s *setup) confirmAsIs(ctx context.Context) (Result, error) {
	if err := s.prove(ctx); err != nil {
		return s.fail(ctx, err)
	}
	return s.finish(ctx)
}

// finish states the verdict. Where the drop-in was not placed in this run, root is asked for once more.
func (s *setup) finish(ctx context.Context) (Result, error) {
	plan := s.result.Plan
	s.result.Verdict = Unchanged
	switch {
	case plan.DropIn:
		s.result.Verdict, s.result.KeyOnly = KeyOnly, true
	case plan.NotEnforced != "":
		s.result.Typed = len(typed(s.first.offered)) > 0
		if !plan.Empty() {
			s.result.Verdict = Installed
		}
	default:
		if err := s.closedToRoot(ctx); err != nil {
			return s.fail(ctx, err)
		}
		s.result.KeyOnly = true
		if !plan.Empty() {
			s.result.Verdict = KeyOnly
		}
		s.step("key-only", "already key-only: sshd says so for the user and root, and offers nothing else")
	}
	s.result.Connections, s.result.Commands = s.dialer.opened, s.dialer.commands
	if s.DryRun {
		return s.result, nil
	}
	if err := s.record(ctx); err != nil {
		return s.result, fmt.Errorf("the server is done, but the book is not written: %w", err)
	}
	if plan.Cause != nil {
		return s.result, &NotEnforcedError{s.Target.Account(), typed(s.first.offered), plan.Cause}
	}
	return s.result, nil
}

// closedToRoot asks what root is offered. Errors: *[StillOpenError].
func (s *setup) closedToRoot(ctx context.Context) error {
	if s.Target.User == "root" {
		return nil
	}
	offered, err := s.dialer.ask(ctx, "root")
	if err != nil {
		return err
	}
	if open := typed(offered); len(open) > 0 {
		return &StillOpenError{"root@" + s.Target.Name, open}
	}
	return nil
}

// record writes the book: with every host key of the server, not only the one that this run was spoken to with.
func (s *setup) record(ctx context.Context) error {
	old := book.Host{}
	if page, err := s.Book.Find(s.Target.Name); err == nil && page.Name == s.Target.Name {
		old = page
	}
	s.result.Proved = s.facts.proved(old, s.opened()...)
	keyOnly, checked := s.result.KeyOnly, s.Now().UTC().Truncate(time.Second)
	if s.result.Plan.NotEnforced != "" && old.KeyOnly && !s.result.Typed {
		keyOnly, checked = true, old.CheckedAt // this run has not looked, and has seen nothing that says otherwise
	}
	h := book.Host{
		Name: s.Target.Name, Address: s.Target.Address, Port: s.Target.Port, User: s.Target.User, KnownAs: s.Target.KnownAs, KnownHosts: s.Target.Further, Jump: s.Target.Jump,
		Key: s.KeyName, Fingerprint: fingerprint(s.Key.PublicKey()), HostKeys: cmp.Or(s.again, s.proved, s.first).keys.all(ctx, old.HostKeys),
		Proved: s.result.Proved, DeepAt: old.DeepAt,
		KeyOnly: keyOnly, CheckedAt: checked,
	}
	if err := s.Book.Put(ctx, h); err != nil {
		return err
	}
	s.step("record", fmt.Sprintf("%s, %d host keys", h.Name, len(h.HostKeys)))
	return nil
}

// opened are the keys that opened the server in this run.
func (s *setup) opened() []ssh.PublicKey {
	var keys []ssh.PublicKey
	for _, c := range []*conn{s.first, s.proved, s.again} {
		if c != nil && c.used != nil && c.by.user == s.Target.User {
			keys = append(keys, c.used)
		}
	}
	return keys
}

func sameKey(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}
