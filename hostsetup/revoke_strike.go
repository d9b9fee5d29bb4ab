package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
)

// strike takes the lines out, file by file. Before the first of them the key that stays opens the server once more: since the plan was made, somebody may
// have taken that one off. Where somebody has changed a file meanwhile, all is looked at once more; what the person has seen is what goes. A file
// that changes again and again is left, and keeps no other from being done.
func (r *revoke) strike(ctx context.Context) error {
	if len(r.changes) == 0 {
		return nil
	}
	if err := r.stays(ctx); err != nil {
		return err
	}
	var busy []change
	var why error
	for at, again := 0, 0; at < len(r.changes); {
		err := ctx.Err()
		if err == nil {
			err = r.strikeOne(ctx, r.changes[at])
		}
		var failure *remote.Failure
		changed := errors.As(err, &failure) && failure.What == "changed"
		if changed && again < mostLooks {
			again++
			if err = r.look(ctx, at); err == nil {
				continue
			}
			changed = errors.As(err, &failure) && failure.What == "changed"
		}
		c := r.changes[at]
		switch {
		case changed:
			busy, why = append(busy, c), err
		case err != nil && at == len(busy): // none is done
			return err
		case err != nil:
			return &HalfRevokedError{paths(append(busy, r.changes[at:]...)), err}
		default:
			r.step("revoke", fmt.Sprintf("%s: %s", c.at, plural(len(c.gone), "line")))
		}
		at, again = at+1, 0
	}
	if len(busy) > 0 && len(busy) < len(r.changes) {
		return &HalfRevokedError{paths(busy), why}
	}
	return why
}

// mostLooks is how often a file is looked at once more.
const mostLooks = 2

// stays logs in anew by the key that stays. Errors: *[StaysRefusedError].
func (r *revoke) stays(ctx context.Context) error {
	var c *conn
	err := patiently(ctx, time.Now().Add(handshakeLimit), func() (err error) {
		c, _, err = r.dialer.open(ctx, r.by(r.Key))
		return err
	})
	if err != nil {
		return r.refusedIn(err)
	}
	return c.Close()
}

// look reads the files once more. In the one that is at hand other lines may have changed; those that go may not, and the key that
// stays is neither gone from it nor from the server.
func (r *revoke) look(ctx context.Context, at int) error {
	if err := r.stays(ctx); err != nil {
		return err
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	was := r.changes[at]
	changed := &remote.Failure{Verb: "revoke", What: "changed", Detail: was.at}
	now, _ := r.without()
	i := slices.IndexFunc(now, func(c change) bool { return c.at == was.at && c.actor.name == was.actor.name })
	if i < 0 || !slices.EqualFunc(now[i].gone, was.gone, func(x, y authkeys.Line) bool { return x.Text == y.Text }) {
		return changed
	}
	if holds(was.before, r.Key.PublicKey()) && !holds(now[i].now, r.Key.PublicKey()) {
		return changed
	}
	r.changes[at] = now[i]
	return nil
}

// holds tells whether a line of text has the key.
func holds(text string, key ssh.PublicKey) bool {
	_, lines := authkeys.Without(text, key)
	return len(lines) > 0
}

func (r *revoke) strikeOne(ctx context.Context, c change) error {
	args := []string{c.at, cksum(c.before), cksum(c.now)}
	for _, l := range c.gone {
		args = append(args, strconv.Itoa(l.Number))
	}
	switch {
	case !r.keys.root:
		_, err := r.first.do(ctx, remote.Revoke, args...)
		return err
	case c.actor.name == "root":
		_, err := r.root.do(ctx, r.first, remote.Revoke, args...)
		return err
	}
	p, err := r.root.start(ctx, r.first, dropTo(r.keys.drop, c.actor))
	if err != nil {
		return err
	}
	defer p.close()
	_, err = p.verb(remote.Revoke, args...)
	return err
}

// dropTo is a shell that root starts as another.
func dropTo(program string, x account) string {
	quoted := remote.Quote(program)
	switch path.Base(program) {
	case "setpriv":
		return fmt.Sprintf("%s --reuid=%d --regid=%d --init-groups -- sh -s", quoted, x.uid, x.gid)
	case "runuser":
		return quoted + " -u " + remote.Quote(x.name) + " -- sh -s"
	}
	return quoted + " -s /bin/sh -c 'exec sh -s' " + remote.Quote(x.name)
}

// sessions lists, as root, the connections that the lost keys have opened, or ends them. Where they cannot be seen, that is said.
func (r *revoke) sessions(ctx context.Context, mode string) ([]OpenSession, error) {
	if !r.keys.root {
		return nil, nil // told already
	}
	args := []string{mode}
	for _, key := range r.o.Lost {
		args = append(args, fingerprint(key))
	}
	a, err := r.root.do(ctx, r.first, remote.Sessions, args...)
	var failure *remote.Failure
	if errors.As(err, &failure) && failure.What == "noss" {
		if why := "open sessions, since ss(8) is not there"; !slices.Contains(r.found.Unseen, why) {
			r.found.Unseen = append(r.found.Unseen, why)
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []OpenSession
	for _, kind := range []string{"session", "maybe"} {
		for _, line := range a.All(kind) {
			if p := strings.Fields(line); len(p) == 5 {
				all = append(all, OpenSession{p[0], p[1], p[2] + " port " + p[3], p[4], kind == "maybe"})
			}
		}
	}
	return all, nil
}

// endSessions ends what the lost keys have open, if that is wanted, and sees that it is gone.
func (r *revoke) endSessions(ctx context.Context) error {
	var err error
	if r.o.EndSessions {
		if r.found.Ended, err = r.sessions(ctx, "end"); err != nil {
			return &HalfRevokedError{Err: err}
		}
	}
	if r.found.Sessions, err = r.sessions(ctx, "list"); err != nil {
		return &HalfRevokedError{Err: err}
	}
	if sure := r.found.sure(); r.o.EndSessions && len(sure) > 0 {
		return &HalfRevokedError{Err: fmt.Errorf("%s still open", plural(len(sure), "session"))}
	}
	if len(r.found.Ended) > 0 {
		r.step("sessions", plural(len(r.found.Ended), "session")+" ended, and seen to be gone")
	}
	return nil
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// cksum is what cksum(1) says of text: its CRC and its size (POSIX, cksum).
func cksum(text string) string {
	var crc uint32
	add := func(b byte) {
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	for i := range len(text) {
		add(text[i])
	}
	for n := len(text); n > 0; n >>= 8 {
		add(byte(n))
	}
	return fmt.Sprintf("%d %d", ^crc, len(text))
}
