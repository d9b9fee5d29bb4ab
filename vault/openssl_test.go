package vault

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

// opensslKinds are the keys that SSH has, as openssl genpkey makes them.
var opensslKinds = []struct{ name, args string }{
	{"ed25519", "-algorithm ed25519"},
	{"p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"},
	{"p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"},
	{"p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521"},
	{"rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"},
}

// opensslKeys makes one of each kind, as plain PKCS#8, and says where: once for all tests, for RSA takes its time.
var opensslKeys = sync.OnceValues(func() (map[string][]byte, error) {
	keys := map[string][]byte{}
	for _, k := range opensslKinds {
		out, err := exec.Command("openssl", append([]string{"genpkey"}, strings.Fields(k.args)...)...).Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		keys[k.name] = out
	}
	return keys, nil
})

// opensslKey is the file of a key of that kind, and its public half by the standard library's reading.
func opensslKey(t testing.TB, kind string) (path string, public ssh.PublicKey) {
	t.Helper()
	ground.Program(t, "openssl", "openssl")
	keys, err := opensslKeys()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "plain")
	writeAll(t, path, keys[kind])
	return path, publicOfDER(t, unarmour(keys[kind]))
}

func publicOfDER(t testing.TB, der []byte) ssh.PublicKey {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey()
}

// opensslPublic is the public half of the key that openssl finds in a locked file.
func opensslPublic(t testing.TB, path, passphrase string) ssh.PublicKey {
	t.Helper()
	return publicOfDER(t, unarmour([]byte(run(t, "openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path, "-passin", "pass:"+passphrase))))
}

const old = "-passout pass:old"

// opensslForms are the ways in which openssl writes a key file, as commands that read IN and write OUT; begins is the armour of the file.
var opensslForms = []struct {
	name, kinds, begins, command string
}{
	{"PKCS#8", "", pemPKCS8, "pkey -in IN -out OUT"},
	{"PKCS#8, default", "", pemLocked, "pkcs8 -topk8 -in IN -out OUT " + old},
	{"PKCS#8, scrypt", "", pemLocked, "pkcs8 -topk8 -scrypt -in IN -out OUT " + old},
	{"PKCS#8, scrypt, small", "", pemLocked, "pkcs8 -topk8 -scrypt -scrypt_N 1024 -scrypt_r 4 -scrypt_p 3 -v2 aes128 -in IN -out OUT " + old},
	{"PKCS#8, 128 bits, SHA-1", "", pemLocked, "pkcs8 -topk8 -v2 aes128 -v2prf hmacWithSHA1 -in IN -out OUT " + old},
	{"PKCS#8, 192 bits, SHA-224", "ed25519", pemLocked, "pkcs8 -topk8 -v2 aes192 -v2prf hmacWithSHA224 -in IN -out OUT " + old},
	{"PKCS#8, SHA-384", "p384", pemLocked, "pkcs8 -topk8 -v2prf hmacWithSHA384 -in IN -out OUT " + old},
	{"PKCS#8, SHA-512, many rounds", "p521", pemLocked, "pkcs8 -topk8 -v2prf hmacWithSHA512 -iter 100000 -in IN -out OUT " + old},
	{"PKCS#8, one round", "rsa", pemLocked, "pkcs8 -topk8 -iter 1 -in IN -out OUT " + old},
	{"PKCS#8, 3DES", "ed25519 rsa", pemLocked, "pkcs8 -topk8 -v2 des3 -in IN -out OUT " + old},
	{"PKCS#1", "rsa", pemRSA, "pkey -traditional -in IN -out OUT"},
	{"PKCS#1, 3DES", "rsa", pemRSA, "rsa -traditional -des3 -in IN -out OUT " + old},
	{"PKCS#1, AES-128", "rsa", pemRSA, "rsa -traditional -aes128 -in IN -out OUT " + old},
	{"PKCS#1, AES-192", "rsa", pemRSA, "rsa -traditional -aes192 -in IN -out OUT " + old},
	{"PKCS#1, AES-256", "rsa", pemRSA, "pkey -traditional -aes256 -in IN -out OUT " + old},
	{"PKCS#1, DES", "rsa", pemRSA, "rsa -traditional -des -provider legacy -provider default -in IN -out OUT " + old},
	{"SEC 1", "p256 p384 p521", pemEC, "ec -in IN -out OUT"},
	{"SEC 1, without its public half", "p256 p384 p521", pemEC, "ec -no_public -in IN -out OUT"},
	{"SEC 1, compressed", "p256 p384 p521", pemEC, "ec -conv_form compressed -in IN -out OUT"},
	{"SEC 1, AES-256", "p256 p384 p521", pemEC, "ec -aes256 -in IN -out OUT " + old},
	{"SEC 1, 3DES", "p521", pemEC, "ec -des3 -in IN -out OUT " + old},
}

// TestOpenSSL reads what openssl writes: every kind of key in every form. A passphrase is asked for where there is one, and a wrong one
// is told from a broken file.
func TestOpenSSL(t *testing.T) {
	for _, kind := range opensslKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			in, want := opensslKey(t, kind.name)
			for _, form := range opensslForms {
				if form.kinds != "" && !strings.Contains(form.kinds, kind.name) {
					continue
				}
				out := filepath.Join(t.TempDir(), "k")
				run(t, "openssl", strings.Fields(strings.NewReplacer("IN", in, "OUT", out).Replace(form.command))...)
				file, pass := readAll(t, out), ""
				if !bytes.HasPrefix(file, []byte("-----BEGIN "+form.begins+"-----\n")) {
					t.Errorf("%s: openssl wrote %.40q", form.name, file)
				}
				if strings.HasSuffix(form.command, old) {
					pass = "old"
					if _, err := readKey(file, nil); !errors.Is(err, ErrNeedPassphrase) {
						t.Errorf("%s, without its passphrase: %v", form.name, err)
					}
					if _, err := readKey(file, []byte("Old")); !errors.Is(err, ErrWrongPassphrase) {
						t.Errorf("%s, with a wrong one: %v", form.name, err)
					}
				}
				m, err := readKey(file, []byte(pass))
				if err != nil || !bytes.Equal(m.public.Marshal(), want.Marshal()) {
					t.Errorf("%s: %v", form.name, err)
				}
			}
		})
	}
}

// TestSSHKeygenPEM reads the files that ssh-keygen leaves to openssl, and takes one in: under its name, for it has no comment.
func TestSSHKeygenPEM(t *testing.T) {
	for _, test := range []struct{ begins, pass, args string }{
		{pemRSA, "", "-t rsa -b 2048 -m PEM"},
		{pemRSA, "old pass", "-t rsa -b 2048 -m PEM"},
		{pemEC, "old pass", "-t ecdsa -b 384 -m PEM"},
		{pemLocked, "old pass", "-t rsa -b 2048 -m PKCS8"},
		{pemPKCS8, "", "-t ecdsa -m PKCS8"},
		{pemLocked, "鍵 pass", "-t ecdsa -m PKCS8"},
	} {
		t.Run(test.begins+test.pass, func(t *testing.T) {
			t.Parallel()
			path, file := sshKeygen(t, "lost", test.pass, strings.Fields(test.args)...)
			if !strings.HasPrefix(string(file), "-----BEGIN "+test.begins+"-----") {
				t.Fatalf("ssh-keygen wrote %.40q", file)
			}
			v := newTestVault(t)
			k, err := v.Import("mine", file, []byte(test.pass), []byte("new"))
			if err != nil {
				t.Fatal(err)
			}
			public, _, err := readPublic(path + ".pub")
			if err != nil || !bytes.Equal(k.Public.Marshal(), public.Marshal()) || k.Comment != "mine" {
				t.Errorf("took in %+v, %v", k, err)
			}
			var known *KnownError
			if _, err := v.Import("again", file, []byte(test.pass), nil); !errors.As(err, &known) || known.Key != "mine" {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// TestOpenSSLConverts: what openssl reads and we do not is refused before its passphrase is asked for, with the command that
// converts it; that is run.
func TestOpenSSLConverts(t *testing.T) {
	for _, test := range []struct{ kind, name, command string }{
		{"ed25519", "PBE-SHA1-3DES", "pkcs8 -topk8 -v1 PBE-SHA1-3DES"},
		{"rsa", "PBE-MD5-DES", "pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default"},
		{"p256", "camellia-256-cbc", "pkcs8 -topk8 -v2 camellia-256-cbc"},
		{"p256", "1.2.392.200011.61.1.1.1.2", "pkcs8 -topk8 -v2 camellia-128-cbc"},
		{"ed25519", "des-cbc", "pkcs8 -topk8 -v2 des -provider legacy -provider default"},
		{"rsa", "CAMELLIA-256-CBC", "rsa -traditional -camellia256"},
		{"p256", "", "ec -param_enc explicit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in, want := opensslKey(t, test.kind)
			out, converted := filepath.Join(t.TempDir(), "k"), filepath.Join(t.TempDir(), "k2")
			args := append(strings.Fields(test.command), "-in", in, "-out", out)
			if test.name != "" {
				args = append(args, "-passout", "pass:old")
			}
			run(t, "openssl", args...)
			var advice string
			var bad *CipherError
			var kind *TypeError
			switch _, err := readKey(readAll(t, out), nil); {
			case errors.As(err, &bad) && bad.Cipher == test.name:
				advice = bad.Advice
			case errors.As(err, &kind):
				advice = kind.Advice
			default:
				t.Fatalf("got %v", err)
			}
			args = append(strings.Fields(commandIn(advice, out, converted)), "-passin", "pass:old", "-passout", "pass:new")
			run(t, args[0], args[1:]...)
			if m, err := readKey(readAll(t, converted), []byte("new")); err != nil || !bytes.Equal(m.public.Marshal(), want.Marshal()) {
				t.Errorf("after %q: %v", args, err)
			}
		})
	}
}

// TestOpenSSLOtherKinds: keys that SSH has no use for are called by their names.
func TestOpenSSLOtherKinds(t *testing.T) {
	ground.Program(t, "openssl", "openssl")
	for want, args := range map[string]string{
		"ed448":                        "genpkey -algorithm ed448",
		"x25519":                       "genpkey -algorithm x25519",
		"rsa-pss":                      "genpkey -algorithm RSA-PSS",
		"on the curve 1.3.132.0.10":    "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
		"the curve 1.3.36.3.3.2.8.1.1": "ecparam -genkey -noout -name brainpoolP256r1",
	} {
		var kind *TypeError
		if _, err := readKey([]byte(run(t, "openssl", strings.Fields(args)...)), nil); !errors.As(err, &kind) || !strings.Contains(kind.Type, want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	short := []byte(run(t, "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"))
	if _, err := readKey(short, nil); !errors.Is(err, ErrWeakKey) {
		t.Errorf("rsa of 1024 bits: %v", err)
	}
}

// TestPEMAround: what people's files have around the one key does not matter; two keys do.
func TestPEMAround(t *testing.T) {
	ground.Program(t, "openssl", "openssl")
	_, want := opensslKey(t, "p256")
	keys, err := opensslKeys()
	if err != nil {
		t.Fatal(err)
	}
	key := string(keys["p256"])
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	for what, file := range map[string]string{
		"a byte order mark":   "\xef\xbb\xbf" + key,
		"Windows' line ends":  strings.ReplaceAll(key, "\n", "\r\n"),
		"a certificate first": cert + key,
		"one after it":        key + cert,
		"attributes":          "Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n" + key,
	} {
		if m, err := readKey([]byte(file), nil); err != nil || !bytes.Equal(m.public.Marshal(), want.Marshal()) {
			t.Errorf("%s: %v", what, err)
		}
	}
	params := run(t, "openssl", "ecparam", "-genkey", "-name", "prime256v1")
	if _, err := readKey([]byte(params), nil); err != nil || !strings.HasPrefix(params, "-----BEGIN EC PARAMETERS-----") {
		t.Errorf("with parameters: %v", err)
	}
	if _, err := readKey([]byte(key+strings.Repeat("\n", maxFile)), nil); !errors.Is(err, ErrBrokenKey) {
		t.Errorf("a long file: %v", err)
	}
	for _, other := range []string{key, string(keys["rsa"]), "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n"} {
		var format *FormatError
		if _, err := readKey([]byte(key+other), nil); !errors.As(err, &format) || !strings.Contains(err.Error(), "more than one") {
			t.Errorf("two keys: %v", err)
		}
	}
}
