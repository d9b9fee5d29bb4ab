package ppk

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestReadsPuTTYgen has the real puttygen make a key of each kind and save it in each form, and reads all.
func TestReadsPuTTYgen(t *testing.T) {
	dir := bench(t)
	extra := []form{{"argon2i", 3, true, "kdf=argon2i," + cheap}, {"lanes", 3, true, "memory=96,passes=3,parallelism=3"}, {"usual", 3, true, "version=3"}}
	for _, k := range kinds {
		const comment = `鍵番 – "me": \ <ich@büro>  `
		generate(t, dir, "k", k.kind, k.bits, comment)
		want := puttygen(t, dir, "k.ppk", "-L")
		for _, f := range append(forms, extra...) {
			if f.name == "usual" && k.name != "ed25519" {
				continue // takes its time
			}
			save(t, dir, "k", "saved", f.param, f.locked)
			file := read(t, filepath.Join(dir, "saved.ppk"))
			key, got, err := open(file, secret)
			if err != nil || got != comment || line(t, key, got) != want {
				t.Errorf("%s, %s: %T %q, %v; puttygen has %q", k.name, f.name, key, got, err, want)
			}
			if _, _, err := open(file, "wrong"); f.locked && !errors.Is(err, ErrPassphrase) {
				t.Errorf("%s, %s, under a wrong passphrase: %v", k.name, f.name, err)
			}
		}
	}
}

// TestPuTTYgenReads has the real puttygen read what is written: a key of each kind in each form, and one as costly as we make them.
func TestPuTTYgenReads(t *testing.T) {
	dir := bench(t)
	path := filepath.Join(dir, "k.ppk")
	check := func(what string, key private, file []byte, locked bool) {
		t.Helper()
		write(t, path, file)
		puttygen(t, dir, "k.ppk", "-P", "--old-passphrase", "secret", "--new-passphrase", "empty", "-O", "private-openssh-new", "-o", "k")
		out := read(t, filepath.Join(dir, "k"))
		got, err := ssh.ParseRawPrivateKey(out) // holds its halves against each other, as puttygen does
		if err != nil {
			t.Fatalf("%s: of puttygen's: %v", what, err)
		}
		want := line(t, key, "鍵番 <me>")
		if said := puttygen(t, dir, "k.ppk", "-L"); said != want || line(t, got, "鍵番 <me>") != want {
			t.Errorf("%s: puttygen reads %s, not %s", what, said, want)
		}
		if !locked {
			return
		}
		cmd := exec.Command("puttygen", "k.ppk", "--old-passphrase", "wrong", "-O", "private-openssh-new", "-o", "none")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("wrong passphrase")) {
			t.Errorf("%s: puttygen under a wrong passphrase: %s, %v", what, out, err)
		}
	}
	for kind, key := range newKeys(t) {
		for _, f := range forms {
			passphrase := ""
			if f.locked {
				passphrase = secret
			}
			file, err := marshal(key, "鍵番 <me>", []byte(passphrase), f.version, cost{64, 1, 2})
			if err != nil {
				t.Fatal(err)
			}
			check(kind+", "+f.name, key, file, f.locked)
			again, comment, err := open(file, passphrase)
			if err != nil || comment != "鍵番 <me>" || !key.Equal(again) {
				t.Errorf("%s, %s: read again: %T, %v", kind, f.name, again, err)
			}
		}
	}
	key := newKeys(t)["ed25519"]
	file, err := Marshal(key, "鍵番 <me>", []byte(secret), 3)
	if err != nil || !bytes.Contains(file, []byte("\nKey-Derivation: Argon2id\nArgon2-Memory: 65536\nArgon2-Passes: 3\nArgon2-Parallelism: 4\n")) {
		t.Fatalf("%s, %v", file, err)
	}
	check("as we write", key, file, true)
}

// TestMarshalRefuses: what would not come back as it went in is not written; and no two locked files have a salt in common.
func TestMarshalRefuses(t *testing.T) {
	key := newKeys(t)["ed25519"]
	for what, test := range map[string]struct {
		key     any
		comment string
		version int
	}{
		"version 1": {key, "c", 1}, "version 4": {key, "c", 4}, "a line end": {key, "a\nb", 3}, "a CR": {key, "a\rb", 3}, "a public key": {key.(ed25519.PrivateKey).Public(), "c", 3},
		"three primes": {&rsa.PrivateKey{PublicKey: newKeys(t)["rsa"].(*rsa.PrivateKey).PublicKey, D: big.NewInt(3), Primes: []*big.Int{big.NewInt(3), big.NewInt(5), big.NewInt(7)}}, "c", 3},
	} {
		if file, err := Marshal(test.key, test.comment, nil, test.version); err == nil || file != nil {
			t.Errorf("%s: %s, %v", what, file, err)
		}
	}
	one, err := marshal(key, "c", []byte("p"), 3, cost{64, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	other, err := marshal(key, "c", []byte("p"), 3, cost{64, 1, 1})
	if err != nil || bytes.Equal(one, other) || bytes.Contains(one, []byte("Salt: 00000000")) {
		t.Errorf("%s\n%s, %v", one, other, err)
	}
}

// private is what every private key of the standard library is.
type private interface{ Equal(crypto.PrivateKey) bool }

// newKeys are keys of each kind.
func newKeys(t testing.TB) map[string]private {
	t.Helper()
	keys := map[string]private{}
	for name, curve := range map[string]elliptic.Curve{"ecdsa256": elliptic.P256(), "ecdsa384": elliptic.P384(), "ecdsa521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys["ed25519"], keys["rsa"] = ed, rs
	return keys
}
