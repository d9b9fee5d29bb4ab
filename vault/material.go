package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"math/big"

	"golang.org/x/crypto/ssh"
)

// material is a private key that was proved: its public half is derived from its private half, is what the file says it is, and
// verified a signature that the private half made.
type material struct {
	crypto  any // ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey
	public  ssh.PublicKey
	comment string // as in the file
}

// reader takes the fields of one kind of private key apart, derives the key from the secret ones alone, and refuses it if the
// public ones among them are not its own.
type reader func(fields []byte) (key any, comment string, pad []byte, err error)

var readers = map[string]reader{
	ssh.KeyAlgoED25519:  readEd25519,
	ssh.KeyAlgoECDSA256: func(b []byte) (any, string, []byte, error) { return readECDSA(b, elliptic.P256(), "nistp256") },
	ssh.KeyAlgoECDSA384: func(b []byte) (any, string, []byte, error) { return readECDSA(b, elliptic.P384(), "nistp384") },
	ssh.KeyAlgoECDSA521: func(b []byte) (any, string, []byte, error) { return readECDSA(b, elliptic.P521(), "nistp521") },
	ssh.KeyAlgoRSA:      readRSA,
}

// readPrivate reads the private part of an openssh-key-v1 file, in the clear, padded to blockSize, and holds it against the
// public part.
func readPrivate(public, private []byte, blockSize int) (*material, error) {
	var head struct {
		Check1, Check2 uint32
		Type           string
		Fields         []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(private, &head); err != nil || head.Check1 != head.Check2 || len(private)%blockSize != 0 {
		return nil, fmt.Errorf("%w: the private part is cut off or altered", ErrBrokenKey)
	}
	read := readers[head.Type]
	if read == nil {
		return nil, fmt.Errorf("%w: private half of type %.64q", ErrBrokenKey, head.Type)
	}
	key, comment, pad, err := read(head.Fields)
	if err != nil {
		return nil, err
	}
	for i, b := range pad {
		if b != byte(i+1) {
			return nil, fmt.Errorf("%w: padding", ErrBrokenKey)
		}
	}
	m, err := prove(key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(m.public.Marshal(), public) {
		return nil, fmt.Errorf("%w: the public half is another key's", ErrBrokenKey)
	}
	m.comment = comment
	return m, nil
}

func readEd25519(fields []byte) (any, string, []byte, error) {
	var f struct {
		Public, Private []byte
		Comment         string
		Pad             []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(fields, &f); err != nil || len(f.Private) != ed25519.PrivateKeySize {
		return nil, "", nil, fmt.Errorf("%w: ed25519 fields", ErrBrokenKey)
	}
	key := ed25519.NewKeyFromSeed(f.Private[:ed25519.SeedSize])
	if !bytes.Equal(f.Private, key) || !bytes.Equal(f.Public, key[ed25519.SeedSize:]) {
		return nil, "", nil, errOtherHalf
	}
	return key, f.Comment, f.Pad, nil
}

func readECDSA(fields []byte, curve elliptic.Curve, name string) (any, string, []byte, error) {
	var f struct {
		Curve   string
		Public  []byte
		D       *big.Int
		Comment string
		Pad     []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(fields, &f); err != nil || f.Curve != name {
		return nil, "", nil, fmt.Errorf("%w: ecdsa fields", ErrBrokenKey)
	}
	key, err := newECDSA(curve, f.D)
	if err != nil {
		return nil, "", nil, err
	}
	if point, err := key.PublicKey.Bytes(); err != nil || !bytes.Equal(point, f.Public) {
		return nil, "", nil, errOtherHalf
	}
	return key, f.Comment, f.Pad, nil
}

func readRSA(fields []byte) (any, string, []byte, error) {
	var f struct {
		N, E, D, QInv, P, Q *big.Int
		Comment             string
		Pad                 []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(fields, &f); err != nil {
		return nil, "", nil, fmt.Errorf("%w: rsa fields", ErrBrokenKey)
	}
	key, err := newRSA(f.N, f.E, f.D, f.P, f.Q)
	return key, f.Comment, f.Pad, err
}

var errOtherHalf = fmt.Errorf("%w: the public half is another key's", ErrBrokenKey)

// newECDSA is the key of a number from a file.
func newECDSA(curve elliptic.Curve, d *big.Int) (*ecdsa.PrivateKey, error) {
	size := (curve.Params().N.BitLen() + 7) / 8
	if d.Sign() <= 0 || d.BitLen() > 8*size {
		return nil, fmt.Errorf("%w: ecdsa number out of range", ErrBrokenKey)
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBrokenKey, err)
	}
	return key, nil
}

// newRSA is the key of five numbers from a file. Their lengths are looked at before anything is computed from them.
func newRSA(n, e, d, p, q *big.Int) (*rsa.PrivateKey, error) {
	for _, n := range []*big.Int{n, e, d, p, q} {
		if n.Sign() <= 0 || n.BitLen() > maxRSABits {
			return nil, fmt.Errorf("%w: rsa number out of range", ErrBrokenKey)
		}
	}
	// The limit that x/crypto sets for public keys. Even and tiny exponents are refused by Validate below.
	if e.BitLen() > 24 {
		return nil, fmt.Errorf("%w: rsa exponent", ErrBrokenKey)
	}
	if n := n.BitLen(); n < minRSAOpen {
		return nil, tooShort(n, minRSAOpen)
	}
	if new(big.Int).Mul(p, q).Cmp(n) != 0 { // Validate says so, too, after many seconds
		return nil, fmt.Errorf("%w: rsa primes of another modulus", ErrBrokenKey)
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBrokenKey, err)
	}
	return key, nil
}

func tooShort(bits, least int) error {
	return fmt.Errorf("%w: rsa of %d bits, at least %d are needed: make a new key", ErrWeakKey, bits, least)
}

// longEnough refuses an rsa key of fewer bits, by its public half. None (nil) is long enough.
func longEnough(public ssh.PublicKey, least int) error {
	if public == nil {
		return nil
	}
	if k := describe("", public, ""); k.Type == "rsa" && k.Bits < least {
		return tooShort(k.Bits, least)
	}
	return nil
}

// prove derives the public half and lets it verify a signature.
func prove(key any) (*material, error) {
	signer, err := newSigner(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBrokenKey, err)
	}
	text := make([]byte, 32)
	rand.Read(text)
	sig, err := signer.Sign(rand.Reader, text)
	if err != nil {
		return nil, fmt.Errorf("%w: it does not sign: %w", ErrBrokenKey, err)
	}
	if err := signer.PublicKey().Verify(text, sig); err != nil {
		return nil, fmt.Errorf("%w: its signature does not verify", ErrBrokenKey)
	}
	return &material{crypto: key, public: signer.PublicKey()}, nil
}

// marshal gives the OpenSSH private key file, in the clear (then the caller wipes it), or locked if a passphrase is given.
func (m *material) marshal(passphrase []byte) ([]byte, error) {
	var block *pem.Block
	var err error
	if passphrase == nil {
		block, err = ssh.MarshalPrivateKey(m.crypto, m.comment)
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(m.crypto, m.comment, passphrase)
	}
	if err != nil {
		return nil, err
	}
	defer wipe(block.Bytes)
	return pem.EncodeToMemory(block), nil
}

// wipe is best effort: what the libraries copied is out of reach.
func wipe(b []byte) { clear(b) }
