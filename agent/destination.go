package agent

import (
	"bytes"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// elsewhere is why a key may not be used there.
type elsewhere string

func (why elsewhere) Error() string {
	return "the key is limited to other destinations: " + string(why)
}

const noWay elsewhere = "no limit allows the way there"

// mayList says whether a key with these limits exists for whoever is bound so
// (PROTOCOL.agent, restrict-destination-v00@openssh.com).
func (b *binds) mayList(limits []wire.Destination, now time.Time) bool {
	if len(limits) == 0 {
		return true
	}
	if _, err := b.walk(limits, nil, now); err != nil {
		return false
	}
	// Who is on a server that the key may log in to, and not beyond, has no use for it.
	last := b.last()
	if last == nil || !last.forwarding {
		return true
	}
	for _, d := range limits {
		if hop(d.From).holds(last, now) {
			return true
		}
	}
	return false
}

// maySign says whether a key with these limits may sign data, and for which
// server: only a login, in the very session and to the very host key that the
// connection is bound to. blob is the key's.
func (b *binds) maySign(limits []wire.Destination, blob, data []byte, now time.Time) (server string, err error) {
	if len(limits) == 0 {
		return "", nil
	}
	last := b.last()
	if last == nil {
		return "", elsewhere("the connection is not bound to a server")
	}
	login, ok := wire.ParseLogin(data)
	if !ok || !bytes.Equal(login.Key, blob) || !isAlgorithmOf(login.Algorithm, blob) {
		return "", elsewhere("what is to be signed is no login with this key")
	}
	if server, err = b.walk(limits, &login.User, now); err != nil {
		return "", err
	}
	switch {
	case !bytes.Equal(login.SessionID, last.id):
		return "", elsewhere("the login is to another session than the connection is bound to")
	case login.HostKey == nil && (b.strict || len(b.all) > 1):
		return "", elsewhere("the login names no host key (ssh or sshd is older than OpenSSH 8.9)")
	case login.HostKey != nil && !bytes.Equal(login.HostKey, last.blob):
		return "", elsewhere("the login is to another host key than the connection is bound to")
	}
	return server, nil
}

// mayFile says whether a key that is limited to destinations signs all the same: for a
// namespace, which no server takes for a login, and for a program of this computer. What
// has ever been bound, or tried to be, is none.
func (u *signing) mayFile() bool {
	namespace, ok := wire.ParseFile(u.request.Data)
	return ok && len(u.binds.all) == 0 && !u.binds.refused && u.agent.o.LimitedFiles != nil && u.agent.o.LimitedFiles(namespace)
}

// isAlgorithmOf says whether keys of this kind sign with that algorithm (RFC 8332
// section 3 for RSA; all other kinds have one of their own name).
func isAlgorithmOf(algorithm string, blob []byte) bool {
	var key struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(blob, &key); err != nil {
		return false
	}
	switch key.Type {
	case ssh.KeyAlgoRSA:
		return algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSASHA512 || algorithm == key.Type
	case ssh.CertAlgoRSAv01:
		return algorithm == ssh.CertAlgoRSASHA256v01 || algorithm == ssh.CertAlgoRSASHA512v01 || algorithm == key.Type
	}
	return algorithm == key.Type
}

// walk follows the hops from this computer to the last server; each must be
// allowed. user is who logs in there, nil while that is not known.
func (b *binds) walk(limits []wire.Destination, user *string, now time.Time) (server string, err error) {
	if b.refused {
		return "", elsewhere("a session bind was refused")
	}
	var from *bound
	for i := range b.all {
		hop, login := &b.all[i], (*string)(nil)
		if i == len(b.all)-1 { // those before it forward: after a login nothing is bound
			login = user
		}
		if hop.forwarding && login != nil {
			return "", elsewhere("a login over a connection that only forwards")
		}
		allowed := allowing(limits, from, hop, login, now)
		if allowed == nil {
			return "", noWay
		}
		server, from = allowed.To.Host, hop
	}
	return server, nil
}

// allowing is the limit that lets a key go from one hop to the next, or nil.
func allowing(limits []wire.Destination, from, to *bound, user *string, now time.Time) *wire.Destination {
	for i := range limits {
		d := &limits[i]
		fits := hop(d.From).holds(from, now) && hop(d.To).holds(to, now)
		if fits && (user == nil || d.To.User == "" || wire.MatchPattern(d.To.User, *user)) {
			return d
		}
	}
	return nil
}

// hop is an end of a limit.
type hop wire.Hop

// holds says whether b is this end; nil is this computer.
func (h hop) holds(b *bound, now time.Time) bool {
	if b == nil {
		return h.Host == "" && len(h.Keys) == 0
	}
	certificate, certified := b.key.(*ssh.Certificate)
	for _, key := range h.Keys {
		switch {
		case key.CA != certified:
		case !certified:
			if bytes.Equal(key.Blob, b.blob) {
				return true
			}
		case bytes.Equal(key.Blob, certificate.SignatureKey.Marshal()) && CertifiedHost(certificate, h.Host, now):
			return true
		}
	}
	return false
}

// CertifiedHost says whether a host certificate is good now and for that name.
// That its authority signed it was seen when a connection was bound to it. Its names may hold
// wildcards (ssh-keygen(1), -n); one without names is for none.
func CertifiedHost(c *ssh.Certificate, host string, now time.Time) bool {
	second := uint64(now.Unix())
	if c.CertType != ssh.HostCert || len(c.CriticalOptions) > 0 || second < c.ValidAfter || second >= c.ValidBefore {
		return false
	}
	return slices.ContainsFunc(c.ValidPrincipals, func(name string) bool { return wire.MatchPattern(name, host) })
}
