package vault

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
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// The fields of the three kinds, as PROTOCOL.key lays them out, to be put together wrongly.
type (
	edFields struct {
		Check1, Check2  uint32
		Type            string
		Public, Private []byte
		Comment         string
	}
	ecFields struct {
		Check1, Check2 uint32
		Type, Curve    string
		Public         []byte
		D              *big.Int
		Comment        string
	}
	rsaFields struct {
		Check1, Check2      uint32
		Type                string
		N, E, D, QInv, P, Q *big.Int
		Comment             string
	}
)

// clearFile puts a file together that is not locked.
func clearFile(public []byte, fields any) []byte {
	private := ssh.Marshal(fields)
	for i := byte(1); len(private)%8 != 0; i++ {
		private = append(private, i)
	}
	return armour(container{Cipher: "none", KDF: "none", Keys: 1, Public: public, Private: private})
}

func publicOf(t testing.TB, key any) []byte {
	t.Helper()
	p, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return p.Marshal()
}

// refuse fails unless the file is refused as broken; the control file shows that the builder itself is right.
func refuse(t *testing.T, what string, file []byte, want error) {
	t.Helper()
	m, err := readOpenSSH(file, nil, 0)
	if !errors.Is(err, want) || m != nil {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func accept(t *testing.T, what string, file []byte) {
	t.Helper()
	if _, err := readOpenSSH(file, nil, 0); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func TestBrokenEd25519(t *testing.T) {
	public, key, _ := ed25519.GenerateKey(rand.Reader)
	other, otherKey, _ := ed25519.GenerateKey(rand.Reader)
	good := edFields{7, 7, ssh.KeyAlgoED25519, public, key, "c"}
	outer := publicOf(t, public)
	accept(t, "whole", clearFile(outer, good))

	for what, change := range map[string]func(f *edFields){
		"inner public half":       func(f *edFields) { f.Public = other },
		"private: public half":    func(f *edFields) { f.Private = append(bytes.Clone(key[:32]), other...) },
		"private: seed":           func(f *edFields) { f.Private = append(bytes.Clone(otherKey[:32]), public...) },
		"both inner public":       func(f *edFields) { f.Public, f.Private = other, append(bytes.Clone(key[:32]), other...) },
		"all but the outer":       func(f *edFields) { f.Public, f.Private = other, otherKey },
		"short":                   func(f *edFields) { f.Private = key[:63] },
		"long":                    func(f *edFields) { f.Private = append(bytes.Clone(key), 0) },
		"empty":                   func(f *edFields) { f.Private = nil },
		"check words":             func(f *edFields) { f.Check2++ },
		"type of another kind":    func(f *edFields) { f.Type = ssh.KeyAlgoRSA },
		"type that does not name": func(f *edFields) { f.Type = "" },
	} {
		f := good
		change(&f)
		refuse(t, what, clearFile(outer, f), ErrBrokenKey)
	}
	refuse(t, "outer public half", clearFile(publicOf(t, other), good), ErrBrokenKey)
	refuse(t, "no public half", clearFile(nil, good), ErrBrokenKey)
	refuse(t, "bytes after the public half", clearFile(append(bytes.Clone(outer), 0), good), ErrBrokenKey)

	whole, err := parseContainer(clearFile(outer, good))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(f *container){
		"padding":      func(f *container) { f.Private = append(bytes.Clone(f.Private), 9, 9, 9, 9, 9, 9, 9, 9) },
		"no padding":   func(f *container) { f.Private = f.Private[:len(f.Private)-1] },
		"bytes after":  func(f *container) { f.Rest = []byte{0} },
		"no private":   func(f *container) { f.Private = nil },
		"three keys":   func(f *container) { f.Keys = 3 },
		"none, bcrypt": func(f *container) { f.KDF = "bcrypt" },
	} {
		f := *whole
		change(&f)
		refuse(t, what, armour(f), ErrBrokenKey)
	}
}

func TestBrokenECDSA(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bytesOf := func(k *ecdsa.PrivateKey) (point []byte, d *big.Int) {
		point, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return point, new(big.Int).SetBytes(raw)
	}
	point, d := bytesOf(key)
	otherPoint, otherD := bytesOf(other)
	n := elliptic.P256().Params().N
	good := ecFields{7, 7, ssh.KeyAlgoECDSA256, "nistp256", point, d, "c"}
	outer := publicOf(t, &key.PublicKey)
	accept(t, "whole", clearFile(outer, good))
	for what, change := range map[string]func(f *ecFields){
		"number":              func(f *ecFields) { f.D = otherD },
		"point":               func(f *ecFields) { f.Public = otherPoint },
		"number and point":    func(f *ecFields) { f.D, f.Public = otherD, otherPoint },
		"zero":                func(f *ecFields) { f.D = new(big.Int) },
		"negative":            func(f *ecFields) { f.D = new(big.Int).Neg(d) }, // x/crypto takes its absolute value
		"beyond the order":    func(f *ecFields) { f.D = new(big.Int).Add(d, n) },
		"the order less it":   func(f *ecFields) { f.D = new(big.Int).Sub(n, d) }, // same x, other y
		"very long":           func(f *ecFields) { f.D = new(big.Int).Lsh(d, 4096) },
		"curve":               func(f *ecFields) { f.Curve = "nistp384" },
		"type":                func(f *ecFields) { f.Type = ssh.KeyAlgoECDSA384 },
		"point off the curve": func(f *ecFields) { f.Public = append(bytes.Clone(point[:64]), point[64]^1) },
		"no point":            func(f *ecFields) { f.Public = nil },
		"point at infinity":   func(f *ecFields) { f.Public = []byte{0} },
	} {
		f := good
		change(&f)
		refuse(t, what, clearFile(outer, f), ErrBrokenKey)
	}
	refuse(t, "outer public half", clearFile(publicOf(t, &other.PublicKey), good), ErrBrokenKey)
}

// rsaKey makes one key for all tests that need any.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func TestBrokenRSA(t *testing.T) {
	key := rsaKey()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	fieldsOf := func(k *rsa.PrivateKey) rsaFields {
		return rsaFields{7, 7, ssh.KeyAlgoRSA, k.N, big.NewInt(int64(k.E)), k.D, k.Precomputed.Qinv, k.Primes[0], k.Primes[1], "c"}
	}
	good, wrong := fieldsOf(key), fieldsOf(other)
	outer := publicOf(t, &key.PublicKey)
	accept(t, "whole", clearFile(outer, good))
	one, two := big.NewInt(1), big.NewInt(2)
	neg := func(n *big.Int) *big.Int { return new(big.Int).Neg(n) }
	huge := new(big.Int).Lsh(one, maxRSABits+1)
	for what, change := range map[string]func(f *rsaFields){
		"modulus":           func(f *rsaFields) { f.N = wrong.N },
		"exponent":          func(f *rsaFields) { f.E = big.NewInt(3) },
		"exponent 1":        func(f *rsaFields) { f.E, f.D = one, one },
		"exponent 1, d":     func(f *rsaFields) { f.E = one },
		"exponent 2":        func(f *rsaFields) { f.E = two },
		"exponent even":     func(f *rsaFields) { f.E = big.NewInt(65538) },
		"exponent long":     func(f *rsaFields) { f.E = new(big.Int).Add(huge, one) },
		"exponent 25 bits":  func(f *rsaFields) { f.E = big.NewInt(1<<24 + 1) },
		"exponent 64 bits":  func(f *rsaFields) { f.E = new(big.Int).Add(new(big.Int).Lsh(one, 64), big.NewInt(65537)) },
		"exponent negative": func(f *rsaFields) { f.E = neg(f.E) },
		"d":                 func(f *rsaFields) { f.D = wrong.D },
		"d + 2":             func(f *rsaFields) { f.D = new(big.Int).Add(f.D, two) },
		"d negative":        func(f *rsaFields) { f.D = neg(f.D) },
		"d zero":            func(f *rsaFields) { f.D = new(big.Int) },
		"p":                 func(f *rsaFields) { f.P = wrong.P },
		"p and q":           func(f *rsaFields) { f.P, f.Q = wrong.P, wrong.Q },
		"p negative":        func(f *rsaFields) { f.P, f.Q = neg(f.P), neg(f.Q) },
		"p is 1":            func(f *rsaFields) { f.P, f.Q = one, f.N },
		"p is zero":         func(f *rsaFields) { f.P = new(big.Int) },
		"p very long":       func(f *rsaFields) { f.P = new(big.Int).Rsh(huge, 2) },
		"modulus negative":  func(f *rsaFields) { f.N = neg(f.N) },
		"modulus very long": func(f *rsaFields) { f.N = huge },
		"everything":        func(f *rsaFields) { *f = wrong },
	} {
		f := good
		change(&f)
		refuse(t, what, clearFile(outer, f), ErrBrokenKey)
		// Once more with an outer public half that goes along with the change, so that this is not what betrays it.
		along := struct {
			Type string
			E, N *big.Int
		}{f.Type, f.E, f.N}
		if what != "everything" {
			refuse(t, what+", outer too", clearFile(ssh.Marshal(along), f), ErrBrokenKey)
		}
	}
	refuse(t, "outer public half", clearFile(publicOf(t, &other.PublicKey), good), ErrBrokenKey)

	swapped := good
	swapped.P, swapped.Q, swapped.QInv = good.Q, good.P, new(big.Int)
	accept(t, "primes in the other order", clearFile(outer, swapped))

	t.Setenv("GODEBUG", "rsa1024min=0")
	weak, err := rsa.GenerateKey(rand.Reader, 1000)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, "1000 bits", clearFile(publicOf(t, &weak.PublicKey), fieldsOf(weak)), ErrWeakKey)
}

// TestProve: the last guard, a signature, sees what none before it was shown.
func TestProve(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	other, _, _ := ed25519.GenerateKey(rand.Reader)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]any{"ed25519": ed, "ecdsa": ec, "rsa": rsaKey()} {
		if _, err := prove(key); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	wrongEC := *ec
	wrongEC.PublicKey = otherEC.PublicKey
	wrongRSA := rsa.PrivateKey{PublicKey: rsaKey().PublicKey, D: new(big.Int).Add(rsaKey().D, big.NewInt(2)), Primes: rsaKey().Primes}
	for what, key := range map[string]any{
		"ed25519": ed25519.PrivateKey(append(bytes.Clone(ed[:32]), other...)), "ecdsa": &wrongEC, "rsa": &wrongRSA, "nothing": nil,
	} {
		if _, err := prove(key); !errors.Is(err, ErrBrokenKey) {
			t.Errorf("%s that does not match: %v", what, err)
		}
	}
}

// TestBitFlips turns over every bit of a file that is not locked: what is still accepted is the same key. (The format has
// nothing to tell such damage by but the key's own arithmetic; the comment, and the numbers that are derived anew, may differ.)
func TestBitFlips(t *testing.T) {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for kind, k := range map[string]any{"ed25519": key, "ecdsa": ec} {
		m, err := prove(k)
		if err != nil {
			t.Fatal(err)
		}
		m.comment = "c"
		file, err := m.marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseContainer(file)
		if err != nil {
			t.Fatal(err)
		}
		raw := append([]byte(nil), ssh.Marshal(*f)...)
		accepted := 0
		for bit := range 8 * len(raw) {
			raw[bit/8] ^= 1 << (bit % 8)
			var flipped container
			if ssh.Unmarshal(raw, &flipped) == nil {
				if got, err := readOpenSSH(armour(flipped), nil, 0); err == nil {
					accepted++
					if !bytes.Equal(got.public.Marshal(), m.public.Marshal()) {
						t.Errorf("%s, bit %d: accepted as another key", kind, bit)
					}
				}
			}
			raw[bit/8] ^= 1 << (bit % 8)
		}
		if most := 8 * len("\x00\x00\x00\x01c"); accepted == 0 || accepted > most {
			t.Errorf("%s: %d flips accepted, want some of those in the comment and its length, at most %d", kind, accepted, most)
		}
	}
}

// TestTamperedVaultFile turns over every bit of a NAME.age, cuts it everywhere and adds to it: none of it opens, all of it is
// told apart from a bug.
func TestTamperedVaultFile(t *testing.T) {
	v := newTestVault(t)
	v.factor, v.maxFactor = 1, 2 // the work factor is in the file, and is turned over too
	pass := []byte("x")
	if _, err := v.Create("k", Spec{}, pass); err != nil {
		t.Fatal(err)
	}
	whole := readAll(t, v.keyFile("k"))
	line := readAll(t, v.pubFile("k"))
	tried := 0
	try := func(what string, b []byte) {
		tried++
		writeAll(t, v.keyFile("k"), b)
		_, err := v.Unlock("k", pass)
		var work *WorkFactorError
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrWrongPassphrase) && !errors.As(err, &work) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for bit := range 8 * len(whole) {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		try("turned over", b)
	}
	for n := range whole {
		try("cut off", whole[:n])
	}
	for n := range 64 {
		try("extended", append(bytes.Clone(whole), make([]byte, n+1)...))
	}
	t.Logf("%d altered files, none opened", tried)
	writeAll(t, v.keyFile("k"), whole)
	if _, err := v.Unlock("k", pass); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(readAll(t, v.pubFile("k")), line) {
		t.Error("a file that did not open changed the .pub")
	}
}

// TestForeignPayload: an age file that holds something else than one clear OpenSSH key is no key.
func TestForeignPayload(t *testing.T) {
	v := newTestVault(t)
	pass := []byte("x")
	if _, err := v.Create("k", Spec{}, pass); err != nil {
		t.Fatal(err)
	}
	locked, err := v.Export("k", pass, []byte("inner"), "openssh")
	if err != nil {
		t.Fatal(err)
	}
	for want, payload := range map[string]string{"locked once more": string(locked), "no kind of key": "hello", "empty file": ""} {
		sealed, err := v.seal([]byte(payload), pass)
		if err != nil {
			t.Fatal(err)
		}
		writeAll(t, v.keyFile("k"), sealed)
		if _, err := v.Unlock("k", pass); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	m := &material{crypto: rsaKey(), comment: "two\nlines\u202e"}
	payload, err := m.marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := v.seal(payload, pass)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, v.keyFile("k"), sealed)
	if p, err := v.Unlock("k", pass); err != nil || p.Key.Comment != "two lines" {
		t.Errorf("a comment that was not cleaned: %+v, %v", p, err)
	}
}
