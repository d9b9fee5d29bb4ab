package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
)

// strike takes the lines out, file by file. Where somebody has changed a file meanwhile, all is looked at once more; what the person
// has seen is what goes.
func (r *revoke) strike(ctx context.Context) error {
	for at, again := 0, false; at < len(r.changes); {
		err := ctx.Err()
		if err == nil {
			err = r.strikeOne(ctx, r.changes[at])
		}
		var failure *remote.Failure
		if errors.As(err, &failure) && failure.What == "changed" && !again {
			again = true
			if err = r.look(ctx, at); err == nil {
				continue
			}
		}
		switch {
		case err != nil && at == 0:
			return err
		case err != nil:
			return &HalfRevokedError{paths(r.changes[at:]), err}
		}
		c := r.changes[at]
		r.step("revoke", fmt.Sprintf("%s: %s", c.at, plural(len(c.gone), "line")))
		at++
	}
	return nil
}

// look reads the files that are not done yet once more. Other lines of theirs may have changed; those that go may not.
func (r *revoke) look(ctx context.Context, done int) error {
	if err := r.read(ctx); err != nil {
		return err
	}
	now, _ := r.without()
	same := slices.EqualFunc(now, r.changes[done:], func(a, b change) bool {
		return a.at == b.at && a.actor.name == b.actor.name && slices.EqualFunc(a.gone, b.gone, func(x, y authkeys.Line) bool { return x.Text == y.Text })
	})
	if !same {
		return &remote.Failure{Verb: "revoke", What: "changed", Detail: r.changes[done].at}
	}
	copy(r.changes[done:], now)
	return nil
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
	for _, line := range a.All("session") {
		if p := strings.Fields(line); len(p) == 5 {
			all = append(all, OpenSession{p[0], p[1], p[2] + " port " + p[3], p[4]})
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
	if r.o.EndSessions && len(r.found.Sessions) > 0 {
		return &HalfRevokedError{Err: fmt.Errorf("%s still open", plural(len(r.found.Sessions), "session"))}
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
