package ppk

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
	"regexp"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// free are the bytes that may be others in a file that is still read as the same key: line ends, and the case of hexadecimal digits. Neither is
// under the MAC, and neither says anything else then. Nor are under it, but are not free: the version, the numbers of lines and the order of
// fields, without which the MAC is not found or is another's; the derivation with its numbers and salt, which make the MAC's key; the MAC.
var free = regexp.MustCompile(`(?m)\r?\n|\r|(?:^Argon2-Salt|^Private-MAC): ([0-9a-f]+)`)

func freeBytes(file []byte) map[int]bool {
	at := map[int]bool{}
	for _, m := range free.FindAllSubmatchIndex(file, -1) {
		from, to := m[0], m[1]
		if m[2] >= 0 {
			from = m[2]
		}
		for i := from; i < to; i++ {
			at[i] = true
		}
	}
	return at
}

// TestFlippedBytes flips each bit of each byte of files of all forms (of one file: puts every other byte in each place). Each is refused, or
// is the same key with the same comment because a free byte was met.
func TestFlippedBytes(t *testing.T) {
	files := map[string][]byte{"argon2i": golden(t, "argon2i"), "CR LF": ends(golden(t, "ed25519-v3"), "\r\n")}
	for _, f := range forms {
		files["ed25519-"+f.name] = golden(t, "ed25519-"+f.name)
	}
	for _, name := range []string{"ecdsa256-v3", "ecdsa521-v2", "rsa-v3", "rsa-v2", "rsa-v2-locked"} {
		files[name] = golden(t, name)
	}
	for name, file := range files {
		key, comment, err := open(file, secret)
		if err != nil {
			t.Fatal(err)
		}
		mayBe, same := freeBytes(file), 0
		var masks []byte
		for bit := range 8 {
			masks = append(masks, 1<<bit)
		}
		if name == "ed25519-v3" {
			masks = masks[:0]
			for m := 1; m < 256; m++ {
				masks = append(masks, byte(m))
			}
		}
		for at := range file {
			for _, mask := range masks {
				altered := bytes.Clone(file)
				altered[at] ^= mask
				got, said, err := open(altered, secret)
				switch {
				case err != nil && got == nil:
				case err != nil || said != comment || !key.(private).Equal(got):
					t.Errorf("%s, byte %d ^ %#x: another key, %v", name, at, mask, err)
				case !mayBe[at]:
					t.Errorf("%s, byte %d ^ %#x in %q is not seen", name, at, mask, file[max(0, at-20):min(at+20, len(file))])
				default:
					same++
				}
			}
		}
		if same == 0 {
			t.Errorf("%s: not even a capital in the MAC is read", name)
		}
	}
}

// TestCutOff: no beginning of a file is read, but for the last line's end.
func TestCutOff(t *testing.T) {
	for _, name := range []string{"ed25519-v3", "ed25519-v3-locked", "rsa-v2"} {
		file := golden(t, name)
		for n := range len(file) - 1 {
			if key, _, err := open(file[:n], secret); err == nil || key != nil {
				t.Errorf("%s: %d bytes of %d are read", name, n, len(file))
			}
		}
	}
}

// rewrite makes a file of altered parts, with a MAC that is right: what anybody can do to a file without a passphrase, and who knows the
// passphrase to the others.
func rewrite(f File, passphrase string, public, private []byte) []byte {
	f.public, f.private = public, private
	k := f.derive([]byte(passphrase))
	f.mac = f.sum(k.mac, private)
	if f.Encrypted() {
		k.crypt(cipher.NewCBCEncrypter, f.private)
	}
	return f.text()
}

// TestHalvesDisagree: a right MAC is not taken for a right key.
func TestHalvesDisagree(t *testing.T) {
	type numbers struct{ A *big.Int }
	type rsaNumbers struct{ D, P, Q, QInv *big.Int }
	keys, others := newKeys(t), newKeys(t)
	ed, ec, rs := keys["ed25519"].(ed25519.PrivateKey), keys["ecdsa256"].(*ecdsa.PrivateKey), keys["rsa"].(*rsa.PrivateKey)
	d, order, one := new(big.Int).SetBytes(raw(t, ec)), elliptic.P256().Params().N, big.NewInt(1)
	whole := rsaNumbers{rs.D, rs.Primes[0], rs.Primes[1], rs.Precomputed.Qinv}
	with := func(change func(n *rsaNumbers)) []byte {
		n := whole
		change(&n)
		return ssh.Marshal(n)
	}
	otherRSA := others["rsa"].(*rsa.PrivateKey)
	for kind, private := range map[string]map[string][]byte{
		"ed25519": {
			"": ssh.Marshal(struct{ S []byte }{ed.Seed()}), "another's": ssh.Marshal(struct{ S []byte }{others["ed25519"].(ed25519.PrivateKey).Seed()}),
			"short": ssh.Marshal(struct{ S []byte }{ed.Seed()[:31]}), "long": ssh.Marshal(struct{ S []byte }{ed}), "none": nil, "cut off": {0, 0, 0, 32, 1},
		},
		"ecdsa256": {
			"": ssh.Marshal(numbers{d}), "another's": ssh.Marshal(numbers{new(big.Int).SetBytes(raw(t, others["ecdsa256"].(*ecdsa.PrivateKey)))}),
			"zero": ssh.Marshal(numbers{new(big.Int)}), "negative": ssh.Marshal(numbers{new(big.Int).Neg(d)}), "beyond the order": ssh.Marshal(numbers{new(big.Int).Add(d, order)}),
			"the order less it": ssh.Marshal(numbers{new(big.Int).Sub(order, d)}), "very long": ssh.Marshal(numbers{new(big.Int).Lsh(d, 4096)}), "none": nil,
		},
		"rsa": {
			"": ssh.Marshal(whole), "another's": ssh.Marshal(rsaNumbers{otherRSA.D, otherRSA.Primes[0], otherRSA.Primes[1], otherRSA.Precomputed.Qinv}),
			"d is another's": with(func(n *rsaNumbers) { n.D = otherRSA.D }), "d is 0": with(func(n *rsaNumbers) { n.D = new(big.Int) }),
			"p is 0": with(func(n *rsaNumbers) { n.P = new(big.Int) }), "p is negative": with(func(n *rsaNumbers) { n.P, n.Q = new(big.Int).Neg(n.P), new(big.Int).Neg(n.Q) }),
			"p is 1": with(func(n *rsaNumbers) { n.P, n.Q = one, rs.N }), "p is long": with(func(n *rsaNumbers) { n.P = new(big.Int).Lsh(n.P, 2048) }),
			"three numbers": ssh.Marshal(struct{ D, P, Q *big.Int }{whole.D, whole.P, whole.Q}),
		},
	} {
		file, err := marshal(keys[kind], "c", nil, 3, cost{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, private := range private {
			got, _, err := open(rewrite(*f, "", f.public, private), "")
			if what == "" && err != nil || what != "" && (!errors.Is(err, ErrBroken) || got != nil) {
				t.Errorf("%s, %s: %T, %v", kind, what, got, err)
			}
		}
		other, err := ssh.NewSignerFromKey(others[kind])
		if err != nil {
			t.Fatal(err)
		}
		publics := map[string][]byte{"another's": other.PublicKey().Marshal()}
		if kind == "rsa" {
			type fields struct {
				Kind string
				E, N *big.Int
			}
			e := big.NewInt(int64(rs.E))
			publics["a negative"] = ssh.Marshal(fields{f.kind, e, new(big.Int).Neg(rs.N)})
			publics["a longer"] = ssh.Marshal(struct {
				Kind string
				E    []byte
				N    *big.Int
			}{f.kind, append([]byte{0, 0}, e.Bytes()...), rs.N})
		}
		for what, public := range publics {
			if got, _, err := open(rewrite(*f, "", public, private[""]), ""); !errors.Is(err, ErrBroken) {
				t.Errorf("%s, under %s public half: %T, %v", kind, what, got, err)
			}
		}
	}
}

// TestPadding: a locked private part ends within a block of what it holds, and one in the clear ends there.
func TestPadding(t *testing.T) {
	for _, test := range []struct {
		name, passphrase string
		padding          int // of 36 bytes that are the key
		whole            bool
	}{{"ed25519-v3", "", 0, true}, {"ed25519-v3", "", 12, false}, {"ed25519-v3-locked", secret, 12, true}, {"ed25519-v3-locked", secret, 28, false}} {
		f, err := Parse(golden(t, test.name))
		if err != nil {
			t.Fatal(err)
		}
		key, err := f.PrivateKey([]byte(test.passphrase))
		if err != nil {
			t.Fatal(err)
		}
		private := append(ssh.Marshal(struct{ S []byte }{key.(ed25519.PrivateKey).Seed()}), make([]byte, test.padding)...)
		if _, _, err := open(rewrite(*f, test.passphrase, f.public, private), test.passphrase); (err == nil) != test.whole {
			t.Errorf("%s with %d bytes of padding: %v", test.name, test.padding, err)
		}
	}
}

func raw(t testing.TB, k *ecdsa.PrivateKey) []byte {
	t.Helper()
	b, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLongRSA: numbers of the greatest length that are of no key are told so by multiplying two of them. To find it out by what follows from
// them takes many seconds.
func TestLongRSA(t *testing.T) {
	f, err := Parse(golden(t, "rsa-v3"))
	if err != nil {
		t.Fatal(err)
	}
	n := new(big.Int).Lsh(big.NewInt(1), 16384-1)
	odd := new(big.Int).Sub(n, big.NewInt(1))
	public := ssh.Marshal(struct {
		Kind string
		E, N *big.Int
	}{f.kind, big.NewInt(65537), n})
	private := ssh.Marshal(struct{ D, P, Q, QInv *big.Int }{odd, odd, odd, odd})
	start := time.Now()
	if _, _, err := open(rewrite(*f, "", public, private), ""); !errors.Is(err, ErrBroken) {
		t.Error(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
