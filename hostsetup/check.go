package hostsetup

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
	"kagiban/hostsetup/remote"
)

// CheckOptions says which server [Check] looks at, and how well.
type CheckOptions struct {
	// Options: without a Key nobody logs in, and only what is offered can be looked at. The book must know the server.
	Options
	NoKey string // why there is no Key, for people
	// Deep asks what a name that does not exist is offered, too. Who watches the door counts that (fail2ban), so it is done at most once
	// in [DeepPause].
	Deep bool
}

// DeepPause is how long a server is left in peace after it was asked for a name that does not exist.
const DeepPause = 10 * time.Minute

// Health is what [Check] saw.
type Health struct {
	// KeyOnly: all was looked at, and nothing typed lets anybody in, neither now nor after sshd's next start.
	KeyOnly bool
	// Open: something typed was seen to let somebody in, now or after sshd's next start. Where neither is so, not all could be looked at.
	Open     bool
	Methods  []string  // offered to the user
	Problems []Problem // some of them are no reason not to call it key-only: a second factor, say
	Proved   []string  // fingerprints of the keys that were seen to open it, and whose lines still stand
}

// exam is one run of [Check].
type exam struct {
	*setup
	page   book.Host
	health Health
	unsure bool         // something was not looked at
	named  []netip.Addr // what the server's name stands for here
}

// Check looks whether a server of the book is still key-only: what it offers on the wire, to the user and root, wherever an SSH server listens; and, with
// root, what sshd makes of its files for each account with a shell. It changes nothing there, and asks nobody for the account's password.
//
// Errors: *[UnreachableError], *[HostKeyError], *[ConfigError], [book.ErrNoHost], ctx's.
func Check(ctx context.Context, o CheckOptions) (Health, error) {
	s, page, err := call(o.Options)
	if err != nil {
		return Health{}, err
	}
	defer s.close()
	e := &exam{setup: s, page: page, health: Health{Problems: []Problem{}, Proved: page.Proved}}
	for _, look := range []func(context.Context) error{e.enter(o.NoKey), e.wire, e.lookInside} {
		if err := look(ctx); err != nil {
			return e.health, cmp.Or(ctx.Err(), err)
		}
	}
	if o.Deep {
		if err := e.nobody(ctx); err != nil {
			return e.health, cmp.Or(ctx.Err(), err)
		}
	}
	e.mendFirst()
	e.health.KeyOnly = !e.health.Open && !e.unsure
	return e.health, nil
}

// note adds a problem with which the server is key-only nevertheless.
func (e *exam) note(p ...Problem) { e.health.Problems = append(e.health.Problems, p...) }

// open adds a way in for something typed.
func (e *exam) open(p ...Problem) {
	e.note(p...)
	e.health.Open = e.health.Open || len(p) > 0
}

// doubt adds what could not be looked at.
func (e *exam) doubt(p ...Problem) {
	e.note(p...)
	e.unsure = e.unsure || len(p) > 0
}

// call is the beginning of a run that only looks: the server has to be the one that the book knows, and nobody is asked about that.
func call(o Options) (*setup, book.Host, error) {
	page, err := o.Book.Find(o.Target.Name)
	if err != nil {
		return nil, page, err
	}
	o.fill()
	id, err := bookIdentity(o.Target, HostKeyPolicy{}, page)
	return newSetup(o, id), page, err
}

// bookIdentity is the identity of a server that is in the book, which is asked for the kinds of key that the book has.
func bookIdentity(t Target, p HostKeyPolicy, page book.Host) (*identity, error) {
	id, err := newIdentity(t, p, inBook(page))
	if err == nil {
		id.proved = page.HostKeys
	}
	return id, err
}

// inBook accepts, on first contact as known_hosts has it, a key that the server proved to hold when it was added.
func inBook(h book.Host) func(context.Context, string, ssh.PublicKey) error {
	return func(_ context.Context, known string, key ssh.PublicKey) error {
		if slices.Contains(h.HostKeys, authkeys.Format(key, "")) {
			return nil
		}
		return &HostKeyError{Known: known, Key: key, Changed: len(h.HostKeys) > 0, Where: "the book (hosts.toml)", Page: h.Name}
	}
}

// enter logs in by an identity, and hears what the user is offered. Where nobody can log in it is asked all the same.
func (e *exam) enter(noKey string) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		if e.Key == nil {
			e.health.Methods, err = e.dialer.ask(ctx, e.Target.User)
			e.doubt(problem("no-login", "account", e.Target.Account(), "why", noKey, "key", e.page.Key, "name", e.Target.Name))
			return err
		}
		e.first, err = e.dialer.login(ctx, auth{user: e.Target.User, signers: e.identities()})
		var refused *LoginError
		switch {
		case errors.As(err, &refused):
			if e.health.Methods = refused.Offered; len(refused.Offered) == 0 || len(refused.Partial) > 0 {
				e.health.Methods, err = e.dialer.ask(ctx, e.Target.User)
			} else {
				err = nil
			}
			e.refused(refused)
			return err
		case err != nil:
			return err
		}
		e.health.Methods = e.first.offered
		if !sameKey(e.first.used, e.Key.PublicKey()) {
			e.note(problem("key-no-longer", "account", e.Target.Account(), "key", e.page.Key, "name", e.Target.Name))
		}
		return nil
	}
}

// refused says why nobody came in, so that nothing inside was looked at.
func (e *exam) refused(r *LoginError) {
	switch {
	case len(r.Partial) > 0:
		e.note(problem("needs-second-factor", "accounts", e.Target.Account(), "methods", strings.Join(r.Offered, ", ")))
		e.doubt(problem("inside-not-seen", "account", e.Target.Account(), "why", "the login asks for more than a key"))
	case r.Unsigned != nil:
		e.doubt(problem("inside-not-seen", "account", e.Target.Account(), "why", "this client's key did not sign: "+printed(r.Unsigned.Error())))
	case r.Ended():
		e.doubt(problem("inside-not-seen", "account", e.Target.Account(), "why", "the login ended: "+cmp.Or(r.Said, printed(r.Err.Error()))))
	default:
		e.doubt(problem("key-no-longer", "account", e.Target.Account(), "key", e.page.Key, "name", e.Target.Name, "methods", strings.Join(e.health.Methods, ", ")))
	}
}

// users are those who are asked for by name.
func (e *exam) users() []string {
	if e.Target.User == "root" {
		return []string{"root"}
	}
	return []string{e.Target.User, "root"}
}

// wire judges what is offered where we came in.
func (e *exam) wire(ctx context.Context) error {
	for i, user := range e.users() {
		offered := e.health.Methods
		if i > 0 {
			err := patiently(ctx, time.Now().Add(reloadLimit), func() (err error) {
				offered, err = e.dialer.ask(ctx, user)
				return err
			})
			if err != nil {
				return err
			}
		}
		if open := typed(offered); len(open) > 0 {
			e.open(problem("password-offered", "account", user+"@"+e.Target.Name, "methods", strings.Join(open, ", "), "name", e.Target.Name))
		}
	}
	return nil
}

// lookInside looks at all that only root sees. What cannot be seen is said.
func (e *exam) lookInside(ctx context.Context) (err error) {
	if e.first == nil || slices.Equal(e.first.offered, []string{"none"}) {
		return nil
	}
	if e.facts, err = look(ctx, e.first, e.Target.Account()); err != nil {
		return e.unseen(ctx, err)
	}
	e.seen()
	if software(e.first.ServerVersion()) == openSSH {
		err = e.becomeRoot(ctx)
	} else {
		e.ready() // its switch for passwords is one for all accounts, and the wire has shown it
	}
	var a *remote.Answer
	if err == nil {
		a, err = e.root.do(ctx, e.first, remote.Listen)
	}
	if err != nil {
		return e.unseen(ctx, err)
	}
	e.seen() // in all of its files
	if e.facts.privileged {
		e.drift()
		e.crowd(a.Get("shells"))
	}
	return e.listening(ctx, a)
}

// unseen says that not all could be looked at, and what would help.
func (e *exam) unseen(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	about := []string{"account", e.Target.Account(), "methods", strings.Join(e.health.Methods, ", "), "why", err.Error(), "name", e.Target.Name}
	var refused *RootError
	switch {
	case e.health.Open:
		e.doubt(problem("inside-not-seen", about...))
	case errors.Is(err, ErrNoPassword), errors.As(err, &refused) && refused.Wrong:
		e.doubt(problem("root-not-asked", about...))
	default:
		e.doubt(problem("others-not-checked", about...))
	}
	return nil
}

// nobody asks what a name that does not exist is offered.
func (e *exam) nobody(ctx context.Context) error {
	now := e.Now().UTC().Truncate(time.Second)
	asked := false
	err := e.Book.Update(ctx, e.page.Name, func(h *book.Host) error {
		if asked = now.Sub(h.DeepAt) >= DeepPause || h.DeepAt.After(now); asked {
			h.DeepAt = now // before it is done: two programs may check at once
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !asked {
		e.note(problem("deep-later", "name", e.Target.Name, "minutes", "10"))
		return nil
	}
	name := "kagiban-" + remote.Nonce()[:8]
	offered, err := e.dialer.ask(ctx, name)
	if err != nil {
		return err
	}
	if open := typed(offered); len(open) > 0 {
		e.open(problem("password-offered-nobody", "account", name+"@"+e.Target.Name, "methods", strings.Join(open, ", "), "name", e.Target.Name))
	}
	return nil
}
