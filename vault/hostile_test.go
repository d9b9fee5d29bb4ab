package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// testWork is enough for the small files that these tests make.
const testWork = 1 << 12

// cheaply locks a PKCS#8 as openssl does, but for little work. change may spoil the parts.
func cheaply(t testing.TB, plain []byte, pass string, change func(o *cheap)) []byte {
	t.Helper()
	o := &cheap{
		KDF: oidPBKDF2, Options: pbkdf2Options{Salt: []byte("saltsalt"), Rounds: 2}, Cipher: oidAES256CBC, IV: make([]byte, 16), Scheme: oidPBES2,
	}
	if change != nil {
		change(o)
	}
	kdf, err := algorithm(o.KDF, o.Options)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := derivation(kdf, 32, testWork); err == nil {
		key, err := f([]byte(pass), 32)
		if err != nil {
			t.Fatal(err)
		}
		if o.Sealed == nil {
			o.Sealed = sealCBC(key, plain)
		}
	} else if o.Sealed == nil {
		o.Sealed = make([]byte, 64)
	}
	c, err := algorithm(o.Cipher, o.IV)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := algorithm(o.Scheme, pbes2{kdf, c})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemLocked, Bytes: mustBytes(asn1.Marshal(lockedKey{scheme, o.Sealed}))})
}

type cheap struct {
	KDF, Cipher, Scheme asn1.ObjectIdentifier
	Options             any
	IV, Sealed          []byte
}

// sealCBC encrypts with padding, under an IV of zeros.
func sealCBC(key, plain []byte) []byte {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := slices.Concat(plain, bytes.Repeat([]byte{byte(pad)}, pad))
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(text, text)
	return text
}

// TestHostilePKCS8: what asks for too much, or for nonsense, is refused before a passphrase is looked at, so before anything is derived.
func TestHostilePKCS8(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := mustBytes(x509.MarshalPKCS8PrivateKey(key))
	if m, err := readPEM(cheaply(t, plain, "p", nil), []byte("p"), testWork); err != nil || !key.Equal(m.crypto.(ed25519.PrivateKey)) {
		t.Fatalf("a sound file, built in the same way: %v", err)
	}
	salt := []byte("saltsalt")
	rounds := func(n int64) any { return pbkdf2Options{Salt: salt, Rounds: n} }
	mixing := func(n, r, p int64) func(*cheap) {
		return func(o *cheap) { o.KDF, o.Options = oidScrypt, scryptOptions{Salt: salt, N: n, R: r, P: p} }
	}
	var cost *CostError
	var scheme *CipherError
	long := fmt.Sprintf("-----BEGIN %s-----\nDEK-Info: %0999d,00\n\nAAAA\n-----END %s-----\n", pemRSA, 0, pemRSA)
	if _, err := readKey([]byte(long), nil); !errors.As(err, &scheme) || len(scheme.Cipher) > 64 {
		t.Errorf("a cipher with a long name: %v", err)
	}
	for what, test := range map[string]struct {
		change func(*cheap)
		want   any // a target of errors.As, or an error
	}{
		"rounds, one too many": {func(o *cheap) { o.Options = rounds(maxWork + 1) }, &cost},
		"rounds, 2^62":         {func(o *cheap) { o.Options = rounds(1 << 62) }, &cost},
		"no rounds":            {func(o *cheap) { o.Options = rounds(0) }, ErrBrokenKey},
		"rounds below 0":       {func(o *cheap) { o.Options = rounds(-1) }, ErrBrokenKey},
		"rounds beyond 64 bits": {func(o *cheap) {
			o.Options = struct {
				S []byte
				N *big.Int
			}{salt, new(big.Int).Lsh(big.NewInt(1), 80)}
		}, ErrBrokenKey},
		"no salt":                {func(o *cheap) { o.Options = pbkdf2Options{Rounds: 2} }, ErrBrokenKey},
		"a key of 2 GiB":         {func(o *cheap) { o.Options = pbkdf2Options{Salt: salt, Rounds: 2, KeyLength: 1<<31 - 1} }, ErrBrokenKey},
		"an odd PRF":             {func(o *cheap) { o.Options = pbkdf2Options{salt, 2, 0, pkix.AlgorithmIdentifier{Algorithm: oidRSA}} }, &scheme},
		"scrypt, 512 MiB":        {mixing(1<<19, 8, 1), &cost},
		"scrypt, just over":      {mixing(1<<18, 8, 1), &cost}, // 256 MiB, and one block beside it
		"scrypt, N":              {mixing(1<<25, 1, 1), &cost},
		"scrypt, N of 2^62":      {mixing(1<<62, 1, 1), &cost},
		"scrypt, r":              {mixing(2, 1<<40, 1), &cost},
		"scrypt, p":              {mixing(2, 1, 1<<40), &cost},
		"scrypt, memory by p":    {mixing(2, 1, 1<<22), &cost},
		"scrypt, work by p":      {mixing(1<<14, 8, 1<<8), &cost},
		"scrypt, all at once":    {mixing(1<<24, 1<<24, 1<<24), &cost},
		"scrypt, an overflow":    {mixing(1<<62, 4, 1), &cost},
		"scrypt, N no power":     {mixing(1000, 8, 1), ErrBrokenKey},
		"scrypt, N of 1":         {mixing(1, 8, 1), ErrBrokenKey},
		"scrypt, N below 0":      {mixing(-1<<63, 8, 1), ErrBrokenKey},
		"scrypt, r of 0":         {mixing(16, 0, 1), ErrBrokenKey},
		"scrypt, p below 0":      {mixing(16, 1, -1), ErrBrokenKey},
		"scrypt, no salt":        {func(o *cheap) { o.KDF, o.Options = oidScrypt, scryptOptions{N: 16, R: 1, P: 1} }, ErrBrokenKey},
		"scrypt, a long key":     {func(o *cheap) { o.KDF, o.Options = oidScrypt, scryptOptions{salt, 16, 1, 1, 33} }, ErrBrokenKey},
		"an odd KDF":             {func(o *cheap) { o.KDF = oidEC }, &scheme},
		"an odd cipher":          {func(o *cheap) { o.Cipher = oidEC }, &scheme},
		"an odd scheme":          {func(o *cheap) { o.Scheme = oidEC }, &scheme},
		"a short IV":             {func(o *cheap) { o.IV = o.IV[:8] }, ErrBrokenKey},
		"no IV":                  {func(o *cheap) { o.IV = nil }, ErrBrokenKey},
		"nothing sealed":         {func(o *cheap) { o.Sealed = []byte{} }, ErrBrokenKey},
		"a block cut":            {func(o *cheap) { o.Sealed = make([]byte, 63) }, ErrBrokenKey},
		"sound, but not opened":  {nil, ErrNeedPassphrase},
		"as much as scrypt gets": {mixing(1<<17, 8, 8), ErrNeedPassphrase},
		"as much as PBKDF2 gets": {func(o *cheap) { o.Options = rounds(maxWork) }, ErrNeedPassphrase},
	} {
		_, err := readPEM(cheaply(t, plain, "p", test.change), nil, maxWork)
		if want, ok := test.want.(error); ok && !errors.Is(err, want) || !ok && !errors.As(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestHostileDER: private halves with another key's public half beside them, and numbers that are none.
func TestHostileDER(t *testing.T) {
	ec, other := newNumber(t), newNumber(t)
	_, seed, _ := ed25519.GenerateKey(nil)
	oidP256 := asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	p256 := asn1.RawValue{FullBytes: mustBytes(asn1.Marshal(oidP256))}
	named := asn1.RawValue{Class: 2, IsCompound: true, Bytes: p256.FullBytes}
	point := func(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }
	mine, others := mustBytes(ec.PublicKey.Bytes()), mustBytes(other.PublicKey.Bytes())
	sec1 := func(d, public []byte) []byte { return mustBytes(asn1.Marshal(sec1Key{1, d, named, point(public)})) }
	pkcs8 := func(oid asn1.ObjectIdentifier, key, public []byte) []byte {
		f := pkcs8Key{Version: 1, Kind: pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: p256}, Key: key, Public: point(public)}
		if oid.Equal(oidEd25519) {
			f.Kind.Parameters = asn1.RawValue{}
		}
		return mustBytes(asn1.Marshal(f))
	}
	octets := mustBytes(asn1.Marshal([]byte(seed.Seed())))
	rs := rsaKey()
	pkcs1 := func(change func(k *pkcs1Key)) []byte {
		k := &pkcs1Key{0, rs.N, big.NewInt(int64(rs.E)), rs.D, rs.Primes[0], rs.Primes[1], rs.Precomputed.Dp, rs.Precomputed.Dq, rs.Precomputed.Qinv}
		change(k)
		return mustBytes(asn1.Marshal(*k))
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 200_000)
	d := mustBytes(ec.Bytes())
	for what, test := range map[string]struct {
		kind string
		der  []byte
		want error
	}{
		"sound, SEC 1":                 {pemEC, sec1(d, mine), nil},
		"sound, ed25519 with its half": {pemPKCS8, pkcs8(oidEd25519, octets, seed[32:]), nil},
		"sound, ecdsa with its half":   {pemPKCS8, pkcs8(oidEC, sec1(d, nil), mine), nil},
		"sound, PKCS#1":                {pemRSA, pkcs1(func(*pkcs1Key) {}), nil},
		"sound, with attributes": {pemPKCS8, mustBytes(asn1.Marshal(pkcs8Key{Kind: pkix.AlgorithmIdentifier{Algorithm: oidEd25519}, Key: octets,
			Attributes: asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: []byte("\x30\x00")}})), nil},
		"one field too many": {pemEC, mustBytes(asn1.Marshal(struct {
			Version int
			D       []byte
			Curve   asn1.RawValue `asn1:"explicit,tag:0"`
			More    int
		}{1, d, named, 7})), ErrBrokenKey},
		"a zero more before d":    {pemEC, sec1(slices.Concat([]byte{0}, d), mine), nil},
		"SEC 1, another's point":  {pemEC, sec1(d, others), ErrBrokenKey},
		"SEC 1, half a point":     {pemEC, sec1(d, mine[:33]), ErrBrokenKey},
		"SEC 1, the other root":   {pemEC, sec1(d, slices.Concat([]byte{2 + mine[64]&1 ^ 1}, mine[1:33])), ErrBrokenKey},
		"SEC 1, d of 0":           {pemEC, sec1(make([]byte, 32), mine), ErrBrokenKey},
		"SEC 1, d of the order":   {pemEC, sec1(elliptic.P256().Params().N.Bytes(), mine), ErrBrokenKey},
		"SEC 1, d of 1000 bytes":  {pemEC, sec1(bytes.Repeat([]byte{7}, 1000), mine), ErrBrokenKey},
		"PKCS#8, another's point": {pemPKCS8, pkcs8(oidEC, sec1(d, others), nil), ErrBrokenKey},
		"PKCS#8, two curves": {pemPKCS8, pkcs8(oidEC, mustBytes(asn1.Marshal(sec1Key{Version: 1, D: d,
			Curve: asn1.RawValue{Class: 2, IsCompound: true, Bytes: mustBytes(asn1.Marshal(oidEC))}})), nil), ErrBrokenKey},
		"PKCS#8, another's half":     {pemPKCS8, pkcs8(oidEC, sec1(d, mine), others), ErrBrokenKey},
		"PKCS#8, ed25519, another's": {pemPKCS8, pkcs8(oidEd25519, octets, mine[1:33]), ErrBrokenKey},
		"PKCS#8, a short seed":       {pemPKCS8, pkcs8(oidEd25519, mustBytes(asn1.Marshal(make([]byte, 31))), nil), ErrBrokenKey},
		"PKCS#8, a bare seed":        {pemPKCS8, pkcs8(oidEd25519, seed.Seed(), nil), ErrBrokenKey},
		"bytes after the key":        {pemEC, append(sec1(d, mine), 0), ErrBrokenKey},
		"the wrong armour":           {pemRSA, sec1(d, mine), ErrBrokenKey},
		"rsa, n of 200000 bits":      {pemRSA, pkcs1(func(k *pkcs1Key) { k.N = huge }), ErrBrokenKey},
		"rsa, p of 200000 bits":      {pemRSA, pkcs1(func(k *pkcs1Key) { k.P = huge }), ErrBrokenKey},
		"rsa, another n":             {pemRSA, pkcs1(func(k *pkcs1Key) { k.N = new(big.Int).Add(k.N, big.NewInt(2)) }), ErrBrokenKey},
		"rsa, p of 0":                {pemRSA, pkcs1(func(k *pkcs1Key) { k.P = new(big.Int) }), ErrBrokenKey},
		"rsa, e below 0":             {pemRSA, pkcs1(func(k *pkcs1Key) { k.E = big.NewInt(-3) }), ErrBrokenKey},
		"rsa, three primes":          {pemRSA, pkcs1(func(k *pkcs1Key) { k.Version = 1 }), &TypeError{}},
	} {
		m, err := readPEM(pem.EncodeToMemory(&pem.Block{Type: test.kind, Bytes: test.der}), nil, maxWork)
		var kind *TypeError
		if strings.HasSuffix(what, "of 200000 bits") && !strings.Contains(fmt.Sprint(err), "out of range") {
			t.Errorf("%s: computed with: %v", what, err)
		}
		if _, typed := test.want.(*TypeError); typed && !errors.As(err, &kind) || !typed && !errors.Is(err, test.want) || (m == nil) == (err == nil) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestFlippedPEM turns every bit of the locked and open files of each format. What comes of it is an error that is one of ours, or the key
// itself; another key only where the format has nothing to tell by: the seed of an ed25519 key in PKCS#8.
func TestFlippedPEM(t *testing.T) {
	t.Parallel()
	ec, rs := newNumber(t), rsaKey()
	_, ed, _ := ed25519.GenerateKey(nil)
	small := func(o *cheap) {
		o.KDF, o.Options = oidScrypt, scryptOptions{Salt: []byte("saltsalt"), N: 16, R: 1, P: 1}
	}
	pkcs8 := func(key any) []byte { return mustBytes(x509.MarshalPKCS8PrivateKey(key)) }
	clear := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	ecLegacy := mustBytes((&material{crypto: ec}).marshalLegacy([]byte("p")))
	rsLegacy := mustBytes((&material{crypto: rs}).marshalLegacy([]byte("p")))
	for _, test := range []struct {
		name string
		key  any
		file []byte
		step int // in bits
		free int // accepted as another key, at most
	}{
		{"ecdsa, SEC 1", ec, clear(pemEC, mustBytes(x509.MarshalECPrivateKey(ec))), 1, 0},
		{"ecdsa, SEC 1, locked", ec, ecLegacy, 1, 0},
		{"ecdsa, PKCS#8", ec, clear(pemPKCS8, pkcs8(ec)), 1, 0},
		{"ecdsa, PKCS#8, locked", ec, cheaply(t, pkcs8(ec), "p", nil), 1, 0},
		{"ecdsa, PKCS#8, scrypt", ec, cheaply(t, pkcs8(ec), "p", small), 1, 0},
		{"ed25519, PKCS#8", ed, clear(pemPKCS8, pkcs8(ed)), 1, 256},
		{"ed25519, PKCS#8, locked", ed, cheaply(t, pkcs8(ed), "p", nil), 1, 256},
		{"rsa, PKCS#1", rs, clear(pemRSA, x509.MarshalPKCS1PrivateKey(rs)), 101, 0},
		{"rsa, PKCS#1, locked", rs, rsLegacy, 41, 0},
		{"rsa, PKCS#8, locked", rs, cheaply(t, pkcs8(rs), "p", nil), 101, 0},
	} {
		block, _ := pem.Decode(test.file)
		want, err := prove(test.key)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := readPEM(test.file, []byte("p"), testWork); err != nil || !bytes.Equal(m.public.Marshal(), want.public.Marshal()) {
			t.Fatalf("%s: %v", test.name, err)
		}
		others := 0
		for bit := 0; bit < 8*len(block.Bytes); bit += test.step {
			block.Bytes[bit/8] ^= 1 << (bit % 8)
			m, err := readPEM(pem.EncodeToMemory(block), []byte("p"), testWork)
			block.Bytes[bit/8] ^= 1 << (bit % 8)
			if err == nil && !bytes.Equal(m.public.Marshal(), want.public.Marshal()) {
				others++
			}
			if err != nil && !expected(err) {
				t.Errorf("%s, bit %d: %v", test.name, bit, err)
			}
		}
		if others > test.free {
			t.Errorf("%s: %d times another key", test.name, others)
		}
	}
}

// expected tells whether an error is one that the importer's doc names.
func expected(err error) bool {
	return errors.Is(err, ErrBrokenKey) || errors.Is(err, ErrWrongPassphrase) || errors.Is(err, ErrWeakKey) ||
		errors.As(err, new(*CipherError)) || errors.As(err, new(*CostError)) || errors.As(err, new(*TypeError)) || errors.As(err, new(*FormatError))
}

// TestCutPEM: a file that ends early is broken, whatever its passphrase; also where the armour was put right again.
func TestCutPEM(t *testing.T) {
	ec := newNumber(t)
	legacy := mustBytes((&material{crypto: ec}).marshalLegacy([]byte("p")))
	locked := cheaply(t, mustBytes(x509.MarshalPKCS8PrivateKey(ec)), "p", nil)
	for what, file := range map[string][]byte{"SEC 1": legacy, "PKCS#8": locked} {
		end := bytes.LastIndex(file, []byte("-----"))
		for n := len("-----BEGIN EC PRIVATE KEY-----"); n < end+5; n++ {
			if _, err := readKey(file[:n], []byte("p")); !errors.Is(err, ErrBrokenKey) && !errors.As(err, new(*FormatError)) {
				t.Errorf("%s, %d characters: %v", what, n, err)
			}
		}
		block, _ := pem.Decode(file)
		for n := range block.Bytes {
			cut := *block
			cut.Bytes = block.Bytes[:n]
			if _, err := readPEM(pem.EncodeToMemory(&cut), []byte("p"), testWork); !errors.Is(err, ErrBrokenKey) {
				t.Errorf("%s, %d bytes: %v", what, n, err)
			}
		}
	}
}

// TestPadding: DER that fills its blocks and ends with a zero, so that nothing but the padding's own rules speaks against what follows it.
func TestPadding(t *testing.T) {
	der := mustBytes(x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32))))
	key := mustBytes(pbkdf2.Key(sha1.New, "p", []byte("saltsalt"), 2, 32))
	for what, test := range map[string]struct {
		pad  []byte
		want error
	}{
		"a block":     {bytes.Repeat([]byte{16}, 16), nil},
		"none":        {nil, ErrBrokenKey},
		"two blocks":  {bytes.Repeat([]byte{32}, 32), ErrBrokenKey},
		"other bytes": {append(make([]byte, 15), 16), ErrBrokenKey},
	} {
		text := slices.Concat(der, test.pad)
		file := cheaply(t, nil, "p", func(o *cheap) { o.Sealed = sealCBC(key, text)[:len(text)] })
		if _, err := readPEM(file, []byte("p"), testWork); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTags: the ciphers of OpenSSH's that can tell an altered file by a tag do so for every bit, and no cipher takes more or fewer bytes
// after the private part than it has for its tag.
func TestTags(t *testing.T) {
	for name, c := range ciphers {
		_, file := sshKeygen(t, "c", "p", "-t", "ed25519", "-a", "1", "-Z", name)
		f, err := parseContainer(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, rest := range [][]byte{append(f.Rest[:c.tag:c.tag], 0), f.Rest[:max(c.tag-1, 0)]} {
			cut := *f
			cut.Rest = rest
			if _, err := readKey(armour(cut), nil); len(rest) != c.tag && !errors.Is(err, ErrBrokenKey) {
				t.Errorf("%s with %d bytes of tag: %v", name, len(rest), err)
			}
		}
		var opts kdfOpts
		if err := ssh.Unmarshal(f.KDFOpts, &opts); err != nil {
			t.Fatal(err)
		}
		key := bcryptKey([]byte("p"), opts.Salt, opts.Rounds, c.key+c.iv)
		for _, part := range [][]byte{f.Private, f.Rest} {
			for bit := 0; bit < 8*len(part) && c.tag > 0; bit++ {
				part[bit/8] ^= 1 << (bit % 8)
				if _, err := c.open(key[:c.key], key[c.key:], f.Private, f.Rest); !errors.Is(err, ErrWrongPassphrase) {
					t.Fatalf("%s, bit %d: %v", name, bit, err)
				}
				part[bit/8] ^= 1 << (bit % 8)
			}
		}
		if _, err := c.open(key[:c.key], key[c.key:], f.Private, f.Rest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongPassphrases: padding alone would take one wrong passphrase in 256 for right, and call the file broken.
func TestWrongPassphrases(t *testing.T) {
	ec := newNumber(t)
	legacy := mustBytes((&material{crypto: ec}).marshalLegacy([]byte("p")))
	locked := cheaply(t, mustBytes(x509.MarshalPKCS8PrivateKey(ec)), "p", nil)
	for i := range 3000 {
		for what, file := range map[string][]byte{"SEC 1": legacy, "PKCS#8": locked} {
			if _, err := readPEM(file, fmt.Append(nil, i), testWork); !errors.Is(err, ErrWrongPassphrase) {
				t.Fatalf("%s, %d: %v", what, i, err)
			}
		}
	}
}
