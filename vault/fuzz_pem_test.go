package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"golang.org/x/crypto/ssh"
)

// FuzzPEM feeds the importer with PEM files; where the armour is missing the first byte chooses one. It never panics, never derives beyond
// its bound, and what it accepts is one key: by the arithmetic of the standard library, by what crypto/x509 reads in the same
// file, if it reads it, and after being written and read again.
func FuzzPEM(f *testing.F) {
	for _, seed := range pemSeeds(f) {
		f.Add(seed, []byte("p"))
	}
	kinds := []string{pemRSA, pemEC, pemPKCS8, pemLocked}
	f.Fuzz(func(t *testing.T, file, pass []byte) {
		if !pemBegins.Match(file) && len(file) > 0 {
			file = pem.EncodeToMemory(&pem.Block{Type: kinds[int(file[0])%len(kinds)], Bytes: file[1:]})
		}
		m, err := readPEM(file, pass, testWork)
		if err != nil {
			if m != nil {
				t.Error("a key beside an error")
			}
			return
		}
		if !halvesAgree(m.crypto) {
			t.Error("accepted a key whose halves disagree")
		}
		if key, err := ssh.ParseRawPrivateKey(file); err == nil {
			if s, err := ssh.NewSignerFromKey(key); err != nil || !bytes.Equal(s.PublicKey().Marshal(), m.public.Marshal()) {
				t.Errorf("crypto/x509 reads another key: %v", err)
			}
		}
		if longEnough(m.public, minRSAImport) != nil {
			return // opened, and never kept
		}
		payload, err := m.marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := readPayload(payload); err != nil || !bytes.Equal(again.public.Marshal(), m.public.Marshal()) {
			t.Errorf("written and read again: %+v, %v", again, err)
		}
	})
}

// pemSeeds are sound files, in armour or as a byte and DER, where a changed byte stays a changed byte.
func pemSeeds(t testing.TB) [][]byte {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain := mustBytes(x509.MarshalPKCS8PrivateKey(ed))
	scrypt := func(o *cheap) {
		o.KDF, o.Options = oidScrypt, scryptOptions{Salt: []byte("saltsalt"), N: 16, R: 1, P: 1}
	}
	seeds := [][]byte{
		cheaply(t, plain, "p", nil), cheaply(t, plain, "p", scrypt),
		mustBytes((&material{crypto: ec}).marshalLegacy([]byte("p"))),
		append([]byte{0}, x509.MarshalPKCS1PrivateKey(rsaKey())...),
		append([]byte{1}, mustBytes(x509.MarshalECPrivateKey(ec))...),
		append([]byte{2}, plain...),
		append([]byte{2}, mustBytes(x509.MarshalPKCS8PrivateKey(ec))...),
		append([]byte{3}, unarmour(cheaply(t, plain, "p", nil))...),
		append([]byte{3}, unarmour(cheaply(t, plain, "p", scrypt))...),
	}
	for i, seed := range seeds {
		file := seed
		if !pemBegins.Match(seed) {
			file = pem.EncodeToMemory(&pem.Block{Type: []string{pemRSA, pemEC, pemPKCS8, pemLocked}[seed[0]], Bytes: seed[1:]})
		}
		if _, err := readPEM(file, []byte("p"), testWork); err != nil {
			t.Fatalf("seed %d: %v", i, err)
		}
	}
	return seeds
}
