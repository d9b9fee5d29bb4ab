package hostsetup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
)

const authorizedKeys = ".ssh/authorized_keys"

// arriveAsMade is for a run that was done before: the login that it began with is closed since, and the user that it made gets in.
func (s *setup) arriveAsMade(ctx context.Context, refused error) error {
	var login *LoginError
	if s.CreateUser == "" || !errors.As(refused, &login) {
		return refused
	}
	c, _, err := s.dialer.open(ctx, auth{user: s.CreateUser, signers: []ssh.Signer{s.Key}})
	if err != nil {
		return cmp.Or(ctx.Err(), refused)
	}
	_ = c.Close() // it shows that there is nobody to be made
	s.Target.User, s.CreateUser = s.CreateUser, ""
	return s.arrive(ctx)
}

// meet is the survey for a new user: the login is another's, and the account may not be there yet. It changes nothing.
func (s *setup) meet(ctx context.Context) error {
	login := s.facts
	if name := software(s.first.ServerVersion()); name != openSSH {
		return &BlockedError{[]Problem{problem("create-other-server", "server", name)}}
	}
	s.ready()
	told, err := s.root.do(ctx, s.first, remote.Newcomer, s.CreateUser)
	if err != nil {
		return err
	}
	user, found, problems := meeting(s.CreateUser, told)
	if len(problems) > 0 {
		return &BlockedError{problems}
	}
	s.Target.User, s.facts = user.Name, found
	if user.There {
		a, err := s.root.doAs(ctx, s.first, found, remote.Look)
		if s.facts, err = looked(s.first, s.Target.Account(), a, err); err != nil {
			return err
		}
	}
	s.facts.client, s.facts.server, s.facts.port = login.client, login.server, login.port
	if err := s.inspect(ctx); err != nil {
		return err
	}
	user.linked = !s.facts.there && s.facts.keys == authorizedKeys
	if s.result.Plan, err = s.facts.plan(&s.Options, "sudo", nil, s.first.offered); err != nil {
		return err
	}
	if theirs := s.facts.keysBeside(s.Key.PublicKey()); user.There && user.Sudoers != "" && len(theirs) > 0 {
		return &BlockedError{[]Problem{problem("user-of-others", "user", user.Name, "keys", strings.Join(theirs, ", "))}}
	}
	if !s.facts.effective[user.Name].Admits(user.Name, user.groups) {
		return &BlockedError{[]Problem{problem("user-not-admitted", "user", user.Name)}}
	}
	user.linked = user.linked && s.result.Plan.Line != ""
	s.result.Plan.User, s.result.Plan.Diff = user, diff(user.Sudoers, user.before, user.sudoers)+s.result.Plan.Diff
	return s.ownSudo(ctx, told.Get("sudo"))
}

// keysBeside are the fingerprints of the account's keys that are not key: their owners would get whatever the account is given.
func (f *facts) keysBeside(key ssh.PublicKey) []string {
	var theirs []string
	for _, text := range f.texts() {
		for _, l := range authkeys.All(text) {
			if !sameKey(l.Key, key) {
				theirs = append(theirs, fingerprint(l.Key))
			}
		}
	}
	return theirs
}

// ownSudo is the new user's way to root, by sudo alone. Where sudo asks for the account's own password, the person is asked now: later the
// undo's time runs.
func (s *setup) ownSudo(ctx context.Context, path string) error {
	user := s.result.Plan.User
	refused := &RootError{Account: s.Target.Account(), Why: "sudo asks for a password"}
	s.owner = &root{user: user.Name, host: s.Target.Name, ways: []way{{"sudo", path, false}}, known: map[string][]byte{}, asked: map[string]int{},
		ask: func(context.Context, RootQuestion) ([]byte, error) { return nil, refused }}
	if !user.Asked || s.DryRun {
		return nil
	}
	password, err := s.Person.RootPassword(ctx, RootQuestion{Way: "sudo", Account: s.Target.Account(), Attempt: 1})
	refused.Why, refused.Wrong = "sudo: the password was not it", true
	s.owner.known[user.Name] = password
	return err
}

// create arms the undo switch, and has it let the new user in: the account, its key, its sudo. All but the account itself goes again with the
// switch, so this comes after all that can be seen beforehand.
func (s *setup) create(ctx context.Context) error {
	u, line := s.result.Plan.User, ""
	if u.linked {
		line = s.result.Plan.Line
	}
	if err := s.stage(ctx); err != nil {
		return err
	}
	home := u.Home
	if u.There {
		home = "-"
	}
	s.deadline()
	a, err := s.root.do(ctx, s.first, remote.Create, s.token, seconds(s.UndoAfter), s.first.by.user, s.facts.server, s.facts.port,
		u.Name, home, u.Shell, cmp.Or(u.Group, "-"), line, u.sudoers)
	s.born = !u.There && (a != nil && a.Has("made") || errors.Is(err, ErrCutOff))
	if err := s.sawArmed(a, err); err != nil {
		return err
	}
	did := []string{}
	if s.born {
		did = append(did, u.Name+" made, with no password")
	}
	if u.linked {
		did = append(did, "the key is in "+s.result.Plan.File)
	}
	if u.Sudoers != "" {
		did = append(did, u.Sudoers+": sudo without a password")
	}
	s.step("create", strings.Join(did, "; "))
	return nil
}

// proveSudo has the user become root, on the connection that its key opened.
func (s *setup) proveSudo(ctx context.Context) error {
	p, err := s.onRoot(s.proved).start(ctx, s.proved, "id -u")
	if err != nil {
		return err
	}
	defer p.close()
	said, err := io.ReadAll(io.LimitReader(p.out, 64))
	if who := strings.TrimSpace(string(said)); err != nil || who != "0" {
		return errors.Join(err, &RootError{Account: s.Target.Account(), Why: fmt.Sprintf("sudo made it user %s", quoted(who))})
	}
	s.step("prove", s.Target.User+" logged in by this key alone, and became root by "+s.onRoot(s.proved).way())
	return nil
}

// onRoot is the way to root on c: the new user's own, on its connections.
func (s *setup) onRoot(c *conn) *root {
	if s.owner != nil && c.by.user == s.owner.user {
		return s.owner
	}
	return s.root
}

// asOwner runs a verb as the user whose key it is.
func (s *setup) asOwner(ctx context.Context, c *conn, v remote.Verb, args ...string) (*remote.Answer, error) {
	if c.by.user == s.Target.User {
		return c.do(ctx, v, args...)
	}
	return s.root.doAs(ctx, c, s.facts, v, args...)
}

// doAs runs a verb as another user, in its home folder: where users may have put links, root writes nothing.
func (r *root) doAs(ctx context.Context, c *conn, f *facts, v remote.Verb, args ...string) (*remote.Answer, error) {
	p, err := r.start(ctx, c, fmt.Sprintf("setpriv --reuid %d --regid %d --init-groups env HOME=%s sh -s", f.uid, f.gid, remote.Quote(f.home)))
	if err != nil {
		return nil, err
	}
	defer p.close()
	return p.verb(v, args...)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
