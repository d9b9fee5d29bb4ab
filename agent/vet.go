package agent

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 the keys of old servers
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// errUnsound says that a key is inconsistent, or of a size nobody should use.
var errUnsound = errors.New("unsound key")

func unsound(why string) error { return fmt.Errorf("%w: %s", errUnsound, why) }

// vet derives the public half of a key from its private half and refuses it if
// it is not the one that the key carries. A signature would then be made with
// one key in the name of another, and for ed25519 that gives the private key
// away.
func vet(private any) (any, error) {
	switch key := private.(type) {
	case *ed25519.PrivateKey:
		if key == nil {
			return nil, unsound("no private half")
		}
		return vet(*key)
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize {
			return nil, unsound("ed25519 key of a wrong length")
		}
		if !ed25519.NewKeyFromSeed(key.Seed()).Equal(key) {
			return nil, unsound("the halves of the ed25519 key do not belong together")
		}
		return key, nil
	case *ecdsa.PrivateKey:
		return vetECDSA(key)
	case *rsa.PrivateKey:
		return vetRSA(key)
	case *dsa.PrivateKey:
		return key, vetDSA(key)
	}
	return nil, fmt.Errorf("key of type %T is not supported", private)
}

// vetDSA takes the one size that SSH knows (FIPS 186-2, as RFC 4253 section 6.6
// asks).
func vetDSA(key *dsa.PrivateKey) error {
	switch {
	case key.P.BitLen() != 1024 || key.Q.BitLen() != 160 || key.G.Cmp(key.P) >= 0 || key.G.BitLen() < 2:
		return unsound("DSA parameters out of range")
	case key.X.Sign() <= 0 || key.X.Cmp(key.Q) >= 0:
		return unsound("DSA private half out of range")
	case new(big.Int).Exp(key.G, key.X, key.P).Cmp(key.Y) != 0:
		return unsound("the halves of the DSA key do not belong together")
	}
	return nil
}

func vetECDSA(key *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	scalar, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	derived, err := ecdsa.ParseRawPrivateKey(key.Curve, scalar)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	if !derived.PublicKey.Equal(&key.PublicKey) {
		return nil, unsound("the halves of the ECDSA key do not belong together")
	}
	return derived, nil
}

// Bounds of RSA keys: servers refuse smaller ones, and computing with larger
// ones takes minutes, which checking them would begin with.
const minRSABits, maxRSABits = 1024, 16384

func vetRSA(key *rsa.PrivateKey) (*rsa.PrivateKey, error) {
	if key.N == nil || key.D == nil || len(key.Primes) != 2 {
		return nil, unsound("the RSA key is not whole")
	}
	p, q, one := key.Primes[0], key.Primes[1], big.NewInt(1)
	bits := key.N.BitLen()
	switch {
	case key.N.Sign() <= 0 || bits < minRSABits || bits > maxRSABits:
		return nil, unsound(fmt.Sprintf("RSA key of %d bits", bits))
	case p.Cmp(one) <= 0 || q.Cmp(one) <= 0 || p.BitLen()+q.BitLen() > bits+1:
		return nil, unsound("RSA primes out of range")
	}
	key.Precompute() // once: a signature costs twice as much without
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	return key, nil
}

// privateKey makes a key of crypto/... of one that came over the socket. What
// vet cannot see any more afterwards is compared here: the public half as it was
// sent, where ours is derived anyway. Of a key with a certificate the public half
// stands in that.
func privateKey(sent any, certificate *ssh.Certificate) (any, error) {
	switch key := sent.(type) {
	case *wire.Ed25519Key:
		if len(key.Private) != ed25519.PrivateKeySize {
			return nil, unsound("ed25519 key of a wrong length")
		}
		if !bytes.Equal(key.Public, key.Private[ed25519.SeedSize:]) {
			return nil, unsound("the ed25519 key carries two public halves")
		}
		return ed25519.PrivateKey(bytes.Clone(key.Private)), nil
	case *wire.ECDSAKey:
		return ecdsaKey(key, certificate)
	case *wire.RSAKey:
		if certified, ok := certifiedKey[*rsa.PublicKey](certificate); ok {
			key.N, key.E = certified.N, big.NewInt(int64(certified.E))
		}
		return rsaKey(key)
	case *wire.DSAKey:
		if c, ok := certifiedKey[*dsa.PublicKey](certificate); ok {
			key.P, key.Q, key.G, key.Y = c.P, c.Q, c.G, c.Y
		}
		if key.P == nil {
			return nil, unsound("the certificate is that of another kind of key")
		}
		public := dsa.PublicKey{Parameters: dsa.Parameters{P: key.P, Q: key.Q, G: key.G}, Y: key.Y}
		return &dsa.PrivateKey{PublicKey: public, X: key.X}, nil
	}
	return nil, fmt.Errorf("key of type %T is not supported", sent)
}

// certifiedKey is the public half in a certificate, if there is one of that kind.
func certifiedKey[T any](c *ssh.Certificate) (key T, ok bool) {
	if c == nil {
		return key, false
	}
	public, ok := c.Key.(ssh.CryptoPublicKey)
	if !ok {
		return key, false
	}
	key, ok = public.CryptoPublicKey().(T)
	return key, ok
}

func ecdsaKey(sent *wire.ECDSAKey, certificate *ssh.Certificate) (*ecdsa.PrivateKey, error) {
	curve := map[string]elliptic.Curve{
		"nistp256": elliptic.P256(),
		"nistp384": elliptic.P384(),
		"nistp521": elliptic.P521(),
	}[sent.Curve]
	size := (curve.Params().BitSize + 7) / 8
	if sent.D.BitLen() > 8*size {
		return nil, unsound("ECDSA private half out of range")
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, sent.D.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	if certificate == nil && !bytes.Equal(point, sent.Point) {
		return nil, unsound("the halves of the ECDSA key do not belong together")
	}
	return key, nil
}

func rsaKey(sent *wire.RSAKey) (*rsa.PrivateKey, error) {
	if sent.N == nil {
		return nil, unsound("the certificate is that of another kind of key")
	}
	if sent.E.BitLen() > 31 { // the most that crypto/rsa takes; proving it asks for less
		return nil, unsound("RSA public exponent out of range")
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: sent.N, E: int(sent.E.Int64())},
		D:         sent.D,
		Primes:    []*big.Int{sent.P, sent.Q},
	}
	if _, err := vetRSA(key); err != nil {
		return nil, err
	}
	if key.Precomputed.Qinv.Cmp(sent.IQMP) != 0 {
		return nil, unsound("RSA coefficient does not belong to the primes")
	}
	return key, nil
}
