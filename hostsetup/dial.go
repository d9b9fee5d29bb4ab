package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
)

// How long a server may take to answer, and how long it is tried again after a reload (its listener is closed for a moment).
const (
	handshakeLimit = 30 * time.Second
	firstPause     = 100 * time.Millisecond
	longestPause   = 2 * time.Second
)

// errAsked ends a handshake once the server has said what it offers.
var errAsked = errors.New("only asking")

// A dialer opens connections to one server.
type dialer struct {
	target   Target
	identity *identity
	opened   int // TCP connections so far
	commands int // exec requests so far
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
}

// auth is what one connection may show the server.
type auth struct {
	user    string
	signers []ssh.Signer
	// password is asked for after the signers were refused; nil: never.
	password func(ctx context.Context, attempt int) ([]byte, error)
	attempts int
	probe    bool // show nothing, only ask
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
	typed    []byte
	partial  bool
	err      error // why it ended, if we ended it
}

// open makes one connection. Errors: *[UnreachableError], *[HostKeyError], *[LoginError], errAsked.
func (d *dialer) open(ctx context.Context, a auth) (*conn, *state, error) {
	dial := net.Dialer{Timeout: handshakeLimit}
	d.opened++
	tcp, err := dial.DialContext(ctx, "tcp", d.target.endpoint())
	if err != nil {
		return nil, nil, &UnreachableError{d.target.endpoint(), err}
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
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, s, err
	}
	return c, s, nil
}

func (d *dialer) handshake(tcp net.Conn, s *state) (*conn, error) {
	s.limit()
	config := &ssh.ClientConfig{
		User:              s.user,
		HostKeyAlgorithms: d.identity.algorithms(),
		HostKeyCallback: func(_ string, remote net.Addr, key ssh.PublicKey) error {
			_ = tcp.SetDeadline(time.Time{}) // a person may be asked
			defer s.limit()
			s.err = d.identity.check(s.ctx, remote, key)
			return s.err
		},
		AuthCallback:  s.next,
		ClientVersion: "SSH-2.0-kagiban",
	}
	sc, channels, requests, err := ssh.NewClientConn(tcp, d.target.endpoint(), config)
	if err != nil {
		return nil, s.explain(d.target.endpoint(), err)
	}
	_ = tcp.SetDeadline(time.Time{})
	c := &conn{dialer: d, offered: s.offered, used: s.used, password: s.typed, partial: s.partial, keys: newAnnounced(d.identity.seen)}
	ours := make(chan *ssh.Request)
	go c.keys.listen(sc, requests, ours)
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
	if s.probe {
		s.err = errAsked
		return nil, s.err
	}
	if len(s.signers) > 0 && !s.keysDone && slices.Contains(c.AllowedMethods, "publickey") {
		s.keysDone = true
		signers := make([]ssh.Signer, len(s.signers))
		for i, signer := range s.signers {
			signers[i] = note(signer, &s.used)
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
	s.err = &LoginError{Account: s.account, Offered: c.AllowedMethods, Tried: c.TriedMethods, Partial: c.PartialSuccessMethods}
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
	if s.keysDone || s.tries > 0 {
		return &LoginError{Account: s.account, Offered: s.allowed, Err: err}
	}
	return &UnreachableError{endpoint, err}
}

// login opens a connection with the signers, or else with the password. A server that hangs up after too many
// identities is tried once more with the password alone.
func (d *dialer) login(ctx context.Context, a auth) (*conn, error) {
	c, s, err := d.open(ctx, a)
	var refused *LoginError
	if errors.As(err, &refused) && refused.Err != nil && s.tries == 0 && a.password != nil && len(a.signers) > 0 {
		a.signers = nil
		c, _, err = d.open(ctx, a)
	}
	return c, err
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
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// typed returns those of the offered methods by which something typed lets one in. gssapi-* and hostbased are not typed.
func typed(offered []string) []string {
	return slices.DeleteFunc(slices.Clone(offered), func(m string) bool {
		return m != "none" && m != "password" && m != "keyboard-interactive"
	})
}

// noting remembers which identity signed: that is the one that the server accepted.
type noting struct {
	ssh.Signer
	used *ssh.PublicKey
}

// note wraps a signer, which goes on signing with the algorithms that it had, and no others.
func note(signer ssh.Signer, used *ssh.PublicKey) ssh.Signer {
	n := &noting{signer, used}
	if multi, ok := signer.(ssh.MultiAlgorithmSigner); ok {
		if limited, err := ssh.NewSignerWithAlgorithms(n, multi.Algorithms()); err == nil {
			return limited
		}
	}
	return n
}

func (n *noting) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	*n.used = n.PublicKey()
	if s, ok := n.Signer.(ssh.AlgorithmSigner); ok {
		return s.SignWithAlgorithm(rand, data, algorithm)
	}
	return n.Sign(rand, data)
}
