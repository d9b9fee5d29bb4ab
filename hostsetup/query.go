package hostsetup

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// mostRefused is how many refusals one connection is made to take by asking: sshd hangs up after six (sshd_config(5), MaxAuthTries), and
// from the third on writes them where fail2ban reads them.
const mostRefused = 2

// A query asks whether a key would open an account: the key is shown without a signature (RFC 4252 section 7), so nobody's private half is
// needed, and nothing is proved of who has it.
type query struct {
	key             ssh.PublicKey
	answered, taken bool
}

// query asks the server about keys, and logs in by a on the same connection: who comes and leaves without a login is counted
// (sshd_config(5), PerSourcePenalties). With a.probe it does not log in, and there is no connection. Many refusals are spread over connections. A key whose line
// has from= is taken only if this computer is named there.
//
// Errors: [ErrBlind]; those of open, the first of which leaves no key with an answer.
func (d *dialer) query(ctx context.Context, a auth, keys ...ssh.PublicKey) ([]bool, *conn, error) {
	a.queries = make([]*query, len(keys))
	for i, key := range keys {
		a.queries[i] = &query{key: key}
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	a.control = &query{}
	if a.control.key, err = ssh.NewPublicKey(public); err != nil {
		return nil, nil, err
	}
	for {
		before := a.unanswered()
		c, s, err := d.open(ctx, a)
		over := s != nil && tooMany(err)
		if over {
			s.answered() // it hung up in place of a refusal
		}
		if a.probe && (over || errors.Is(err, errAsked)) {
			err = nil
		}
		left := a.unanswered()
		switch {
		case err != nil && !(over && left < before):
			return nil, nil, err
		case err == nil && a.control.taken:
			if c != nil {
				_ = c.Close() // nothing was learned
			}
			return nil, nil, ErrBlind
		case err == nil && left == 0:
			taken := make([]bool, 0, len(keys))
			for _, q := range a.queries {
				taken = append(taken, q.taken)
			}
			return taken, c, nil
		}
		if c != nil {
			_ = c.Close() // it has had its refusals
		}
		if left > 0 && left == before {
			return nil, nil, &LoginError{Account: s.account, Offered: s.allowed} // it takes no keys at all
		}
		if c == nil {
			if err := rest(ctx, refusalPause); err != nil {
				return nil, nil, err
			}
		}
	}
}

func (a auth) unanswered() (n int) {
	for _, q := range a.queries {
		if !q.answered {
			n++
		}
	}
	if n > 0 && !a.control.answered {
		n++
	}
	return n
}

// tooMany tells whether the server hung up because too many keys were shown to it.
func tooMany(err error) bool {
	var refused *LoginError
	if errors.As(err, &refused) {
		err = refused.Err
	}
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "too many authentication failures")
}

// nextQuery shows the next key, if there is one for this connection.
func (s *state) nextQuery(allowed []string) ssh.AuthMethod {
	s.answered()
	if !slices.Contains(allowed, "publickey") || s.refused == mostRefused || s.unanswered() == 0 {
		return nil
	}
	if s.line.software() == openSSH {
		s.control.answered = true // it is known to look before it answers
	}
	for _, q := range append([]*query{s.control}, s.queries...) {
		if !q.answered {
			s.asked = q
			return ssh.PublicKeys(asking{q})
		}
	}
	return nil
}

// answered: the key that was shown last has its answer.
func (s *state) answered() {
	if s.asked == nil {
		return
	}
	s.asked.answered = true
	if !s.asked.taken {
		s.refused++
	}
	s.asked = nil
}

// asking stands in for a key's owner: to be asked for a signature is the answer.
type asking struct{ *query }

// ErrBlind means that the server says yes to every key until it sees a signature, as tinyssh does, so that nobody can ask it which keys open it.
var ErrBlind = errors.New("the server would take any key")

// errTaken ends an attempt that was only a query.
var errTaken = errors.New("the server would take this key")

func (a asking) PublicKey() ssh.PublicKey { return a.key }

func (a asking) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return a.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm makes it an ssh.AlgorithmSigner: the key may be shown by whichever algorithm of its kind the server takes.
func (a asking) SignWithAlgorithm(io.Reader, []byte, string) (*ssh.Signature, error) {
	a.taken = true
	return nil, errTaken
}
