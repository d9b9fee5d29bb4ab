package wire

import (
	"fmt"
	"math/big"
	"strings"
)

// Ed25519Key is the body of an "ssh-ed25519" key (section 5.2.3): the public
// half, and the seed followed by the public half once more. Nothing says yet
// that they agree.
type Ed25519Key struct{ Public, Private []byte }

// ECDSAKey is the body of an "ecdsa-sha2-*" key (section 5.2.2). Curve is
// "nistp256", "nistp384" or "nistp521", and agrees with the key's type; whether
// Point and D belong together nothing says yet.
type ECDSAKey struct {
	Curve string
	Point []byte
	D     *big.Int
}

// RSAKey is the body of an "ssh-rsa" key (section 5.2.4), unchecked.
type RSAKey struct{ N, E, D, IQMP, P, Q *big.Int }

// DSAKey is the body of an "ssh-dss" key (section 5.2.1), unchecked.
type DSAKey struct{ P, Q, G, Y, X *big.Int }

// SKKey is the body of a FIDO key (PROTOCOL.u2f): its private half lies in a
// device, and Handle tells the device which one it is. Curve is "" for ed25519.
type SKKey struct {
	Curve       string
	Public      []byte // a point, or an ed25519 public half
	Application string
	Flags       byte
	Handle      []byte
	Reserved    []byte
}

// The types of FIDO keys, and what ends the type of a certificate.
const (
	typeSKEd25519 = "sk-ssh-ed25519@openssh.com"
	typeSKECDSA   = "sk-ecdsa-sha2-nistp256@openssh.com"
	certSuffix    = "-cert-v01@openssh.com"
)

// curves maps the type of an ECDSA key to the curve it must name
// (RFC 5656 section 3.1).
var curves = map[string]string{
	"ecdsa-sha2-nistp256": "nistp256",
	"ecdsa-sha2-nistp384": "nistp384",
	"ecdsa-sha2-nistp521": "nistp521",
}

// plainType takes a certificate's type apart: that of its key, and whether it is
// one. The types of FIDO keys end in a domain, which a certificate's ends in, too.
func plainType(kind string) (plain string, certified bool) {
	plain, certified = strings.CutSuffix(kind, certSuffix)
	if certified && strings.HasPrefix(plain, "sk-") {
		plain += "@openssh.com"
	}
	return plain, certified
}

// certType is the other way round.
func certType(plain string) string {
	return strings.TrimSuffix(plain, "@openssh.com") + certSuffix
}

func decodeKey(c *cursor, m *AddIdentity) error {
	kind := c.string()
	plain, certified := plainType(kind)
	if certified {
		m.Certificate = c.bytes()
	}
	bare := func(number func() *big.Int) *big.Int { // what stands in the certificate
		if certified {
			return nil
		}
		return number()
	}
	switch plain {
	case "ssh-ed25519":
		m.Key = &Ed25519Key{Public: c.bytes(), Private: c.bytes()}
		return nil
	case "ssh-rsa":
		m.Key = &RSAKey{N: bare(c.number), E: bare(c.number), D: c.number(),
			IQMP: c.number(), P: c.number(), Q: c.number()}
		return nil
	case "ssh-dss":
		m.Key = &DSAKey{P: bare(c.number), Q: bare(c.number), G: bare(c.number), Y: bare(c.number), X: c.number()}
		return nil
	case typeSKEd25519, typeSKECDSA:
		m.Key = decodeSK(c, plain, certified)
		return nil
	}
	if c.bad {
		return fmt.Errorf("added key: %w", ErrMalformed)
	}
	curve, ok := curves[plain]
	if !ok {
		return fmt.Errorf("added key of type %q: %w", kind, ErrUnknown)
	}
	key := &ECDSAKey{Curve: curve}
	if !certified {
		key.Curve, key.Point = c.string(), c.bytes()
	}
	key.D = c.number()
	if key.Curve != curve {
		return fmt.Errorf("added key of type %q names curve %q: %w", kind, key.Curve, ErrMalformed)
	}
	m.Key = key
	return nil
}

func decodeSK(c *cursor, plain string, certified bool) *SKKey {
	key := &SKKey{}
	switch {
	case plain == typeSKEd25519:
		key.Public = c.bytes() // with a certificate, too
	case certified:
		key.Curve = "nistp256"
	default:
		key.Curve, key.Public = c.string(), c.bytes()
		c.bad = c.bad || key.Curve != "nistp256"
	}
	key.Application, key.Flags, key.Handle, key.Reserved = c.string(), c.byte(), c.bytes(), c.bytes()
	return key
}

// appendKey appends the key of m, its type first, and its certificate if it has one.
func (m *AddIdentity) appendKey(dst []byte) []byte {
	head := func(plain string) {
		if m.Certificate == nil {
			dst = appendBytes(dst, plain)
			return
		}
		dst = appendBytes(appendBytes(dst, certType(plain)), m.Certificate)
	}
	numbers := func(some ...*big.Int) {
		for _, n := range some {
			if n != nil { // it stands in the certificate
				dst = appendNumber(dst, n)
			}
		}
	}
	switch key := m.Key.(type) {
	case *Ed25519Key:
		head("ssh-ed25519")
		dst = appendBytes(appendBytes(dst, key.Public), key.Private)
	case *ECDSAKey:
		head("ecdsa-sha2-" + key.Curve)
		if m.Certificate == nil {
			dst = appendBytes(appendBytes(dst, key.Curve), key.Point)
		}
		numbers(key.D)
	case *RSAKey:
		head("ssh-rsa")
		numbers(key.N, key.E, key.D, key.IQMP, key.P, key.Q)
	case *DSAKey:
		head("ssh-dss")
		numbers(key.P, key.Q, key.G, key.Y, key.X)
	case *SKKey:
		head(key.plainType())
		dst = key.appendBody(dst, m.Certificate != nil)
	default: // a mistake of the programmer, not of the other side
		panic(fmt.Sprintf("agent/wire: no encoding for a key of type %T", m.Key))
	}
	return dst
}

func (k *SKKey) plainType() string {
	if k.Curve == "" {
		return typeSKEd25519
	}
	return typeSKECDSA
}

func (k *SKKey) appendBody(dst []byte, certified bool) []byte {
	switch {
	case k.Curve == "":
		dst = appendBytes(dst, k.Public)
	case !certified:
		dst = appendBytes(appendBytes(dst, k.Curve), k.Public)
	}
	dst = append(appendBytes(dst, k.Application), k.Flags)
	return appendBytes(appendBytes(dst, k.Handle), k.Reserved)
}

// Private is the private half as programs that reach the device take it: what
// stands in AddIdentity without a certificate (PROTOCOL.u2f).
func (k *SKKey) Private() []byte {
	return k.appendBody(appendBytes(nil, k.plainType()), false)
}

// Blob is the public half (PROTOCOL.u2f).
func (k *SKKey) Blob() []byte {
	dst := appendBytes(nil, k.plainType())
	if k.Curve != "" {
		dst = appendBytes(dst, k.Curve)
	}
	return appendBytes(appendBytes(dst, k.Public), k.Application)
}
