package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/sshd"
)

// A RootOpenError means that root still gets in, although it should not any more.
type RootOpenError struct{ Account, By string }

func (e *RootOpenError) Error() string { return fmt.Sprintf("%s still gets in: %s", e.Account, e.By) }

// shutsRoot: the settings will shut root out. What was asked for once stays so.
func (f *facts) shutsRoot(o *Options) bool { return o.NoRoot || sshd.ShutsRoot(f.dropIn) }

// rootShut tells whether sshd itself says that root gets in by nothing, wherever it comes from.
func (f *facts) rootShut() bool {
	return f.privileged && !f.unconfirmed() && f.effective["root"].RootShut() && len(sshd.RootDoors(f.files)) == 0
}

// inRootsWay is what stands in the way of shutting root out: what our settings would not close, and that nobody else is seen to become
// root.
func (f *facts) inRootsWay(o *Options, way string) []Problem {
	if !o.NoRoot {
		return nil
	}
	var found []Problem
	for _, d := range sshd.RootDoors(f.files) {
		p := problem("root-elsewhere", "where", d.Where(), "value", d.Value)
		if d.Inside {
			p = problem("root-in-match", "where", d.Where(), "value", d.Value, "match", inside(d.Line))
		}
		found = append(found, p)
	}
	switch {
	case f.uid == 0:
		found = append(found, problem("root-alone", "user", f.user))
	case !slices.Contains([]string{"sudo", "doas"}, way):
		found = append(found, problem("root-by-su", "user", f.user))
	}
	return found
}

// rootsKey finds out whether a key that we have opens root, by a login: sshd answers a query for root's key the same, whatever
// PermitRootLogin says, and looks at that only once the key has signed.
func (s *setup) rootsKey(ctx context.Context) error {
	if !s.result.Plan.NoRoot {
		return nil
	}
	key := s.Key
	if s.first.by.user == "root" {
		if s.first.used == nil {
			return nil // root came by its password, and that is offered to nobody any more
		}
		s.opensRoot = s.first.by.signers[0]
		return nil
	}
	taken, _, err := s.dialer.query(ctx, auth{user: "root", probe: true}, key.PublicKey())
	if refused := (*LoginError)(nil); errors.As(err, &refused) || err == nil && !taken[0] {
		return nil
	}
	if err == nil && s.letsRootIn(ctx, key) == nil {
		s.opensRoot = key
	}
	return err
}

// letsRootIn is one login as root. Errors: as open's.
func (s *setup) letsRootIn(ctx context.Context, key ssh.Signer) error {
	return patiently(ctx, time.Now().Add(handshakeLimit), func() error {
		c, _, err := s.dialer.open(ctx, auth{user: "root", signers: []ssh.Signer{key}})
		if err == nil {
			_ = c.Close() // it was only to see
		}
		return err
	})
}

// proveRootShut: what sshd says of root, and that the key that opened root, if we have it, does not any more. It returns what it saw.
func (s *setup) proveRootShut(ctx context.Context) (string, error) {
	root := "root@" + s.Target.Name
	if s.rootLogin != "no" {
		return "", &RootOpenError{root, "sshd says PermitRootLogin " + quoted(s.rootLogin)}
	}
	if s.opensRoot == nil {
		return "sshd says PermitRootLogin no", nil
	}
	err := s.letsRootIn(ctx, s.opensRoot)
	if refused := (*LoginError)(nil); errors.As(err, &refused) {
		return "sshd says PermitRootLogin no, and the key that opened root is refused", nil
	}
	if err == nil {
		err = &RootOpenError{root, "the key that opened it does"}
	}
	return "", err
}
