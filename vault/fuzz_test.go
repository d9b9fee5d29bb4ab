package vault

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// fuzzRounds keeps one run short; the limit is what the importer is given, so the guard itself is the real one.
const fuzzRounds = 2

// FuzzImport feeds the importer with files, in armour or without. It never panics, never runs more rounds than allowed, and what it
// accepts is one key: by the arithmetic of the standard library alone, by what x/crypto reads in the same file, and after being
// written and read again.
func FuzzImport(f *testing.F) {
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n"), []byte(nil))
	f.Add([]byte("PuTTY-User-Key-File-3: ssh-ed25519\n"), []byte("p"))
	f.Fuzz(func(t *testing.T, file, pass []byte) {
		if !bytes.Contains(file, []byte("-----BEGIN")) {
			file = pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: append([]byte(keyMagic), file...)})
		}
		m, err := readOpenSSH(file, pass, fuzzRounds)
		if err != nil {
			if m != nil {
				t.Error("a key beside an error")
			}
			return
		}
		if !halvesAgree(m.crypto) {
			t.Error("accepted a key whose halves disagree")
		}
		if c, err := parseContainer(file); err != nil || !bytes.Equal(c.Public, m.public.Marshal()) {
			t.Errorf("accepted under another public half than the file's: %v", err)
		} else if c.Cipher == "none" {
			agreesWithXCrypto(t, file, m.public)
		}
		m.comment = CleanComment(m.comment)
		payload, err := m.marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		agreesWithXCrypto(t, payload, m.public)
		if longEnough(m.public, minRSAImport) != nil {
			return // opened, and never kept
		}
		again, err := readPayload(payload)
		if err != nil || again.comment != m.comment || !bytes.Equal(again.public.Marshal(), m.public.Marshal()) {
			t.Errorf("written and read again: %+v, %v", again, err)
		}
	})
}

// halvesAgree computes the public half anew, by other means than the importer's.
func halvesAgree(key any) bool {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return len(k) == ed25519.PrivateKeySize && bytes.Equal(ed25519.NewKeyFromSeed(k[:32])[32:], k[32:])
	case *ecdsa.PrivateKey:
		raw, err := k.Bytes()
		if err != nil {
			return false
		}
		curve := map[int]ecdh.Curve{256: ecdh.P256(), 384: ecdh.P384(), 521: ecdh.P521()}[k.Params().BitSize]
		other, err := curve.NewPrivateKey(raw)
		if err != nil {
			return false
		}
		public, err := k.PublicKey.ECDH()
		return err == nil && other.PublicKey().Equal(public)
	case *rsa.PrivateKey:
		one, e := big.NewInt(1), big.NewInt(int64(k.E))
		if len(k.Primes) != 2 || new(big.Int).Mul(k.Primes[0], k.Primes[1]).Cmp(k.N) != 0 || k.N.BitLen() < minRSAOpen {
			return false
		}
		for _, p := range k.Primes {
			rest := new(big.Int).Mul(e, k.D)
			if rest.Mod(rest, new(big.Int).Sub(p, one)).Cmp(one) != 0 {
				return false
			}
		}
		return true
	}
	return false
}

func agreesWithXCrypto(t *testing.T, file []byte, public ssh.PublicKey) {
	t.Helper()
	key, err := ssh.ParseRawPrivateKey(file)
	if err != nil {
		t.Errorf("x/crypto does not read it: %v", err)
		return
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil || !bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
		t.Errorf("x/crypto reads another key: %v", err)
	}
}

// TestFuzzSeeds sees to it that the committed seeds still reach what they were made for; with -update it makes new ones.
func TestFuzzSeeds(t *testing.T) {
	dir := filepath.Join("testdata", "fuzz", "FuzzImport")
	if *update {
		makeSeeds(t, dir)
	}
	for name, opens := range map[string]bool{
		"ed25519": true, "ecdsa": true, "rsa": true, "locked-ctr": true, "locked-cbc": true, "armoured": true,
		"halves-disagree": false, "huge-rounds": false, "negative-number": false, "two-keys": false, "gcm": true, "chacha": true, "3des": true,
	} {
		file, pass := readSeed(t, filepath.Join(dir, name))
		if !bytes.Contains(file, []byte("-----BEGIN")) {
			file = pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: append([]byte(keyMagic), file...)})
		}
		if _, err := readOpenSSH(file, pass, fuzzRounds); (err == nil) != opens {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func makeSeeds(t *testing.T, dir string) {
	write := func(name string, file []byte, pass string) {
		if block, _ := pem.Decode(file); block != nil && name != "armoured" {
			file = block.Bytes[len(keyMagic):] // without armour a changed byte stays a changed byte
		}
		text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n[]byte(%q)\n", file, pass)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeAll(t, filepath.Join(dir, name), []byte(text))
	}
	_, ed := sshKeygen(t, "c", "", "-t", "ed25519")
	_, ec := sshKeygen(t, "c", "", "-t", "ecdsa")
	_, rs := sshKeygen(t, "c", "", "-t", "rsa", "-b", "2048")
	_, ctr := sshKeygen(t, "c", "pass p", "-t", "ed25519", "-a", "1")
	_, cbc := sshKeygen(t, "c", "pass p", "-t", "ecdsa", "-a", "1", "-Z", "aes256-cbc")
	_, gcm := sshKeygen(t, "c", "pass p", "-t", "ed25519", "-a", "1", "-Z", "aes256-gcm@openssh.com")
	_, chacha := sshKeygen(t, "c", "pass p", "-t", "ed25519", "-a", "1", "-Z", "chacha20-poly1305@openssh.com")
	_, des := sshKeygen(t, "c", "pass p", "-t", "ed25519", "-a", "1", "-Z", "3des-cbc")
	write("chacha", chacha, "pass p")
	write("3des", des, "pass p")
	write("ed25519", ed, "")
	write("armoured", ed, "")
	write("ecdsa", ec, "")
	write("rsa", rs, "")
	write("locked-ctr", ctr, "pass p")
	write("locked-cbc", cbc, "pass p")
	write("gcm", gcm, "pass p")

	a, err := parseContainer(ed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseContainer(ec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseContainer(ctr)
	if err != nil {
		t.Fatal(err)
	}
	disagree, negative, rounds, two := *c, *b, *c, *a
	disagree.Cipher, disagree.KDF, disagree.KDFOpts, disagree.Private = "none", "none", nil, a.Private
	write("halves-disagree", armour(disagree), "")
	// The number is the last field but one, and followed by the comment: its first byte becomes a sign.
	at := bytes.LastIndex(negative.Private, []byte("\x00\x00\x00\x01c"))
	negative.Private = bytes.Clone(negative.Private)
	if first := at - 33; negative.Private[first] == 0 {
		negative.Private[first] = 0xff
	} else {
		negative.Private[first+1] |= 0x80
	}
	rounds.KDFOpts = bytes.Clone(rounds.KDFOpts)
	rounds.KDFOpts[len(rounds.KDFOpts)-4] = 0x7f
	write("huge-rounds", armour(rounds), "pass p")
	two.Keys = 2
	write("two-keys", armour(two), "")
	write("negative-number", armour(negative), "")
}

func readSeed(t *testing.T, path string) (file, pass []byte) {
	t.Helper()
	var f, p string
	if _, err := fmt.Sscanf(string(readAll(t, path)), "go test fuzz v1\n[]byte(%q)\n[]byte(%q)\n", &f, &p); err != nil {
		t.Fatal(err)
	}
	return []byte(f), []byte(p)
}
