package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// Private keys in DER, as openssl writes them. crypto/x509 reads them, too, but takes whatever public half stands beside a private
// one, computes with numbers of any length, and has one error for all.

// beginsDER tells whether b begins as each of them does: SEQUENCE and its length, INTEGER 0 or 1.
func beginsDER(b []byte) bool {
	if len(b) < 5 || b[0] != 0x30 || b[1] == 0x80 || b[1] > 0x83 {
		return false
	}
	after := b[2:]
	if b[1] > 0x80 {
		after = after[b[1]-0x80:]
	}
	return len(after) >= 3 && after[0] == 2 && after[1] == 1 && after[2] <= 1
}

// pkcs1Key is RSAPrivateKey of RFC 8017 appendix A.1.2. Its last three numbers are not used: they follow from the others.
type pkcs1Key struct {
	Version                     int
	N, E, D, P, Q, DP, DQ, QInv *big.Int
}

// sec1Key is ECPrivateKey of RFC 5915.
type sec1Key struct {
	Version int
	D       []byte
	Curve   asn1.RawValue  `asn1:"optional,explicit,tag:0"`
	Point   asn1.BitString `asn1:"optional,explicit,tag:1"`
}

// pkcs8Key is OneAsymmetricKey of RFC 5958; without Public it is PrivateKeyInfo of RFC 5208.
type pkcs8Key struct {
	Version    int
	Kind       pkix.AlgorithmIdentifier
	Key        []byte
	Attributes asn1.RawValue  `asn1:"optional,tag:0"`
	Public     asn1.BitString `asn1:"optional,tag:1"`
}

var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017 appendix C
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}     // RFC 5480 section 2.1.1
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}             // RFC 8410 section 3
)

// curves are those that SSH has, RFC 5480 section 2.1.1.1.
var curves = map[string]elliptic.Curve{
	"1.2.840.10045.3.1.7": elliptic.P256(), "1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521(),
}

// otherKinds are keys that openssl makes and SSH has no use for.
var otherKinds = map[string]string{
	"1.2.840.10040.4.1": "ssh-dss", "1.2.840.113549.1.1.10": "rsa-pss", "1.3.101.110": "x25519", "1.3.101.111": "x448", "1.3.101.113": "ed448",
	"1.2.840.113549.1.3.1": "dh", "1.2.840.10046.2.1": "dh",
}

// readDER reads the private key in a block of this kind, derives its public half, and refuses it if the file names another.
func readDER(kind string, der []byte) (any, error) {
	switch kind {
	case pemRSA:
		return readPKCS1(der)
	case pemEC:
		return readSEC1(der, nil)
	}
	var f pkcs8Key
	if err := fromDER(der, &f); err != nil {
		return nil, err
	}
	var key any
	var err error
	switch oid := f.Kind.Algorithm; {
	case oid.Equal(oidRSA):
		key, err = readPKCS1(f.Key)
	case oid.Equal(oidEC):
		key, err = readSEC1(f.Key, f.Kind.Parameters.FullBytes)
	case oid.Equal(oidEd25519):
		key, err = readCurveKey(f.Key)
	default:
		name := otherKinds[oid.String()]
		if name == "" {
			name = oid.String()
		}
		return nil, unkept(name)
	}
	if err == nil && f.Public.BitLength > 0 && !isPublicOf(key, f.Public.Bytes) {
		return nil, errOtherHalf
	}
	return key, err
}

// fromDER reads one value and nothing after or inside it that into has no place for: what is passed over could be a public half that is
// another key's. What the library would say is for programmers.
func fromDER[T any](der []byte, into *T) error {
	if _, err := asn1.Unmarshal(der, into); err != nil {
		return errCut
	}
	again, err := asn1.Marshal(*into)
	defer wipe(again)
	if err != nil || !bytes.Equal(again, der) {
		return errCut
	}
	return nil
}

var errCut = fmt.Errorf("%w: the file is cut off or altered", ErrBrokenKey)

func readPKCS1(der []byte) (any, error) {
	var f pkcs1Key
	if err := fromDER(der, &f); err != nil {
		return nil, err
	}
	if f.Version != 0 {
		return nil, &TypeError{"rsa of more than two primes", "make a new key"}
	}
	return newRSA(f.N, f.E, f.D, f.P, f.Q)
}

// readSEC1 reads an ECDSA key. Within PKCS#8 its curve stands outside, and may stand here once more.
func readSEC1(der, curve []byte) (any, error) {
	var f sec1Key
	if err := fromDER(der, &f); err != nil {
		return nil, err
	}
	switch inside := f.Curve.Bytes; {
	case curve == nil:
		curve = inside
	case len(f.Curve.FullBytes) > 0 && !bytes.Equal(inside, curve):
		return nil, fmt.Errorf("%w: it names two curves", ErrBrokenKey)
	}
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(curve, &oid); err != nil {
		return nil, &TypeError{"ecdsa with a curve that is not named",
			"openssl ec -param_enc named_curve -aes256 -in FILE -out NEWFILE   (if it is one that SSH has), then the same with NEWFILE"}
	}
	if curves[oid.String()] == nil {
		return nil, unkept("ecdsa on the curve " + oid.String())
	}
	key, err := newECDSA(curves[oid.String()], new(big.Int).SetBytes(f.D))
	if err == nil && f.Point.BitLength > 0 && !isPublicOf(key, f.Point.Bytes) {
		return nil, errOtherHalf
	}
	return key, err
}

// readCurveKey reads CurvePrivateKey of RFC 8410 section 7.
func readCurveKey(der []byte) (any, error) {
	var seed []byte
	if err := fromDER(der, &seed); err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: ed25519 of %d bytes", ErrBrokenKey, len(seed))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// isPublicOf tells whether public, as PKCS#8 and SEC 1 write it, is the key's public half. A point may be compressed.
func isPublicOf(key any, public []byte) bool {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return bytes.Equal(k[ed25519.SeedSize:], public)
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes()
		if err != nil {
			return false
		}
		size := len(point) / 2
		short := append([]byte{2 + point[2*size]&1}, point[1:1+size]...)
		return bytes.Equal(point, public) || bytes.Equal(short, public)
	case *rsa.PrivateKey:
		return bytes.Equal(x509.MarshalPKCS1PublicKey(&k.PublicKey), public)
	}
	return false
}

func unkept(kind string) *TypeError {
	if kind == "ssh-dss" {
		return &TypeError{kind, "servers no longer accept it; make a new key and let it in while the old one still works"}
	}
	return &TypeError{kind, "ed25519, ecdsa and rsa are"}
}
