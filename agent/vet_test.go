package agent

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

func testNumber(n int64) *big.Int { return big.NewInt(n) }

func newEd25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestSoundKeysAreKept is the control of the test that follows: what it breaks
// is whole before.
func TestSoundKeysAreKept(t *testing.T) {
	keys := map[string]any{
		"ed25519": newEd25519(t),
		"p256":    newECDSA(t, elliptic.P256()),
		"p384":    newECDSA(t, elliptic.P384()),
		"p521":    newECDSA(t, elliptic.P521()),
		"rsa":     testRSA(),
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			c := connect(t, New(Options{}))
			wantSuccess(t, c.call(added(t, key, name)))
			c.wantList(name)
			k := &fakeKey{private: key, public: newPublic(t, key)}
			wantSignature(t, c.call(signRequest(k)), k)
		})
	}
}

// brokenKeys are keys whose parts do not belong together, or are of no use.
func brokenKeys(t *testing.T) map[string]any {
	ed := func(change func(k *wire.Ed25519Key)) any {
		k := added(t, newEd25519(t), "").Key.(*wire.Ed25519Key)
		change(k)
		return k
	}
	ec := func(change func(k *wire.ECDSAKey)) any {
		k := added(t, newECDSA(t, elliptic.P256()), "").Key.(*wire.ECDSAKey)
		change(k)
		return k
	}
	rs := func(change func(k *wire.RSAKey)) any {
		k := *added(t, testRSA(), "").Key.(*wire.RSAKey)
		change(&k)
		return &k
	}
	plus := func(n *big.Int, d int64) *big.Int { return new(big.Int).Add(n, testNumber(d)) }
	shifted := func(bits uint) *big.Int { return plus(new(big.Int).Lsh(testNumber(1), bits), 1) }
	return map[string]any{
		"ed25519 both public halves another's": ed(func(k *wire.Ed25519Key) {
			k.Public = bytes.Clone(newEd25519(t)[32:])
			copy(k.Private[32:], k.Public)
		}),
		"ed25519 public half another's": ed(func(k *wire.Ed25519Key) { k.Public = bytes.Clone(newEd25519(t)[32:]) }),
		"ed25519 one bit of the seed":   ed(func(k *wire.Ed25519Key) { k.Private[5] ^= 1 }),
		"ed25519 too short":             ed(func(k *wire.Ed25519Key) { k.Private = k.Private[:63] }),
		"ed25519 empty":                 ed(func(k *wire.Ed25519Key) { k.Public, k.Private = nil, nil }),
		"ecdsa d of another point":      ec(func(k *wire.ECDSAKey) { k.D = plus(k.D, 1) }),
		"ecdsa point off the curve":     ec(func(k *wire.ECDSAKey) { k.Point[40] ^= 1 }),
		"ecdsa point at infinity":       ec(func(k *wire.ECDSAKey) { k.Point = []byte{0} }),
		"ecdsa d zero":                  ec(func(k *wire.ECDSAKey) { k.D = testNumber(0) }),
		"ecdsa d the order":             ec(func(k *wire.ECDSAKey) { k.D = elliptic.P256().Params().N }),
		"ecdsa d too long":              ec(func(k *wire.ECDSAKey) { k.D = shifted(300) }),
		"rsa wrong n":                   rs(func(k *wire.RSAKey) { k.N = plus(k.N, 2) }),
		"rsa n zero":                    rs(func(k *wire.RSAKey) { k.N = testNumber(0) }),
		"rsa n of 40 bits":              rs(func(k *wire.RSAKey) { k.N = shifted(39) }),
		"rsa n of 16400 bits":           rs(func(k *wire.RSAKey) { k.N = shifted(16399) }),
		"rsa p zero":                    rs(func(k *wire.RSAKey) { k.P = testNumber(0) }),
		"rsa p and q one":               rs(func(k *wire.RSAKey) { k.P, k.Q = testNumber(1), testNumber(1) }),
		"rsa p even":                    rs(func(k *wire.RSAKey) { k.P = plus(k.P, 1) }),
		"rsa p and q another n's":       rs(func(k *wire.RSAKey) { k.P = plus(k.P, 2) }),
		"rsa p no prime": rs(func(k *wire.RSAKey) {
			var key *rsa.PrivateKey
			for key == nil {
				p := new(big.Int).Mul(newPrime(t, 512), newPrime(t, 512))
				key = rsaFrom(t, p, newPrime(t, 1024), 65537)
			}
			k.N, k.D, k.P, k.Q = key.N, key.D, key.Primes[0], key.Primes[1]
			k.IQMP = new(big.Int).ModInverse(k.Q, k.P)
		}),
		"rsa p of all, q one":       rs(func(k *wire.RSAKey) { k.P, k.Q = k.N, testNumber(1) }),
		"rsa d zero":                rs(func(k *wire.RSAKey) { k.D = testNumber(0) }),
		"rsa d of another e":        rs(func(k *wire.RSAKey) { k.D = plus(k.D, 2) }),
		"rsa d longer than n":       rs(func(k *wire.RSAKey) { k.D = shifted(4000) }),
		"rsa e one":                 rs(func(k *wire.RSAKey) { k.E = testNumber(1) }),
		"rsa e even":                rs(func(k *wire.RSAKey) { k.E = testNumber(65536) }),
		"rsa e of 41 bits":          rs(func(k *wire.RSAKey) { k.E = shifted(40) }),
		"rsa coefficient of no use": rs(func(k *wire.RSAKey) { k.IQMP = plus(k.IQMP, 1) }),
		"rsa coefficient zero":      rs(func(k *wire.RSAKey) { k.IQMP = testNumber(0) }),
	}
}

func TestBrokenKeysAreRefused(t *testing.T) {
	for name, key := range brokenKeys(t) {
		t.Run(name, func(t *testing.T) {
			log := &ground.Buffer{}
			c := connect(t, New(Options{Log: logTo(log)}))
			// Not every one of them can be put on the wire: a negative number is
			// refused by its decoder. These all are.
			wantFailure(t, c.call(&wire.AddIdentity{Key: key}))
			c.wantList()
			if bytes.Contains([]byte(log.String()), []byte("mistake in the program")) {
				t.Errorf("refused by a panic:\n%s", log)
			}
		})
	}
}

// TestBrokenKeysFromTheSourceAreRefused: what a vault decrypts is vetted, too.
func TestBrokenKeysFromTheSourceAreRefused(t *testing.T) {
	good, other := newFakeKey(t, "mine"), newEd25519(t)
	mixed := ed25519.PrivateKey(append(bytes.Clone(other[:32]), good.private.(ed25519.PrivateKey)[32:]...))
	p256 := newECDSA(t, elliptic.P256())
	swapped := *p256
	swapped.PublicKey = newECDSA(t, elliptic.P256()).PublicKey
	tests := map[string]struct {
		private any
		want    error
	}{
		"halves of two ed25519 keys": {mixed, errUnsound},
		"halves of two ECDSA keys":   {&swapped, errUnsound},
		"another key":                {other, errWrongKey},
		"pointer to another key":     {&other, errWrongKey},
		"no pointer to a key":        {(*ed25519.PrivateKey)(nil), errUnsound},
		"a short key":                {other[:40], errUnsound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := &fakeKey{name: "mine", private: test.private, public: good.public}
			a := New(Options{Source: sourceOf(k)})
			if err := a.Unlock("mine", []byte("right"), Terms{}); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if !a.Status().Keys[0].Locked {
				t.Error("the key is open")
			}
		})
	}
}

// rsaFrom makes an RSA key of two factors. What crypto/rsa checks of it is true
// even if they are no primes, or the exponent is longer than servers take.
func rsaFrom(t *testing.T, p, q *big.Int, e int64) *rsa.PrivateKey {
	t.Helper()
	minus := func(n *big.Int) *big.Int { return new(big.Int).Sub(n, testNumber(1)) }
	both := new(big.Int).Mul(minus(p), minus(q))
	d := new(big.Int).ModInverse(testNumber(e), both)
	if d == nil {
		return nil
	}
	return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e)}, D: d, Primes: []*big.Int{p, q}}
}

func newPrime(t *testing.T, bits int) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTheTrialSignatureIsMade: this key is sound as far as its numbers go, and
// no server accepts what it signs.
func TestTheTrialSignatureIsMade(t *testing.T) {
	var key *rsa.PrivateKey
	for key == nil {
		key = rsaFrom(t, newPrime(t, 1024), newPrime(t, 1024), 1<<30+3)
	}
	if _, err := vet(key); err != nil {
		t.Fatalf("refused before it could sign: %v", err)
	}
	if _, err := newSigner(key); !errors.Is(err, errUnsound) {
		t.Errorf("error %v", err)
	}
}

// TestEachGuardAloneRefuses: a mixed key meets two guards, the comparison and the
// trial signature. Each must do without the other.
func TestEachGuardAloneRefuses(t *testing.T) {
	mine, other := newEd25519(t), newEd25519(t)
	mixed := ed25519.PrivateKey(append(bytes.Clone(mine[:32]), other[32:]...))
	if _, err := vet(mixed); !errors.Is(err, errUnsound) {
		t.Errorf("the comparison lets a mixed key pass: %v", err)
	}
	s, err := newSigner(mine)
	if err != nil {
		t.Fatal(err)
	}
	s.public = newPublic(t, other)
	if err := s.prove(); !errors.Is(err, errUnsound) {
		t.Errorf("the trial signature lets a mixed key pass: %v", err)
	}
}

// TestSizesAreLookedAtFirst: before anything is computed with such numbers.
func TestSizesAreLookedAtFirst(t *testing.T) {
	big1 := func(bits uint) *big.Int { return new(big.Int).Lsh(testNumber(1), bits-1) }
	good := testRSA()
	tests := map[string]struct{ n, p, q *big.Int }{
		"RSA key of 16385 bits":    {big1(16385), good.Primes[0], good.Primes[1]},
		"RSA key of 1023 bits":     {big1(1023), good.Primes[0], good.Primes[1]},
		"RSA primes out of range":  {good.N, big1(16000), good.Primes[1]},
		"RSA primes out of range ": {good.N, good.Primes[0], testNumber(1)},
		" RSA primes out of range": {good.N, testNumber(1), good.Primes[1]},
	}
	for want, test := range tests {
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: test.n, E: 65537}, D: good.D, Primes: []*big.Int{test.p, test.q}}
		if _, err := vetRSA(key); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
