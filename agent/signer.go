package agent

import (
	"bytes"
	"crypto/rand"
	"fmt"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// signer is the private half of a key that was found sound. It never changes,
// so it is used without any lock.
type signer struct {
	public ssh.PublicKey
	key    ssh.AlgorithmSigner
	heavy  bool // RSA: to be used on a heavy place only
}

// algorithm chooses by the flags of a sign request (RFC 9987 section 8.3): for
// RSA SHA-256 goes before SHA-512 when both are asked for, and for all other
// keys flags mean nothing, both as in OpenSSH (ssh-agent.c). A request without a
// flag means SHA-1 to RFC 9987, which is never made: it gets SHA-512, and the
// signature says so. Who insists on SHA-1 will refuse it; who takes what is good,
// as ssh-add -T does, is served.
func (s *signer) algorithm(flags uint32) string {
	switch {
	case !s.heavy:
		return s.public.Type()
	case flags&wire.FlagRSASHA256 != 0:
		return ssh.KeyAlgoRSASHA256
	}
	return ssh.KeyAlgoRSASHA512
}

// sign returns the encoded signature (RFC 4253 section 6.6).
func (s *signer) sign(data []byte, flags uint32) ([]byte, error) {
	algorithm := s.algorithm(flags)
	signature, err := s.key.SignWithAlgorithm(rand.Reader, data, algorithm)
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", algorithm, err)
	}
	return ssh.Marshal(signature), nil
}

// newSigner vets a private key: only one whose halves belong together, and that
// has made a signature which its public half accepts, is kept. private is what
// LockedKey.Open returns.
func newSigner(private any) (*signer, error) {
	sound, err := vet(private)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewSignerFromKey(sound)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	s := &signer{
		public: key.PublicKey(),
		key:    key.(ssh.AlgorithmSigner), // every signer of x/crypto/ssh is one
		heavy:  key.PublicKey().Type() == ssh.KeyAlgoRSA,
	}
	return s, s.prove()
}

// prove makes one signature over random bytes and verifies it.
func (s *signer) prove() error {
	challenge := make([]byte, 32)
	rand.Read(challenge)
	encoded, err := s.sign(challenge, 0)
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
