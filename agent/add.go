package agent

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// afterExpiry is how long a certificate is kept that has expired, as ssh-add(1)
// has it: the clocks of servers differ.
const afterExpiry = 5 * time.Minute

// add keeps a key that a client hands over. Adding it once more takes over its
// comment and its limits, or that it has none any more, as OpenSSH does.
func (s *session) add(ctx context.Context, m *wire.AddIdentity) error {
	a := s.agent
	limits := cmp.Or(m.Constraints, &wire.Constraints{})
	if limits.Certificates != nil {
		return errNotDone // they belong to a token
	}
	if err := checkHosts(limits.Destinations); err != nil {
		return err
	}
	key, err := a.accept(ctx, m, limits.Provider)
	if err != nil {
		return err
	}
	_, err = s.keep(key, m.Comment, a.until(key, limits), limitsOfKey{limits.Confirm, limits.Destinations})
	return err
}

// checkHosts sees to it that each host key of a limit is one: what could not be
// compared later gets the key refused.
func checkHosts(limits []wire.Destination) error {
	for _, d := range limits {
		for _, key := range slices.Concat(d.From.Keys, d.To.Keys) {
			if _, err := ssh.ParsePublicKey(key.Blob); err != nil {
				return fmt.Errorf("a host key in the limit to destinations: %w", err)
			}
		}
	}
	return nil
}

// until is when a key ends: with its lifetime, or after its certificate. One that
// had expired when it came was meant so, for a signature of its own time
// (ssh-keygen(1), verify-time).
func (a *Agent) until(key *signer, limits *wire.Constraints) deadline {
	var until deadline
	switch {
	case limits.Lifetime != nil:
		until = a.in(time.Duration(*limits.Lifetime) * time.Second)
	case a.o.Life > 0:
		until = a.in(a.o.Life)
	}
	certificate, ok := key.public.(*ssh.Certificate)
	if !ok || certificate.ValidBefore >= forever {
		return until
	}
	left := time.Unix(int64(certificate.ValidBefore), 0).Sub(a.o.Now())
	if left <= 0 {
		return until
	}
	return sooner(until, a.in(left+afterExpiry))
}

// forever is when no certificate's end needs to be told from the end of time
// (PROTOCOL.certkeys), in seconds since 1970: the year 2242, which a Duration
// reaches.
const forever = 1 << 33

// maxNames is how many names a certificate may be for, as in OpenSSH (sshkey.c).
const maxNames = 256

// accept makes a signer of an added key, and refuses one that is not sound.
func (a *Agent) accept(ctx context.Context, m *wire.AddIdentity, provider string) (*signer, error) {
	if sk, ok := m.Key.(*wire.SKKey); ok {
		return a.acceptFIDO(sk, m.Certificate, provider)
	}
	if provider != "" {
		return nil, unsound("a provider for a key that is no FIDO key")
	}
	switch m.Key.(type) {
	case *wire.DSAKey:
		if !a.o.Legacy {
			return nil, fmt.Errorf("DSA key: %w", errNotDone)
		}
	}
	certificate, err := parseCertificate(m.Certificate)
	if err != nil {
		return nil, err
	}
	_, heavy := m.Key.(*wire.RSAKey)
	var key *signer
	err = a.work.compute(ctx, heavy, func() error {
		private, err := privateKey(m.Key, certificate)
		if err != nil {
			return err
		}
		key, err = newSigner(private)
		return err
	})
	if err != nil {
		return nil, err
	}
	return key.certified(certificate)
}

// parseCertificate reads a certificate, and sees that its authority signed it.
// Whether it is good now, and for whom, servers judge. It returns nil for nil.
func parseCertificate(blob []byte) (*ssh.Certificate, error) {
	if blob == nil {
		return nil, nil
	}
	public, err := ssh.ParsePublicKey(bytes.Clone(blob)) // the frame is wiped
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	c, ok := public.(*ssh.Certificate)
	if !ok {
		return nil, unsound("a plain key in place of a certificate")
	}
	return c, checkCertificate(c)
}

// checkCertificate sees that the authority that a certificate names has signed it.
func checkCertificate(c *ssh.Certificate) error {
	if len(c.ValidPrincipals) > maxNames {
		return unsound(fmt.Sprintf("a certificate for more than %d names", maxNames))
	}
	anyTime := ssh.CertChecker{Clock: func() time.Time { return time.Unix(int64(min(c.ValidAfter, math.MaxInt64)), 0) }}
	for name := range c.CriticalOptions {
		anyTime.SupportedCriticalOptions = append(anyTime.SupportedCriticalOptions, name)
	}
	anyone := ""
	if len(c.ValidPrincipals) > 0 {
		anyone = c.ValidPrincipals[0]
	}
	if err := anyTime.CheckCert(anyone, c); err != nil {
		return fmt.Errorf("%w: certificate: %w", errUnsound, err)
	}
	return nil
}
