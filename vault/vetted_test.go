package vault

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestImportVets: the thirteen kinds of key whose parts do not belong together, of which other programs take in most, and
// what they sign is refused elsewhere or gives the private half away. The outer public half goes along with each change, so
// that only the key itself betrays it. Nothing is left in the vault.
func TestImportVets(t *testing.T) {
	files := map[string][]byte{}
	mine, other := newSeed(t), newSeed(t)
	ed := func(what string, outer, public, private []byte) {
		files[what] = clearFile(publicOf(t, ed25519.PublicKey(outer)), edFields{7, 7, ssh.KeyAlgoED25519, public, private, "c"})
	}
	ed("ed25519, one public half another's", mine[32:], other[32:], mine)
	ed("ed25519, all public halves another's", other[32:], other[32:], slices.Concat(mine[:32], other[32:]))

	ec, otherEC := newNumber(t), newNumber(t)
	point := mustBytes(ec.PublicKey.Bytes())
	off := slices.Concat(point[:64], []byte{point[64] ^ 1})
	files["ecdsa, another's d"] = clearFile(publicOf(t, &ec.PublicKey), ecFields{7, 7, ssh.KeyAlgoECDSA256, "nistp256", point,
		new(big.Int).SetBytes(mustBytes(otherEC.Bytes())), "c"})
	files["ecdsa, a point off the curve"] = clearFile(ssh.Marshal(struct{ Type, Curve, Point string }{ssh.KeyAlgoECDSA256, "nistp256", string(off)}),
		ecFields{7, 7, ssh.KeyAlgoECDSA256, "nistp256", off, new(big.Int).SetBytes(mustBytes(ec.Bytes())), "c"})

	one := big.NewInt(1)
	bits := func(n uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(n-1), 1) }
	for what, change := range map[string]func(f *rsaFields){
		"rsa, another n":       func(f *rsaFields) { f.N = new(big.Int).Add(f.N, big.NewInt(2)) },
		"rsa, p is 0":          func(f *rsaFields) { f.P = new(big.Int) },
		"rsa, p and q are 1":   func(f *rsaFields) { f.P, f.Q = one, one },
		"rsa, d is 0":          func(f *rsaFields) { f.D = new(big.Int) },
		"rsa, e is 1":          func(f *rsaFields) { f.E = one },
		"rsa, e is 2^40":       func(f *rsaFields) { f.E = new(big.Int).Lsh(one, 40) },
		"rsa, n is negative":   func(f *rsaFields) { f.N = new(big.Int).Neg(f.N) },
		"rsa, n of 40 bits":    func(f *rsaFields) { f.N = bits(40) },
		"rsa, n of 16400 bits": func(f *rsaFields) { f.N = bits(16400) },
	} {
		k := rsaKey()
		f := rsaFields{7, 7, ssh.KeyAlgoRSA, k.N, big.NewInt(int64(k.E)), k.D, k.Precomputed.Qinv, k.Primes[0], k.Primes[1], "c"}
		change(&f)
		files[what] = clearFile(ssh.Marshal(struct {
			Type string
			E, N *big.Int
		}{f.Type, f.E, f.N}), f)
	}
	if len(files) != 13 {
		t.Errorf("%d kinds", len(files))
	}

	v := newTestVault(t)
	for what, file := range files {
		_, err := v.Import("k", file, nil, []byte("new"))
		if !errors.Is(err, ErrBrokenKey) && !errors.Is(err, ErrWeakKey) {
			t.Errorf("%s: %v", what, err)
		}
		if keys, err := v.List(); err != nil || len(keys) > 0 {
			t.Fatalf("%s: the vault holds %v, %v", what, keys, err)
		}
	}
	good := clearFile(publicOf(t, ed25519.PublicKey(mine[32:])), edFields{7, 7, ssh.KeyAlgoED25519, mine[32:], mine, "c"})
	if _, err := v.Import("k", good, nil, []byte("new")); err != nil {
		t.Errorf("a sound key, built in the same way: %v", err)
	}
}

func newSeed(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newNumber(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustBytes(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestLongRSA: numbers of the greatest length that are of no key are told so by multiplying two of them. To find it out by what follows from
// them takes many seconds.
func TestLongRSA(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), maxRSABits-1)
	odd := new(big.Int).Sub(n, big.NewInt(1))
	start := time.Now()
	if _, err := newRSA(n, big.NewInt(65537), odd, odd, new(big.Int).Sub(odd, big.NewInt(2))); !errors.Is(err, ErrBrokenKey) {
		t.Error(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
