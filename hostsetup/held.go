package hostsetup

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

// How long we wait while a server holds something against our address, and how often it is asked meanwhile: OpenSSH 9.8 and later
// let nobody in for 15 s at least, and longer for more (sshd_config(5), PerSourcePenalties).
const (
	heldLimit = 40 * time.Second
	heldPause = 3 * time.Second
)

// open makes one connection, for which it waits if it has to. Errors: *[UnreachableError], *[HostKeyError], *[LoginError], errAsked.
func (d *dialer) open(ctx context.Context, a auth) (*conn, *state, error) {
	var until time.Time
	for {
		c, s, err := d.openNow(ctx, a)
		if !keptOut(err) {
			return c, s, err
		}
		if until.IsZero() {
			until = time.Now().Add(heldLimit)
			if d.held != nil {
				d.held()
			}
		}
		if time.Now().Add(heldPause).After(until) || rest(ctx, heldPause) != nil {
			return c, s, cmp.Or(ctx.Err(), err)
		}
	}
}

// keptOut tells whether a server has hung up because of what it holds against our address. These are sshd's words.
func keptOut(err error) bool {
	gone := (*UnreachableError)(nil)
	return errors.As(err, &gone) && gone.HungUp && strings.HasPrefix(gone.Said, "Not allowed at this time")
}

// held tells the person that we wait.
func (s *setup) held() {
	s.step("held", "sshd there holds refusals against this computer (PerSourcePenalties): it is asked again for "+seconds(heldLimit)+" s")
}
