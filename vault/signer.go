package vault

import (
	"errors"
	"io"

	"golang.org/x/crypto/ssh"
)

// newSigner is ssh.NewSignerFromKey without SHA-1: what that returns for RSA signs with SHA-1 unless told otherwise.
func newSigner(key any) (ssh.Signer, error) {
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	if s.PublicKey().Type() != ssh.KeyAlgoRSA {
		return s, nil
	}
	a, ok := s.(ssh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("rsa without a choice of hash")
	}
	m, err := ssh.NewSignerWithAlgorithms(a, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
	if err != nil {
		return nil, err
	}
	return rsaSigner{m}, nil
}

// rsaSigner signs with SHA-512 when no hash is asked for, with SHA-256 when asked, and with nothing else (RFC 8332).
type rsaSigner struct{ ssh.MultiAlgorithmSigner }

func (s rsaSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, ssh.KeyAlgoRSASHA512)
}
