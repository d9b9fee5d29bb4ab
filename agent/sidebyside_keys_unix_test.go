//go:build unix

package agent_test

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 the keys of old servers
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"math/big"
	"sync"

	"golang.org/x/crypto/ssh"
)

// raw stands in a message as it is, without a length.
type raw []byte

// pack writes the data types of RFC 4251 section 5, one after the other.
func pack(parts ...any) (b []byte) {
	for _, part := range parts {
		switch v := part.(type) {
		case byte:
			b = append(b, v)
		case bool:
			b = append(b, map[bool]byte{true: 1}[v])
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		case []byte:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		case *big.Int:
			b = append(b, ssh.Marshal(struct{ N *big.Int }{v})...)
		case raw:
			b = append(b, v...)
		default:
			panic(fmt.Sprintf("no data type for %T", part))
		}
	}
	return b
}

func framed(body []byte) []byte { return pack(body) }

// member is one key of the cast: its public half, and its private half as
// RFC 9987 section 5.2 has it in a message, from its type on, without comment.
type member struct {
	public  ssh.PublicKey
	private []byte
	secret  []byte     // what of private follows a certificate
	signer  ssh.Signer // nil for those that live in a device
}

// cast are the keys that play, by the names that are their comments. They are
// made once.
var cast = sync.OnceValue(func() map[string]*member {
	c := map[string]*member{}
	keys := map[string]crypto.Signer{"rsa": must(rsa.GenerateKey(rand.Reader, 2048))}
	for _, name := range []string{"ed25519", "other", "third", "ca", "host", "host2", "host3", "host4"} {
		keys[name] = newEd25519()
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		keys[name] = must(ecdsa.GenerateKey(curve, rand.Reader))
	}
	for name, key := range keys {
		signer := must(ssh.NewSignerFromKey(key))
		public, secret := privateParts(key)
		c[name] = newMember(signer, public, secret)
	}
	addDSA(c)
	addDeviceKeys(c)
	for _, name := range []string{"ed25519", "p256", "p384", "p521", "rsa", "dsa", "sk-ed25519", "sk-ecdsa"} {
		c[name+"-cert"] = certified(c, c[name], userCert(name))
	}
	expired := userCert("expired")
	expired.ValidAfter, expired.ValidBefore = 1000, 2000
	c["expired-cert"] = certified(c, c["ed25519"], expired)
	return c
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newEd25519() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
}

func newMember(signer ssh.Signer, public, secret []byte) *member {
	kind := signer.PublicKey().Type()
	m := &member{signer.PublicKey(), pack(kind, raw(public), raw(secret)), secret, signer}
	if kind == ssh.KeyAlgoED25519 { // the public half is sent beside the certificate, too
		m.secret = pack(raw(public), raw(secret))
	}
	return m
}

// privateParts are the fields of a private key: those that a certificate holds,
// and the others.
func privateParts(key crypto.Signer) (public, secret []byte) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return pack([]byte(k[32:])), pack([]byte(k))
	case *ecdsa.PrivateKey:
		return pack(fmt.Sprintf("nistp%d", k.Params().BitSize), must(k.PublicKey.Bytes())),
			pack(new(big.Int).SetBytes(must(k.Bytes())))
	case *rsa.PrivateKey:
		k.Precompute()
		return pack(k.N, big.NewInt(int64(k.E))),
			pack(k.D, k.Precomputed.Qinv, k.Primes[0], k.Primes[1])
	}
	panic(fmt.Sprintf("no message for %T", key))
}

// addDSA adds the one kind of key that nobody should have any more.
func addDSA(c map[string]*member) {
	key := &dsa.PrivateKey{}
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		panic(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		panic(err)
	}
	c["dsa"] = newMember(must(ssh.NewSignerFromKey(key)), pack(key.P, key.Q, key.G, key.Y), pack(key.X))
}

func userCert(name string) *ssh.Certificate {
	return &ssh.Certificate{CertType: ssh.UserCert, KeyId: name, ValidPrincipals: []string{"me"}, ValidBefore: ssh.CertTimeInfinity}
}

// certified is a key with a certificate.
func certified(c map[string]*member, m *member, cert *ssh.Certificate) *member {
	cert.Key = m.public
	if err := cert.SignCert(rand.Reader, c["ca"].signer); err != nil {
		panic(err)
	}
	return &member{cert, pack(cert.Type(), cert.Marshal(), raw(m.secret)), nil, m.signer}
}

// addDeviceKeys adds keys whose secret a FIDO device holds (PROTOCOL.u2f).
func addDeviceKeys(c map[string]*member) {
	ed := pack([]byte(newEd25519()[32:]))
	ec := pack("nistp256", must(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey.Bytes()))
	device := pack("ssh:", byte(1), "handle", "")
	add := func(name, kind string, public, secret []byte) {
		key := must(ssh.ParsePublicKey(pack(kind, raw(public), "ssh:")))
		c[name] = &member{key, pack(kind, raw(public), raw(device)), secret, nil}
	}
	add("sk-ed25519", "sk-ssh-ed25519@openssh.com", ed, pack(raw(ed), raw(device)))
	add("sk-ecdsa", "sk-ecdsa-sha2-nistp256@openssh.com", ec, device)
}

// hostCert is a host key certified for these names.
func hostCert(names ...string) ssh.Signer { return hostCertWith(func(*ssh.Certificate) {}, names...) }

func hostCertWith(change func(*ssh.Certificate), names ...string) ssh.Signer {
	cert := &ssh.Certificate{CertType: ssh.HostCert, KeyId: "host", ValidPrincipals: names, ValidBefore: ssh.CertTimeInfinity, Key: cast()["host"].public}
	change(cert)
	if err := cert.SignCert(rand.Reader, cast()["ca"].signer); err != nil {
		panic(err)
	}
	return must(ssh.NewCertSigner(cert, cast()["host"].signer))
}
