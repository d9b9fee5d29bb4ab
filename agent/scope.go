package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// Scope is what a narrower socket is for: one that is handed to programs which are
// trusted less. Whoever is there lists, signs, binds and queries, and nothing else;
// only with these keys, for these purposes, to these hosts. It adds no right: what
// limits a key has elsewhere it has here, too.
type Scope struct {
	Name     string      `json:"name" toml:"name"`
	Keys     []string    `json:"keys" toml:"keys"`         // names, or fingerprints (SHA256:...); none: all keys
	Purposes []string    `json:"purposes" toml:"purposes"` // UseLogin, UseGit, UseFile; none: see Hosts
	Hosts    []ScopeHost `json:"hosts" toml:"host"`        // where logins may go; with any, and no purposes, for logins alone
	Confirm  bool        `json:"confirm" toml:"confirm"`   // each use is asked about
}

// ScopeHost is a host that logins may go to. It is known by its host keys, or by
// authorities that certify them; all are lines of a public key (sshd(8)).
type ScopeHost struct {
	Name        string   `json:"name" toml:"name"`         // what the person calls it
	User        string   `json:"user" toml:"user"`         // who may log in there (ssh_config(5), PATTERNS); "": anybody
	KnownAs     string   `json:"known_as" toml:"known_as"` // the name that a certificate must be for
	Keys        []string `json:"keys" toml:"keys"`         // host keys
	Authorities []string `json:"authorities" toml:"authorities"`
}

// UseGit is a purpose of a Scope: a UseFile whose namespace is "git".
const UseGit = "git"

var (
	// ErrScope says that a Scope does not hold together.
	ErrScope = errors.New("a socket that is no narrower socket")

	errScope      = errors.New("not over this narrower socket")
	errScopeOpen  = fmt.Errorf("%w: the key is locked, and only a person opens it", errScope)
	errScopePIN   = fmt.Errorf("%w: the device wants its PIN", errScope)
	errScopeQuiet = fmt.Errorf("%w: a question from here ended without a yes, not long ago", errScope)
)

func outside(why string) error { return fmt.Errorf("%w: %s", errScope, why) }

// maxScopeConns is how many connections a narrower socket serves at a time, so that
// it cannot take all places of the agent.
const maxScopeConns = 256

// scope is a Scope at work, shared by all connections of its socket. nil is none:
// everything may be done.
type scope struct {
	Scope
	limits []wire.Destination // Hosts; nil: logins may go anywhere
	conns  chan struct{}      // one token per connection
	heavy  turn               // of one: heavy signatures, and binds, come one at a time from here
	turn   turn               // of who asks a person; it guards quiet and pause
	quiet  time.Time          // until when nobody is asked
	pause  time.Duration      // how long that was
}

// Check says whether s can be served; if not, the error wraps ErrScope.
func (s Scope) Check() error {
	_, err := s.begin()
	return err
}

func (s Scope) begin() (*scope, error) {
	if len(s.Keys)+len(s.Purposes)+len(s.Hosts) == 0 {
		return nil, fmt.Errorf("%w: neither keys, nor purposes, nor hosts", ErrScope)
	}
	for _, p := range s.Purposes {
		if !slices.Contains([]string{UseLogin, UseGit, UseFile}, p) {
			return nil, fmt.Errorf("%w: there is no purpose %q", ErrScope, p)
		}
	}
	if len(s.Hosts) > 0 && len(s.Purposes) == 0 {
		s.Purposes = []string{UseLogin}
	}
	if len(s.Hosts) > 0 && !slices.Contains(s.Purposes, UseLogin) {
		return nil, fmt.Errorf("%w: hosts, and no logins", ErrScope)
	}
	one := &scope{Scope: s, conns: make(chan struct{}, maxScopeConns), heavy: make(turn, 1), turn: make(turn, 1)}
	for _, h := range s.Hosts {
		to := wire.Hop{User: h.User, Host: h.KnownAs}
		for i, line := range slices.Concat(h.Keys, h.Authorities) {
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err != nil {
				return nil, fmt.Errorf("%w: host %q: %w", ErrScope, h.Name, err)
			}
			to.Keys = append(to.Keys, wire.HopKey{Blob: key.Marshal(), CA: i >= len(h.Keys)})
		}
		if len(to.Keys) == 0 {
			return nil, fmt.Errorf("%w: host %q without a key", ErrScope, h.Name)
		}
		one.limits = append(one.limits, wire.Destination{To: to})
	}
	return one, nil
}

// ServeScoped is Serve for a narrower socket. What is not for it is refused; a person
// is asked for a yes there, where that is due, and never for a passphrase or a PIN: the
// answer would open the key for everybody. A question from there that ends without a
// yes is not followed by another for half a minute, then for one, two, four, up to an
// hour. The error wraps ErrScope if the scope does not hold together.
func (a *Agent) ServeScoped(ctx context.Context, l net.Listener, who func(net.Conn) (Peer, error), s Scope) error {
	one, err := s.begin()
	if err != nil {
		l.Close()
		return err
	}
	return a.serve(ctx, l, who, one)
}

// name is that of the socket; "" for one of the others.
func (s *scope) name() string {
	if s == nil {
		return ""
	}
	return s.Name
}

// admits says whether that is asked for at a narrower socket at all. (A list is answered
// elsewhere.)
func (s *scope) admits(request wire.Message) error {
	switch request.(type) {
	case *wire.SignRequest, *wire.Extension:
		return nil
	}
	if s == nil {
		return nil
	}
	return outside("it lists and signs only")
}

// has says whether a key is one of those named.
func (s *scope) has(name string, public ssh.PublicKey) bool {
	return len(s.Keys) == 0 || name != "" && slices.Contains(s.Keys, name) ||
		public != nil && slices.Contains(s.Keys, ssh.FingerprintSHA256(public))
}

// allows says whether the socket is for that.
func (s *scope) allows(u Use) bool {
	return len(s.Purposes) == 0 || slices.Contains(s.Purposes, u.Purpose) ||
		u.Purpose == UseFile && u.Namespace == "git" && slices.Contains(s.Purposes, UseGit)
}

// mayList says whether a key exists for whoever is bound so. A bind is made to log in: who
// may not has no use for a key then.
func (s *scope) mayList(e *entry, b *binds, now time.Time) bool {
	switch {
	case s == nil:
		return true
	case b.remote() || !s.has(e.name(), e.public):
		return false
	case len(b.all) > 0 && !s.allows(Use{Purpose: UseLogin}):
		return false
	}
	return b.mayList(s.limits, now)
}

// maySign says whether a key may sign data here, and for which of the hosts. What comes from
// another computer may not: who uses this socket is here.
func (s *scope) maySign(v view, b *binds, m *wire.SignRequest, now time.Time) (server string, err error) {
	if s == nil {
		return "", nil
	}
	use := b.use(m.Data, func(ssh.PublicKey) string { return "" })
	switch {
	case b.remote():
		return "", outside("nothing that is forwarded")
	case !s.has(v.name, v.public):
		return "", outside("not with this key")
	case !s.allows(use):
		return "", outside("not for this purpose")
	case use.Purpose != UseLogin:
		return "", nil
	}
	login, ok := wire.ParseLogin(m.Data)
	if !ok || string(login.Key) != string(m.Blob) || !isAlgorithmOf(login.Algorithm, m.Blob) {
		return "", outside("no login with this key")
	}
	server, err = b.maySign(s.limits, m.Blob, m.Data, now)
	if why := elsewhere(""); errors.As(err, &why) { // not the key is limited
		if why == noWay {
			why = elsewhere("logins only to " + s.places() + ", by the host keys that were known when it was made")
		}
		err = outside(string(why))
	}
	return server, err
}

// places are the hosts, as the person calls them.
func (s *scope) places() string {
	var all []string
	for _, h := range s.Hosts {
		if h.User != "" {
			h.Name = h.User + "@" + h.Name
		}
		all = append(all, h.Name)
	}
	return strings.Join(all, ", ")
}

// leaveLocked is the answer where a key is locked: Status says who wanted it.
func (s *scope) leaveLocked(a *Agent, e *entry, p Peer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.refused = &Refusal{p, s.Name}
	return errScopeOpen
}

// ask puts a question to a person, one at a time from here, and none while it must be quiet:
// by its purpose and its program each request can be another, so that both say nothing
// about who nags. asked: it came to a person, so that its end counts, and a key was not
// locked meanwhile.
func (s *scope) ask(ctx context.Context, a *Agent, question func() (asked bool, err error)) error {
	if s == nil {
		_, err := question()
		return err
	}
	if err := a.inTurn(ctx, s.turn); err != nil {
		return err
	}
	defer s.turn.give()
	if a.o.Now().Before(s.quiet) {
		return errScopeQuiet
	}
	asked, err := question()
	switch {
	case !asked:
	case err == nil:
		s.pause = 0
	default:
		s.pause = min(max(2*s.pause, afterCancel), maxQuiet)
		s.quiet = a.o.Now().Add(s.pause)
	}
	return err
}

// maxQuiet is the longest time for which a narrower socket asks nothing.
const maxQuiet = time.Hour
