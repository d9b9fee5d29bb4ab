package helper

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	_ "crypto/sha256" // by its number
	_ "crypto/sha512" // by its number
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

var errNoSignature = errors.New("the token made no valid signature")

// How each algorithm hashes, and for RSA what stands before the hash: the DER of a
// DigestInfo (RFC 8017 section 9.2).
var algorithms = map[string]struct {
	hash   crypto.Hash
	prefix string
}{
	ssh.KeyAlgoRSASHA256: {crypto.SHA256, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"},
	ssh.KeyAlgoRSASHA512: {crypto.SHA512, "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"},
	ssh.KeyAlgoECDSA256:  {crypto.SHA256, ""},
	ssh.KeyAlgoECDSA384:  {crypto.SHA384, ""},
	ssh.KeyAlgoECDSA521:  {crypto.SHA512, ""},
	ssh.KeyAlgoED25519:   {}, // hashes by itself
}

// algorithm chooses by the flags of a sign request, as the agent does for its own
// keys: SHA-512 where RSA is not told otherwise, and never SHA-1.
func algorithm(kind string, flags uint32) string {
	switch {
	case kind != ssh.KeyAlgoRSA:
		return kind
	case flags&wire.FlagRSASHA256 != 0:
		return ssh.KeyAlgoRSASHA256
	}
	return ssh.KeyAlgoRSASHA512
}

// digest is what a helper before OpenSSH 10.1 wants to have in place of the data.
func digest(algorithm string, data []byte) []byte {
	a := algorithms[algorithm]
	if a.hash == 0 {
		return data
	}
	h := a.hash.New()
	h.Write(data)
	return h.Sum([]byte(a.prefix))
}

// prove has a key make one signature over random bytes, and learns from it what the
// helper signs. It is asked for a signature over their digest: an old one signs the
// bytes by that, a new one signs the digest as it would any data, and says so in its
// signature. Only one of the two can be valid.
func (t *Token) prove(ctx context.Context, row wire.Identity) (*Key, error) {
	public, err := ssh.ParsePublicKey(row.Blob)
	if err != nil {
		return nil, err
	}
	name := algorithm(public.Type(), 0)
	if _, ok := algorithms[name]; !ok {
		return nil, fmt.Errorf("a key of kind %q", public.Type())
	}
	k := &Key{token: t, public: public, blob: bytes.Clone(row.Blob), label: string(row.Comment)}
	challenge := make([]byte, 32)
	rand.Read(challenge)
	sent := digest(name, challenge)
	answer, err := k.ask(ctx, sent, name)
	if err != nil {
		return nil, err
	}
	if _, err := k.signatureOver(sent, answer, name, true); err == nil {
		k.whole = true
		return k, nil
	}
	_, err = k.signatureOver(challenge, answer, name, false)
	return k, err
}

// Blob is the public half (RFC 4253 section 6.6).
func (k *Key) Blob() []byte { return k.blob }

// Label is what the token calls the key, or "".
func (k *Key) Label() string { return k.label }

// Sign returns the encoded signature over data; flags are those of a sign request
// (RFC 9987 section 8.3). When ctx ends it gives up waiting, and the token can be
// used again as soon as the device has answered.
func (k *Key) Sign(ctx context.Context, data []byte, flags uint32) ([]byte, error) {
	name := algorithm(k.public.Type(), flags)
	sent := data
	if !k.whole {
		sent = digest(name, data)
	}
	answer, err := k.ask(ctx, sent, name)
	if err != nil {
		return nil, err
	}
	signature, err := k.signatureOver(data, answer, name, k.whole)
	if err != nil {
		return nil, err
	}
	return ssh.Marshal(signature), nil
}

// ask sends the request of OpenSSH 10.1. Its predecessors read four bytes of flags
// where the algorithm stands, which they ignore, and pass over the rest.
func (k *Key) ask(ctx context.Context, data []byte, algorithm string) ([]byte, error) {
	b := append(make([]byte, 4), askSign)
	b = appendString(b, k.blob)
	b = appendString(b, data)
	b = appendString(b, algorithm)
	b = binary.BigEndian.AppendUint32(b, 0) // no old errors to make again
	if len(b) > maxRequest {
		return nil, fmt.Errorf("%d bytes are too many for a token to sign: ssh-pkcs11-helper takes %d with the key", len(data), maxRequest)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	answer, err := k.token.call(ctx, b)
	if err != nil {
		return nil, err
	}
	if answer[0] == failed {
		return nil, errNoSignature
	}
	m, err := wire.Decode(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	response, ok := m.(*wire.SignResponse)
	if !ok {
		return nil, fmt.Errorf("%w: an answer of type %d", errGone, answer[0])
	}
	return response.Signature, nil
}

// signatureOver gives the signature from an answer, if it is valid over data. whole
// says that the answer is one of SSH already.
func (k *Key) signatureOver(data, answer []byte, algorithm string, whole bool) (*ssh.Signature, error) {
	signature := &ssh.Signature{Format: algorithm, Blob: answer}
	var err error
	switch {
	case whole:
		*signature = ssh.Signature{}
		err = ssh.Unmarshal(answer, signature)
		if err == nil && (signature.Format != algorithm || len(signature.Rest) > 0) {
			err = fmt.Errorf("it is of kind %q with %d bytes after it, and was to be of kind %q", signature.Format, len(signature.Rest), algorithm)
		}
	case k.public.Type() == ssh.KeyAlgoRSA:
	case k.public.Type() == ssh.KeyAlgoED25519:
		err = errors.New("an old helper has no such keys")
	default:
		var numbers struct{ R, S *big.Int }
		var rest []byte
		rest, err = asn1.Unmarshal(answer, &numbers)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes after it", len(rest))
		}
		if err == nil {
			signature.Blob = ssh.Marshal(numbers)
		}
	}
	if err == nil {
		err = k.public.Verify(data, signature)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSignature, err)
	}
	return signature, nil
}
