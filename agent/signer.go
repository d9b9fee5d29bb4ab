package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// signer is the private half of a key that was found sound, or the way to a
// device that holds it. It never changes, so it is used without any lock.
type signer struct {
	public  ssh.PublicKey // or its certificate
	private any           // of crypto/...; nil where a device holds it
	key     ssh.AlgorithmSigner
	heavy   bool // RSA: to be used on a heavy place only
	device  device
}

// device signs where the private half is.
type device interface {
	sign(ctx context.Context, data []byte, flags uint32, pin []byte) (signature []byte, err error)
}

// algorithm chooses by the flags of a sign request (RFC 9987 section 8.3): for
// RSA SHA-256 goes before SHA-512 when both are asked for, and for all other
// keys flags mean nothing, both as in OpenSSH (ssh-agent.c). A request without a
// flag means SHA-1 to RFC 9987, which is made for legacy alone: else it gets
// SHA-512, and the signature says so. Who insists on SHA-1 will refuse it; who
// takes what is good, as ssh-add -T does, is served.
func (s *signer) algorithm(flags uint32, legacy bool) string {
	switch {
	case !s.heavy:
		return s.key.PublicKey().Type()
	case flags&wire.FlagRSASHA256 != 0:
		return ssh.KeyAlgoRSASHA256
	case flags&wire.FlagRSASHA512 == 0 && legacy:
		return ssh.KeyAlgoRSA
	}
	return ssh.KeyAlgoRSASHA512
}

// sign returns the encoded signature (RFC 4253 section 6.6).
func (s *signer) sign(data []byte, algorithm string) ([]byte, error) {
	signature, err := s.key.SignWithAlgorithm(rand.Reader, data, algorithm)
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", algorithm, err)
	}
	return ssh.Marshal(signature), nil
}

// newSigner vets a private key: only one whose halves belong together, and that
// has made a signature which its public half accepts, is kept. private is what
// LockedKey.Open returns, or what privateKey does.
func newSigner(private any) (*signer, error) {
	sound, err := vet(private)
	if err != nil {
		return nil, err
	}
	s, err := assemble(sound)
	if err != nil {
		return nil, err
	}
	return s, s.prove()
}

// assemble makes a signer of a key that was vetted.
func assemble(private any) (*signer, error) {
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	public, err := ssh.ParsePublicKey(key.PublicKey().Marshal())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	return &signer{
		public:  public, // key's own lies within the private half: whoever kept that would keep all of it
		private: private,
		key:     key.(ssh.AlgorithmSigner), // every signer of x/crypto/ssh is one
		heavy:   key.PublicKey().Type() == ssh.KeyAlgoRSA,
	}, nil
}

// certified is s under the name of its certificate; nil is none, and s stays as it is.
func (s *signer) certified(c *ssh.Certificate) (*signer, error) {
	switch {
	case c == nil:
		return s, nil
	case !s.is(c.Key):
		return nil, unsound("the certificate is that of another key")
	}
	return s.as(c), nil
}

// as is the same private half under another name: that of a certificate for it.
func (s *signer) as(public ssh.PublicKey) *signer {
	other := *s
	other.public = public
	return &other
}

// prove makes one signature over random bytes and verifies it.
func (s *signer) prove() error {
	challenge := make([]byte, 32)
	rand.Read(challenge)
	encoded, err := s.sign(challenge, s.algorithm(0, false))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsound, err)
	}
	var signature ssh.Signature
	if err := ssh.Unmarshal(encoded, &signature); err != nil {
		return fmt.Errorf("%w: %w", errUnsound, err)
	}
	public, err := ssh.ParsePublicKey(s.public.Marshal()) // as a server will see it
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsound, err)
	}
	if err := public.Verify(challenge, &signature); err != nil {
		return fmt.Errorf("%w: its signature is not valid: %w", errUnsound, err)
	}
	return nil
}

func (s *signer) is(public ssh.PublicKey) bool {
	return bytes.Equal(s.public.Marshal(), public.Marshal())
}
