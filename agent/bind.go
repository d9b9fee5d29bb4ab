package agent

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// maxBinds is how many SSH connections may lie between a request and this
// computer, as in OpenSSH (ssh-agent.c, AGENT_MAX_SESSION_IDS).
const maxBinds = 16

// Whoever reaches the agent may bind: what is computed for that, and kept, is bounded.
const (
	maxHostRSABits = 8192     // 4 ms of a processor, twice as many 30
	maxHostKeys    = 32 << 10 // bytes, in all binds of a connection: a certificate in memory takes ten times its length
)

var (
	errBind       = errors.New("session bind refused")
	errRemote     = errors.New("not over a forwarded connection")
	errRemoteOpen = errors.New("the key is locked, and a forwarded connection does not open it")
)

// bound is one session bind (PROTOCOL.agent of OpenSSH): an SSH connection, and
// the server at its other end.
type bound struct {
	key        ssh.PublicKey // host key or certificate
	blob, id   []byte
	forwarding bool
}

// binds are the SSH connections over which a client says that its requests come,
// the one from this computer first.
type binds struct {
	all     []bound
	refused bool // one was: what lies between is not known any more
	strict  bool // who asks here is trusted less, and may be in league with whoever is on a server
}

// remote says whether requests come from another computer, or may: after a bind
// that was refused nobody knows who is there, whatever is bound later.
func (b *binds) remote() bool {
	return b.refused || len(b.all) > 0 && b.all[0].forwarding
}

func (b *binds) last() *bound {
	if len(b.all) == 0 {
		return nil
	}
	return &b.all[len(b.all)-1]
}

// bind takes in the contents of a session bind: at a narrower socket one at a time, and one of
// all that comes from other computers. Hundreds at once would hold up everybody's signatures.
func (s *session) bind(ctx context.Context, contents []byte) error {
	place := s.agent.work.remote
	switch {
	case s.scope != nil:
		place = s.scope.heavy
	case !s.binds.remote():
		return s.binds.add(contents)
	}
	if err := place.take(ctx); err != nil {
		s.binds.refused = true
		return err
	}
	defer place.give()
	return s.binds.add(contents)
}

// add takes in the contents of a session bind: the host key must have signed the
// session identifier, nothing comes after a login, and one identifier has one key.
func (b *binds) add(contents []byte) error {
	err := b.take(contents)
	b.refused = b.refused || err != nil
	return err
}

func (b *binds) take(contents []byte) error {
	m, err := wire.DecodeSessionBind(contents)
	if err != nil {
		return fmt.Errorf("%w: %w", errBind, err)
	}
	blob := bytes.Clone(m.HostKey) // the frame is wiped, and the key is a part of it
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return fmt.Errorf("%w: %w", errBind, err)
	}
	if err := checkSize(key); err != nil {
		return fmt.Errorf("%w: %w", errBind, err)
	}
	if certificate, ok := key.(*ssh.Certificate); ok {
		if err := checkCertificate(certificate); err != nil {
			return fmt.Errorf("%w: %w", errBind, err)
		}
	}
	var signature ssh.Signature
	if err := ssh.Unmarshal(m.Signature, &signature); err != nil {
		return fmt.Errorf("%w: %w", errBind, err)
	}
	if err := key.Verify(m.SessionID, &signature); err != nil {
		return fmt.Errorf("%w: not signed by that host key: %w", errBind, err)
	}
	size := len(blob)
	for _, old := range b.all {
		size += len(old.blob)
		sameKey := bytes.Equal(old.blob, blob)
		switch {
		case !old.forwarding:
			return fmt.Errorf("%w: the connection is bound for a login already", errBind)
		case !bytes.Equal(old.id, m.SessionID):
		case sameKey:
			return nil // known
		default:
			return fmt.Errorf("%w: this session has another host key", errBind)
		}
	}
	switch {
	case len(b.all) == maxBinds:
		return fmt.Errorf("%w: more than %d of them", errBind, maxBinds)
	case size > maxHostKeys:
		return fmt.Errorf("%w: host keys of more than %d bytes", errBind, maxHostKeys)
	}
	b.all = append(b.all, bound{key: key, blob: blob, id: bytes.Clone(m.SessionID), forwarding: m.Forwarding})
	return nil
}

// checkSize refuses keys that are too large to compute with for anybody who asks.
func checkSize(key ssh.PublicKey) error {
	if c, ok := key.(*ssh.Certificate); ok {
		return cmp.Or(checkSize(c.Key), checkSize(c.SignatureKey))
	}
	k, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return nil
	}
	if r, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() > maxHostRSABits {
		return unsound(fmt.Sprintf("RSA key of more than %d bits", maxHostRSABits))
	}
	return nil
}

// use is what a signature over data is for; name gives a host key's server a name, or
// "". The server is named only by what was checked: the host key that the connection
// is bound to, in the session that is to be logged in to.
func (b *binds) use(data []byte, name func(ssh.PublicKey) string) Use {
	u := Use{Purpose: UseOther, Forwarded: b.remote(), Via: b.via(name)}
	last := b.last()
	if login, ok := wire.ParseLogin(data); ok {
		u.Purpose, u.User = UseLogin, login.User
		if last != nil && !b.leadsTo(last, login) {
			last = nil
		}
		if last != nil {
			u.Server = name(last.key)
		}
	} else if namespace, ok := wire.ParseFile(data); ok {
		u.Purpose, u.Namespace = UseFile, namespace
	}
	if last != nil {
		u.HostKey = fingerprintOf(last.blob)
	}
	return u
}

// leadsTo says whether a login can only be to that server: in the session that is bound to it, with its host key in what is signed. Without that
// whoever sits on a server could bind its key over a session of another one, and a login is believed only of a program of this computer that is
// trusted.
func (b *binds) leadsTo(last *bound, login *wire.Login) bool {
	if !bytes.Equal(last.id, login.SessionID) {
		return false
	}
	if login.HostKey == nil {
		return !b.remote() && !b.strict
	}
	return bytes.Equal(login.HostKey, last.blob)
}

// via names the servers that forward, the nearest first. Only the nearest was bound
// by a program of this computer; those beyond it are what the one before says.
func (b *binds) via(name func(ssh.PublicKey) string) string {
	var servers []string
	for _, hop := range b.all {
		if hop.forwarding {
			servers = append(servers, cmp.Or(name(hop.key), ssh.FingerprintSHA256(hop.key)))
		}
	}
	return strings.Join(servers, ", then ")
}
