package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// How long a server may take to answer, and how long it is tried again after a reload (its listener is closed for a moment).
const (
	handshakeLimit = 30 * time.Second
	firstPause     = 30 * time.Millisecond
	longestPause   = 2 * time.Second
	refusalPause   = 5 * time.Second // what OpenSSH's PerSourcePenalties count for one refusal
)

// errAsked ends a handshake once the server has said what it offers.
var errAsked = errors.New("only asking")

// errLate ends a login for whose answer the server did not wait.
var errLate = errors.New("the server did not wait for the answer")

// A dialer opens connections to one server.
type dialer struct {
	target   Target
	identity *identity
	opened   int          // connections so far
	commands int          // exec requests so far
	heard    atomic.Int64 // when the server was last heard of; nanoseconds (Unix)
	held     func()       // tells that we wait; may be nil
}

// conn is one connection that is logged in.
type conn struct {
	*ssh.Client
	dialer   *dialer
	offered  []string      // what the server offered before it was shown anything
	used     ssh.PublicKey // the identity that opened it, nil for a password
	password []byte        // the password that opened it, nil for an identity
	partial  bool          // one of these was not enough
	keys     *announced    // the server's host keys
	by       auth          // what opened it, to open it again
	spent    bool          // it has had a command
}

// auth is what one connection may show the server.
type auth struct {
	user    string
	signers []ssh.Signer
	// password is asked for after the signers were refused; nil: never.
	password func(ctx context.Context, attempt int) ([]byte, error)
	attempts int
	probe    bool     // log in with nothing, only ask
	queries  []*query // keys to ask about first: see dialer.query
	control  *query   // a key that nobody has, for a server that may say yes to all
}

// state is what happened during one handshake.
type state struct {
	auth
	ctx      context.Context
	account  string
	tcp      net.Conn
	offered  []string
	allowed  []string
	keysDone bool
	tries    int
	used     ssh.PublicKey
	unsigned error // why the identity that the server would have taken did not sign
	typed    []byte
	partial  bool
	line     *line
	asked    *query // the key that was shown last
	refused  int    // queries that were answered so
	said     string // what the server said after it was shown something
	slow     bool   // a person was asked about the host key
	late     []byte // an answer for which the server did not wait
	err      error  // why it ended, if we ended it
}

func (d *dialer) openNow(ctx context.Context, a auth) (*conn, *state, error) {
	d.opened++
	tcp, err := d.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = tcp.Close() }) // ends whatever waits on it
	s := &state{auth: a, ctx: ctx, tcp: tcp, account: a.user + "@" + d.target.Name}
	c, err := d.handshake(tcp, s)
	stop()
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = tcp.Close()
		tellOfWay(tcp, err)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, s, err
	}
	c.by = auth{user: a.user, signers: slices.DeleteFunc(slices.Clone(a.signers), func(x ssh.Signer) bool { return !sameKey(x.PublicKey(), c.used) })}
	if c.password != nil {
		c.by.attempts, c.by.password = 1, func(context.Context, int) ([]byte, error) { return c.password, nil }
	}
	return c, s, nil
}

func (d *dialer) handshake(tcp net.Conn, s *state) (*conn, error) {
	_ = tcp.SetDeadline(time.Now().Add(d.patience()))
	s.line = &line{Conn: tcp, heard: &d.heard}
	config := &ssh.ClientConfig{
		User:              s.user,
		HostKeyAlgorithms: d.identity.algorithms(),
		HostKeyCallback: func(_ string, remote net.Addr, key ssh.PublicKey) error {
			_ = tcp.SetDeadline(time.Time{}) // a person may be asked
			defer s.limit()
			begun := time.Now()
			s.err = d.identity.check(s.ctx, remote, key)
			s.slow = time.Since(begun) > time.Second // no person is quicker
			return s.err
		},
		AuthCallback:  s.next,
		ClientVersion: "SSH-2.0-kagiban",
		BannerCallback: func(text string) error {
			if s.used != nil || s.tries > 0 { // what comes before is the server's Banner
				s.said = printed(text)
			}
			return nil
		},
	}
	sc, channels, requests, err := ssh.NewClientConn(s.line, d.target.endpoint(), config)
	if err != nil {
		return nil, s.explain(d.target.endpoint(), err)
	}
	_ = tcp.SetDeadline(time.Time{})
	c := &conn{dialer: d, offered: s.offered, used: s.used, password: s.typed, partial: s.partial, keys: newAnnounced(sc, d.identity.seen)}
	ours := make(chan *ssh.Request)
	go c.keys.listen(requests, ours)
	c.Client = ssh.NewClient(sc, channels, ours)
	if c.offered == nil {
		c.offered = []string{"none"}
	}
	return c, nil
}

func (s *state) limit() { _ = s.tcp.SetDeadline(time.Now().Add(handshakeLimit)) }

// next is asked before each attempt: identities first, then what is typed.
func (s *state) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if s.offered == nil {
		s.offered = slices.Clone(c.AllowedMethods)
	}
	s.allowed, s.partial = c.AllowedMethods, len(c.PartialSuccessMethods) > 0
	if s.err != nil {
		return nil, s.err // the person, or the file in their place, has no answer
	}
	if cut := s.line.ended(); cut != nil {
		return nil, cut // nobody would read what is shown now
	}
	if method := s.nextQuery(c.AllowedMethods); method != nil {
		return method, nil
	}
	if s.probe {
		s.err = errAsked
		return nil, s.err
	}
	if len(s.signers) > 0 && !s.keysDone && slices.Contains(c.AllowedMethods, "publickey") {
		s.keysDone = true
		signers := make([]ssh.Signer, len(s.signers))
		for i, signer := range s.signers {
			signers[i] = note(signer, &s.used, &s.unsigned)
		}
		return ssh.PublicKeys(signers...), nil
	}
	if s.password != nil && s.tries < s.attempts {
		switch {
		case slices.Contains(c.AllowedMethods, "password"):
			s.tries++
			return ssh.PasswordCallback(s.ask), nil
		case slices.Contains(c.AllowedMethods, "keyboard-interactive"):
			s.tries++
			return ssh.KeyboardInteractive(s.answer), nil
		}
	}
	s.err = &LoginError{Account: s.account, Offered: c.AllowedMethods, Tried: c.TriedMethods, Partial: c.PartialSuccessMethods, Unsigned: s.unsigned}
	return nil, s.err
}

func (s *state) ask() (string, error) {
	_ = s.tcp.SetDeadline(time.Time{}) // a person may be asked
	defer s.limit()
	p, err := s.password(s.ctx, s.tries)
	if err != nil {
		s.err = err
		_ = s.tcp.Close() // no further attempt
		return "", err
	}
	if s.line.ended() != nil {
		s.late, s.err = p, errLate
		return "", s.err
	}
	s.typed = p
	return string(p), nil
}

// answer gives the password to a prompt that hides what is typed, once; PAM's password prompt is one of these.
func (s *state) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range questions {
		if echos[i] {
			return nil, fmt.Errorf("the server asks for something besides a password")
		}
		p, err := s.ask()
		if err != nil {
			return nil, err
		}
		answers[i] = p
	}
	return answers, nil
}

// explain turns the library's error into one that says what happened.
func (s *state) explain(endpoint string, err error) error {
	if s.err != nil {
		return s.err
	}
	late := s.line.ended() != nil && !s.line.hungUp()
	if (s.keysDone || s.tries > 0) && !late {
		return &LoginError{Account: s.account, Offered: s.allowed, Err: err, Said: s.said}
	}
	return &UnreachableError{Address: endpoint, Err: err, HungUp: s.line.hungUp(), Said: s.line.greeting()}
}

// login opens a connection with the signers, or else with the password. A server that hangs up after too many identities
// (MaxAuthTries) is tried with the password alone where it takes one, and else with one identity on each connection, so
// slowly that this is no attack (sshd_config(5), PerSourcePenalties).
func (d *dialer) login(ctx context.Context, a auth) (*conn, error) {
	all := a.signers
	for at, size := 0, mostIdentities; ; {
		a.signers = all[at:min(at+size, len(all))]
		c, s, err := d.openAsked(ctx, a)
		var refused *LoginError
		if !errors.As(err, &refused) || s.tries > 0 || s.used != nil || len(refused.Partial) > 0 || len(a.signers) == 0 {
			return c, err
		}
		switch {
		case len(typed(s.offered)) > 0 && a.password != nil:
			at = len(all) // none of them
		case refused.Err == nil:
			at += size // all of these were looked at
		default:
			at, size = at+1, 1
		}
		if at >= len(all) && (a.password == nil || len(typed(s.offered)) == 0) {
			return nil, err
		}
		if refused.Err != nil && at < len(all) {
			if err := rest(ctx, refusalPause); err != nil {
				return nil, err
			}
		}
	}
}

// openAsked is open where a person may be asked. A server does not wait for them as long as they like (sshd_config(5), LoginGraceTime): where it
// has hung up meanwhile, we come once more, with their answer.
func (d *dialer) openAsked(ctx context.Context, a auth) (*conn, *state, error) {
	for {
		c, s, err := d.open(ctx, a)
		var gone *UnreachableError
		late := errors.Is(err, errLate)
		if !late && !(s != nil && s.slow && errors.As(err, &gone)) {
			return c, s, err
		}
		if ask := a.password; late {
			a.password = func(ctx context.Context, attempt int) ([]byte, error) {
				if attempt == 1 {
					return s.late, nil
				}
				return ask(ctx, attempt)
			}
		}
	}
}

// ask returns what the server offers to user, without showing it anything.
func (d *dialer) ask(ctx context.Context, user string) ([]string, error) {
	c, s, err := d.open(ctx, auth{user: user, probe: true})
	switch {
	case err == nil:
		_ = c.Close()
		return c.offered, nil // it let us in
	case errors.Is(err, errAsked):
		return s.offered, nil
	}
	return nil, err
}

// patiently tries again, with growing pauses, while the server cannot be reached: just after a reload "connection refused" means
// nothing. It gives up when until has passed.
func patiently(ctx context.Context, until time.Time, try func() error) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := try()
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || time.Now().Add(pause).After(until) {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
}

// rest waits, unless ctx ends first.
func rest(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// typed returns those of the offered methods by which something typed lets one in. gssapi-* and hostbased are not typed.
func typed(offered []string) []string {
	return slices.DeleteFunc(slices.Clone(offered), func(m string) bool {
		return m != "none" && m != "password" && m != "keyboard-interactive"
	})
}

// noting remembers which identity signed: that is the one that the server accepted, and why it did not sign.
type noting struct {
	ssh.Signer
	used   *ssh.PublicKey
	failed *error
}

// note wraps a signer, which goes on signing with the algorithms that it had, and no others.
func note(signer ssh.Signer, used *ssh.PublicKey, failed *error) ssh.Signer {
	n := &noting{signer, used, failed}
	if multi, ok := signer.(ssh.MultiAlgorithmSigner); ok {
		if limited, err := ssh.NewSignerWithAlgorithms(n, multi.Algorithms()); err == nil {
			return limited
		}
	}
	return n
}

func (n *noting) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	*n.used = n.PublicKey()
	var signature *ssh.Signature
	var err error
	if s, ok := n.Signer.(ssh.AlgorithmSigner); ok {
		signature, err = s.SignWithAlgorithm(rand, data, algorithm)
	} else {
		signature, err = n.Sign(rand, data)
	}
	*n.failed = err
	return signature, err
}
