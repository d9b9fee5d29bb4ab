package hostsetup

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
)

// RotateOptions says on which server of the book which key takes the place of which. Options.Key is the new one; Logins hold the old one,
// if it is to be had.
type RotateOptions struct {
	Options
	Old ssh.PublicKey
}

// A RotateError means that the old key still opens the server.
type RotateError struct {
	In  bool // the new one was seen to open it, too
	Err error
}

func (e *RotateError) Error() string { return e.Err.Error() }
func (e *RotateError) Unwrap() error { return e.Err }

// Rotate puts the new key next to the old one, proves it by a login of its own, writes it into the book, and only then takes the old one off
// and proves it refused. Each step may find itself done: a run that was cut short anywhere is gone on with by the next. The book names the
// new key before the old one goes, so that the key that it names opens the server at any moment.
//
// also is the account of root, where the old key was seen to open that, too: it is another login, and nothing of it is touched.
//
// Errors: *[RotateError] around what [Add] and [Revoke] return.
func Rotate(ctx context.Context, o RotateOptions) (also string, err error) {
	if err := exchange(ctx, o); err != nil {
		return "", &RotateError{Err: err}
	}
	if _, err := Revoke(ctx, RevokeOptions{Options: o.Options, Lost: []ssh.PublicKey{o.Old}, Own: true}); err != nil {
		return "", &RotateError{In: true, Err: err}
	}
	s, err := begin(&o.Options)
	if err != nil || s.Target.User == "root" {
		return "", nil // the key is off
	}
	defer s.close()
	taken, _, err := s.dialer.query(ctx, auth{user: "root", probe: true}, o.Old)
	if err != nil || !taken[0] {
		s.Log.Info("root was not seen to be opened by the old key", "host", s.Target.Name, "error", err)
		return "", nil
	}
	return "root@" + s.Target.Name, nil
}

// exchange has the new key open the server, and the book say so.
func exchange(ctx context.Context, o RotateOptions) error {
	now := fingerprint(o.Key.PublicKey())
	page, err := o.Book.Find(o.Target.Name)
	if err != nil || page.Fingerprint == now {
		return err
	}
	s, err := begin(&o.Options)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.succeed(ctx, o.Old); err != nil {
		return err
	}
	err = s.Book.Update(ctx, page.Name, func(h *book.Host) error {
		h.Key, h.Fingerprint = s.KeyName, now
		if !slices.Contains(h.Proved, now) {
			h.Proved = append(h.Proved, now)
		}
		return nil
	})
	if err == nil {
		s.step("record", "the book has the new key for it")
	}
	return err
}

// succeed installs the new key and proves it. The line stays where a proof fails: it is this client's own, and the next run goes on from there.
func (s *setup) succeed(ctx context.Context, old ssh.PublicKey) (err error) {
	if err := s.arrive(ctx); err != nil {
		return err
	}
	if s.facts, err = look(ctx, s.first, s.Target.Account()); err != nil {
		return err
	}
	s.facts.opens = sameKey(s.first.used, s.Key.PublicKey())
	if s.result.Plan, err = s.facts.beside(&s.Options, old); err != nil {
		return err
	}
	_, err = s.inOrder(ctx, []stage{{"install", s.install}, {"prove", s.prove}})
	return err
}

// beside is the plan of the new key's line: under the options that bind the old one's, if any do. The modes are good enough for the old one. Errors:
// *[BlockedError].
func (f *facts) beside(o *Options, old ssh.PublicKey) (Plan, error) {
	p := Plan{Account: o.Target.Account(), File: f.keysFile()}
	options, there := "", f.opens
	for _, l := range authkeys.Parse(f.text) {
		there = there || sameKey(l.Key, o.Key.PublicKey())
		if sameKey(l.Key, old) && options == "" && len(l.Options) > 0 {
			options = strings.Join(l.Options, ",") + " "
		}
	}
	switch {
	case there:
	case len(f.stuck) > 0:
		return p, &BlockedError{f.stuck}
	default:
		p.Line = options + authkeys.Format(o.Key.PublicKey(), o.Comment)
	}
	return p, nil
}
