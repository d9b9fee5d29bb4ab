package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
)

// RevokeOptions says which keys come off which server.
type RevokeOptions struct {
	// Options: Key is the key that stays, and the only one that the run logs in with. OthersLose: go on although accounts of
	// others are left without any key.
	Options
	Lost        []ssh.PublicKey // plain public keys, no certificates
	EndSessions bool            // end the sessions that the lost keys have open
	Own         bool            // out of the login's own files alone: the keys are not lost, another takes their place
	// Approve is shown all that will be changed, before anything is; a nil error is the person's yes. nil: nobody is asked.
	Approve func(context.Context, Revocation) error
}

// A Revocation is what was found on a server, what will be changed there, and in the end what came of it.
type Revocation struct {
	Account string        // that the run logged in to
	Files   []RevokedFile // none: the keys stand nowhere
	// Unseen tells whose keys could not be looked at, and why.
	Unseen []string
	// Doors are ways in that no revocation closes: what else sshd asks for keys, and who signs certificates.
	Doors []Problem
	// Left are the files in which a key has to stay: neither root nor whose files they are can write there without danger.
	Left []Problem
	// Losing are accounts of others that the lost keys alone open.
	Losing   []Other
	Sessions []OpenSession // open by the lost keys; in the end: still
	Ended    []OpenSession // and those that were ended
	// Taken: sshd was asked before the change, and would have taken one of the keys.
	Taken bool
	// Done: the keys stand in no file that was seen, and sshd, asked on new connections, takes none of them.
	Done bool
}

// A RevokedFile is a file of keys, and the lines that are taken out of it.
type RevokedFile struct {
	Account string // whose keys these are
	Path    string // the file itself, where it is a link
	Lines   []authkeys.Line
	Diff    string // unified
}

// Lines is how many lines are taken out of all files.
func (r Revocation) Lines() (n int) {
	for _, f := range r.Files {
		n += len(f.Lines)
	}
	return n
}

// An OpenSession is a connection that a lost key opened.
type OpenSession struct {
	PID         string
	User        string
	From        string // address and port
	Fingerprint string
	Unsure      bool // only a log file says so, in which anybody may write: it is not ended
}

// sure are the sessions of which more than a log file tells.
func (r Revocation) sure() []OpenSession {
	return slices.DeleteFunc(slices.Clone(r.Sessions), func(s OpenSession) bool { return s.Unsure })
}

// revoke is one run of [Revoke].
type revoke struct {
	*setup
	o       RevokeOptions
	keys    keyring
	changes []change
	left    []change          // files that have to stay as they are
	taken   map[string][]bool // before the change, by account
	found   Revocation
}

// Revoke takes keys off a server: out of every file in which sshd may look for them, by the key itself and not by its comment. It logs in
// with the key that stays, and with nothing else. It needs no private half of a lost key for its proof: the server is asked whether it
// would take it (RFC 4252 section 7), before and after, and the files are read again.
//
// Errors: as [Add], and *[KeyInUseError], *[StaysRefusedError], *[LastKeyError] before anything was changed; *[HalfRevokedError] where some files are done and
// others are not; *[StillTakenError] where a key is gone from the files and taken nevertheless.
func Revoke(ctx context.Context, o RevokeOptions) (Revocation, error) {
	for _, lost := range o.Lost {
		if sameKey(lost, o.Key.PublicKey()) {
			return Revocation{}, &KeyInUseError{o.Target.Name, o.KeyName, fingerprint(lost)}
		}
	}
	s, err := begin(&o.Options)
	if err != nil {
		return Revocation{}, err
	}
	defer s.close()
	r := &revoke{setup: s, o: o, taken: map[string][]bool{}, found: Revocation{Account: o.Target.Account()}}
	err = r.run(ctx)
	var half *HalfRevokedError
	switch {
	case err == nil || ctx.Err() == nil:
		return r.found, err
	case errors.As(err, &half): // a link that broke, as it seems, when the person had enough
		return r.found, &HalfRevokedError{half.Files, errors.Join(ctx.Err(), half.Err)}
	}
	return r.found, ctx.Err()
}

func (r *revoke) run(ctx context.Context) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.judge(ctx); err != nil {
		return err
	}
	if r.o.Own && len(r.left) > 0 {
		return &BlockedError{r.found.Left}
	}
	if len(r.changes) > 0 || r.o.EndSessions && len(r.found.sure()) > 0 {
		lose := r.lose()
		if lose != nil && !r.DryRun {
			return lose
		}
		if r.o.Approve != nil {
			if err := r.o.Approve(ctx, r.found); err != nil {
				return err
			}
		}
		if lose != nil { // a dry run ends as the run would, and has shown the plan
			return lose
		}
	}
	if r.DryRun {
		return nil
	}
	if err := r.strike(ctx); err != nil {
		return err
	}
	if err := r.prove(ctx); err != nil {
		return err
	}
	if r.found.Done = len(r.left) == 0; !r.found.Done {
		return nil
	}
	return r.forget(ctx)
}

// enter logs in by the key that stays, alone, and asks on the same connection whether the lost ones would be taken.
func (r *revoke) enter(ctx context.Context) error {
	taken, c, err := r.dialer.query(ctx, r.by(r.Key), r.o.Lost...)
	if err != nil {
		return r.refusedIn(err)
	}
	r.taken[r.Target.User] = taken
	r.first = c
	if err := r.arrived(); err != nil {
		return err
	}
	if r.facts, err = look(ctx, c, r.Target.Account()); err != nil {
		return err
	}
	if r.facts.user != r.Target.User {
		return &ForcedError{Account: r.Target.Account(), User: r.Target.User, Output: "user " + r.facts.user}
	}
	if r.o.Own && r.facts.uid != 0 {
		r.root = &root{refused: &RootError{Account: r.Target.Account(), Why: "it was not to"}}
	}
	return nil
}

// refusedIn is err, or that the key that stays was refused.
func (r *revoke) refusedIn(err error) error {
	var refused *LoginError
	if errors.As(err, &refused) && !refused.Ended() && len(refused.Partial) == 0 {
		return &StaysRefusedError{r.Target.Account(), r.KeyName, err}
	}
	return err
}

// without are the files that lose lines, and those in which lines have to stay.
func (r *revoke) without() (changes, left []change) {
	changes, left = r.keys.without(r.o.Lost, r.facts.user)
	if r.o.Own {
		anothers := func(c change) bool {
			return slices.ContainsFunc(c.owners, func(who string) bool { return who != r.facts.user })
		}
		changes, left = slices.DeleteFunc(changes, anothers), slices.DeleteFunc(left, anothers)
	}
	return changes, left
}

// judge asks about the accounts in whose files the keys stand, and says what is to be changed.
func (r *revoke) judge(ctx context.Context) error {
	var err error
	r.changes, r.left = r.without()
	for _, c := range r.changes {
		r.found.Files = append(r.found.Files, c.shown())
	}
	for _, c := range r.left {
		r.found.Left = append(r.found.Left, c.outOfReach())
	}
	for i, who := range r.accounts() {
		if who == r.Target.User {
			continue
		}
		var ended *LoginError
		if r.taken[who], err = r.wouldTake(ctx, i, who); err != nil && !errors.As(err, &ended) {
			return err
		}
	}
	for _, taken := range r.taken {
		r.found.Taken = r.found.Taken || slices.Contains(taken, true)
	}
	r.found.Unseen, r.found.Doors = r.keys.unseen, r.keys.doors(r.o.Lost)
	r.found.Losing = r.keys.losing(r.changes, r.o.Lost, r.Target.User)
	if r.o.EndSessions || r.DryRun { // else they are listed in the end
		if r.found.Sessions, err = r.sessions(ctx, "list"); err != nil {
			return err
		}
	}
	r.step("keys", fmt.Sprintf("%s in %s; %s looked at", plural(r.found.Lines(), "line"), plural(len(r.found.Files), "file"), plural(r.keys.accounts, "account")))
	return nil
}

// accounts are those in whose files the keys stand, the login's, and root's, which is worth a question even where no file that was seen has them.
func (r *revoke) accounts() []string {
	all := []string{r.Target.User}
	if !r.o.Own && r.Target.User != "root" {
		all = append(all, "root")
	}
	for _, c := range slices.Concat(r.changes, r.left) {
		for _, who := range c.owners {
			if !slices.Contains(all, who) {
				all = append(all, who)
			}
		}
	}
	return all
}

// wouldTake asks about one account, without a login. The nth refusal that a server sees in short time is one too many for it
// (PerSourcePenalties), so from the third on they are asked for slowly.
func (r *revoke) wouldTake(ctx context.Context, n int, who string) (taken []bool, err error) {
	if n > 2 {
		if err := rest(ctx, refusalPause); err != nil {
			return nil, err
		}
	}
	err = patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
		taken, _, err = r.dialer.query(ctx, auth{user: who, probe: true}, r.o.Lost...)
		return err
	})
	var none *LoginError
	if errors.As(err, &none) && !none.Ended() { // no key at all opens this account
		return make([]bool, len(r.o.Lost)), nil
	}
	return taken, err
}

// lose tells which accounts of others would be left without any key. Error: *[LastKeyError], unless that is what the person wants.
func (r *revoke) lose() error {
	if len(r.found.Losing) == 0 || r.OthersLose {
		return nil
	}
	return &LastKeyError{r.found.Losing}
}

// prove reads all files again, and asks sshd about each key and account on new connections, the first of them opened by the key that stays.
func (r *revoke) prove(ctx context.Context) error {
	if len(r.changes) > 0 {
		if err := r.read(ctx); err != nil {
			return &HalfRevokedError{Err: err}
		}
		if still, _ := r.without(); len(still) > 0 {
			return &HalfRevokedError{paths(still), &Failure{Verb: "revoke", What: "changed", Detail: strings.Join(paths(still), ", ")}}
		}
	}
	if len(r.changes)+len(r.left) > 0 {
		if err := r.refused(ctx); err != nil {
			return err
		}
	}
	for who, taken := range r.taken {
		if len(r.changes)+len(r.left) == 0 && slices.Contains(taken, true) {
			return r.stillTaken(who, taken)
		}
	}
	return r.endSessions(ctx)
}

// refused: no key is taken any more.
func (r *revoke) refused(ctx context.Context) error {
	for i, who := range r.accounts() {
		var taken []bool
		var err error
		if who == r.Target.User {
			var c *conn
			err = patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
				taken, c, err = r.dialer.query(ctx, r.by(r.Key), r.o.Lost...)
				return err
			})
			if err == nil {
				_ = c.Close() // it was opened for the answer, and to see that the other key still opens it
			}
		} else {
			taken, err = r.wouldTake(ctx, i, who)
		}
		if err != nil {
			return &HalfRevokedError{Err: err}
		}
		if slices.Contains(taken, true) {
			return r.stillTaken(who, taken)
		}
	}
	r.step("refused", "on new connections to "+strings.Join(r.accounts(), ", "))
	return nil
}

func (r *revoke) stillTaken(who string, taken []bool) error {
	return &StillTakenError{who + "@" + r.Target.Name, fingerprint(r.o.Lost[slices.Index(taken, true)]), slices.Concat(r.found.Left, r.found.Doors), r.found.Unseen}
}

// forget: the book does not count these keys as ones that open the server any more.
func (r *revoke) forget(ctx context.Context) error {
	err := r.Book.Update(ctx, r.Target.Name, func(h *book.Host) error {
		h.Proved = slices.DeleteFunc(h.Proved, func(print string) bool {
			return slices.ContainsFunc(r.o.Lost, func(k ssh.PublicKey) bool { return fingerprint(k) == print })
		})
		return nil
	})
	if errors.Is(err, book.ErrNoHost) {
		return nil
	}
	return err
}

func paths(changes []change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.at)
	}
	return all
}
