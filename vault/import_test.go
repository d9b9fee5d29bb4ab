package vault

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

// TestImport takes in what ssh-keygen made, of every kind and cipher that is read: same key, same comment.
func TestImport(t *testing.T) {
	for _, test := range []struct {
		kind, cipher string
		args         []string
	}{
		{"ed25519", "", nil},
		{"ed25519", "aes256-ctr", nil}, // also ssh-keygen's default
		{"ed25519", "aes192-ctr", []string{"-a", "2"}},
		{"ed25519", "aes128-ctr", []string{"-a", "2"}},
		{"ed25519", "aes256-cbc", []string{"-a", "2"}},
		{"ed25519", "aes192-cbc", []string{"-a", "2"}},
		{"ed25519", "aes128-cbc", []string{"-a", "2"}},
		{"ed25519", "aes256-gcm@openssh.com", []string{"-a", "2"}},
		{"rsa", "aes128-gcm@openssh.com", []string{"-b", "2048", "-a", "2"}},
		{"ecdsa", "chacha20-poly1305@openssh.com", []string{"-a", "2"}},
		{"ed25519", "3des-cbc", []string{"-a", "2"}},
		{"ed25519", "aes256-ctr", []string{"-a", "1"}},
		{"ed25519", "aes256-ctr", []string{"-a", "17"}},
		{"ecdsa", "", []string{"-b", "256"}},
		{"ecdsa", "aes256-ctr", []string{"-b", "384", "-a", "2"}},
		{"ecdsa", "", []string{"-b", "521"}},
		{"rsa", "", []string{"-b", "3072"}},
		{"rsa", "aes256-ctr", []string{"-b", "2048", "-a", "2"}},
	} {
		t.Run(strings.Join(append([]string{test.kind, test.cipher}, test.args...), " "), func(t *testing.T) {
			t.Parallel()
			pass := ""
			args := append([]string{"-t", test.kind}, test.args...)
			if test.cipher != "" {
				pass = "old pass"
				args = append(args, "-Z", test.cipher)
			}
			path, file := sshKeygen(t, "Zoë's laptop, 鍵", pass, args...)
			v := newTestVault(t)
			if pass != "" {
				if _, err := v.Import("k", file, nil, nil); !errors.Is(err, ErrNeedPassphrase) {
					t.Errorf("without its passphrase: %v", err)
				}
				if _, err := v.Import("k", file, []byte("wrong"), []byte("new")); !errors.Is(err, ErrWrongPassphrase) {
					t.Errorf("with a wrong one: %v", err)
				}
			}
			if _, err := v.Import("k", file, []byte(pass), nil); !errors.Is(err, ErrEmptyPassphrase) {
				t.Errorf("without a new one: %v", err)
			}
			k, err := v.Import("k", file, []byte(pass), []byte("new"))
			if err != nil {
				t.Fatal(err)
			}
			if k.Comment != "Zoë's laptop, 鍵" {
				t.Errorf("comment %q", k.Comment)
			}
			if got, want := readAll(t, v.pubFile("k")), readAll(t, path+".pub"); !bytes.Equal(got, want) {
				t.Errorf("public line\n%s, ssh-keygen's is\n%s", got, want)
			}
			p, err := v.Unlock("k", []byte("new"))
			if err != nil {
				t.Fatal(err)
			}
			signs(t, p, k.Public)
			var known *KnownError
			if _, err := v.Import("another", file, nil, nil); !errors.As(err, &known) || known.Key != "k" {
				t.Errorf("under another name: %v", err) // which needs no passphrase
			}
			if _, err := v.Import("K", file, []byte(pass), []byte("new")); !errors.Is(err, ErrKeyExists) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// TestImportCiphers: there is no cipher of ssh-keygen's that the table above leaves out.
func TestImportCiphers(t *testing.T) {
	ground.Program(t, "ssh", "openssh-client")
	for cipher := range strings.FieldsSeq(run(t, "ssh", "-Q", "cipher")) {
		if _, ok := ciphers[cipher]; !ok {
			t.Errorf("%s is not read", cipher)
		}
	}
}

// TestImportOtherCipher: a cipher that OpenSSH may get one day is refused with the command that converts the file.
func TestImportOtherCipher(t *testing.T) {
	path, file := sshKeygen(t, "c", "old pass", "-t", "ed25519", "-a", "1")
	f, err := parseContainer(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Cipher = "rot13@example.com"
	var bad *CipherError
	if _, err = newTestVault(t).Import("k", armour(*f), nil, nil); !errors.As(err, &bad) || bad.Cipher != f.Cipher {
		t.Fatalf("got %v", err)
	}
	args := strings.Fields(commandIn(bad.Advice, path, ""))
	run(t, args[0], append([]string{"-q", "-P", "old pass", "-N", "old pass"}, args[1:]...)...)
	if m, err := readKey(readAll(t, path), []byte("old pass")); err != nil || m.comment != "c" {
		t.Error(err)
	}
}

// commandIn is the command that an advice names, on a file.
func commandIn(advice, file, newFile string) string {
	command, _, _ := strings.Cut(advice, "   (")
	return strings.NewReplacer("NEWFILE", newFile, "FILE", file).Replace(command)
}

// TestImportRounds: a file that asks for an hour of work is refused before any is done, and the command it names mends it.
func TestImportRounds(t *testing.T) {
	path, file := sshKeygen(t, "c", "old pass", "-t", "ed25519", "-a", "1")
	f, err := parseContainer(file)
	if err != nil {
		t.Fatal(err)
	}
	var refused *CostError
	for _, rounds := range []uint32{maxRounds + 1, 1 << 31, 1<<32 - 1} {
		var opts kdfOpts
		if err := ssh.Unmarshal(f.KDFOpts, &opts); err != nil {
			t.Fatal(err)
		}
		opts.Rounds = rounds
		greedy := *f
		greedy.KDFOpts = ssh.Marshal(opts)
		_, err = newTestVault(t).Import("k", armour(greedy), nil, nil)
		if !errors.As(err, &refused) || refused.Asks != fmt.Sprintf("%d rounds of bcrypt", rounds) {
			t.Errorf("%d rounds: %v", rounds, err)
		}
	}
	args := strings.Fields(commandIn(refused.Advice, path, ""))
	run(t, args[0], append([]string{"-q", "-P", "old pass", "-N", "old pass"}, args[1:]...)...)
	if _, err := newTestVault(t).Import("k", readAll(t, path), []byte("old pass"), []byte("new")); err != nil {
		t.Error(err)
	}
}

// TestImportCleansComment: a comment from outside becomes part of a line that goes to servers.
func TestImportCleansComment(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := &material{crypto: key, comment: "me\nssh-ed25519 AAAA evil\u202e\x1b[2J"}
	file, err := m.marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	const clean = "me ssh-ed25519 AAAA evil[2J"
	v := newTestVault(t)
	k, err := v.Import("k", file, nil, []byte("x"))
	if err != nil || k.Comment != clean {
		t.Fatalf("%q, %v", k.Comment, err)
	}
	if line := readAll(t, v.pubFile("k")); !bytes.HasSuffix(line, []byte(" "+clean+"\n")) || bytes.Count(line, []byte("\n")) != 1 {
		t.Errorf("public line %q", line)
	}
	_, payload, _, err := v.open("k", []byte("x"))
	if err != nil || !strings.Contains(string(unarmour(payload)), clean) {
		t.Errorf("not in NAME.age: %v", err)
	}
}

// TestImportKinds: what cannot be kept is refused with what to do, before its passphrase is asked for.
func TestImportKinds(t *testing.T) {
	sk := container{Cipher: "aes256-ctr", KDF: "bcrypt", Keys: 1, Public: ssh.Marshal(struct{ Type string }{ssh.KeyAlgoSKED25519})}
	odd := sk
	odd.Public = ssh.Marshal(struct{ Type string }{"ssh-xmss@openssh.com"})
	cert := sk
	cert.Public = ssh.Marshal(struct{ Type string }{ssh.CertAlgoED25519v01})
	for want, file := range map[string][]byte{"inside the hardware key": armour(sk), "ssh-xmss": armour(odd), "cert": armour(cert)} {
		var kind *TypeError
		_, err := newTestVault(t).Import("k", file, nil, nil)
		if !errors.As(err, &kind) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	ground.Program(t, "ssh-keygen", "openssh-client")
	path := filepath.Join(t.TempDir(), "k")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "dsa", "-N", "old pass", "-f", path).CombinedOutput(); err != nil {
		t.Logf("this ssh-keygen makes no DSA keys any more: %s", out)
		return
	}
	var kind *TypeError
	if _, err := newTestVault(t).Import("k", readAll(t, path), nil, nil); !errors.As(err, &kind) || kind.Type != "ssh-dss" {
		t.Errorf("dsa: %v", err)
	}
}

// TestImportLooks: people name the wrong file; they are told what it is, and never shown what is in it.
func TestImportLooks(t *testing.T) {
	path, file := sshKeygen(t, "c", "", "-t", "ed25519")
	for want, file := range map[string]string{
		"an empty file": " \n",
		"a public key":  string(readAll(t, path+".pub")),
		"age -d -o NEWFILE FILE   (in a folder that nobody else can open)": "age-encryption.org/v1\n-> scrypt ",
		"no kind of key":       "secretsecretsecret",
		"X.509":                "\xef\xbb\xbf-----BEGIN CERTIFICATE-----\r\n",
		"ssh.com":              "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
		"DSA":                  "-----BEGIN DSA PRIVATE KEY-----\n",
		"name the private key": "---- BEGIN SSH2 PUBLIC KEY ----\n",
	} {
		var format *FormatError
		_, err := newTestVault(t).Import("k", []byte(file), nil, nil)
		if !errors.As(err, &format) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secretsecret") {
			t.Errorf("%s: %v", want, err)
		}
	}
	for what, file := range map[string][]byte{
		"cut off":    file[:len(file)/2],
		"no end":     bytes.TrimSuffix(bytes.TrimSpace(file), []byte("-----END OPENSSH PRIVATE KEY-----")),
		"empty":      armour(container{}),
		"two keys":   armour(container{Cipher: "none", KDF: "none", Keys: 2}),
		"half none":  armour(container{Cipher: "none", KDF: "bcrypt", Keys: 1}),
		"very long":  append(bytes.Clone(file), make([]byte, maxFile)...),
		"not base64": []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n***\n-----END OPENSSH PRIVATE KEY-----\n"),
	} {
		if _, err := newTestVault(t).Import("k", file, nil, []byte("x")); !errors.Is(err, ErrBrokenKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	windows := bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))
	if _, err := newTestVault(t).Import("k", append([]byte("\n \n"), windows...), nil, []byte("x")); err != nil {
		t.Errorf("with Windows line ends: %v", err)
	}
}

// TestBcryptKey holds the derivation against x/crypto's own, through the one door that has: its locked files.
func TestBcryptKey(t *testing.T) {
	t.Parallel()
	v := openTestVault(t, copyHome(t))
	pass := []byte("\x00\xff and longer than the seventy-two bytes at which plain bcrypt stops looking at a passphrase, by far")
	out, err := v.Export("laptop", []byte("correct horse"), pass, "openssh")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := readOpenSSH(out, pass, 16); err != nil || m.comment != "me@laptop" {
		t.Error(err)
	}
	// bcrypt_pbkdf deals its blocks out over the key: sizes that are no multiple of the block must agree with those that are.
	long := bcryptKey([]byte("p"), []byte("salt"), 2, 64)
	short := bcryptKey([]byte("p"), []byte("salt"), 2, 48)
	if !bytes.Equal(long[:48], short) || bytes.Equal(long[:32], bcryptKey([]byte("p"), []byte("salt"), 2, 32)) {
		t.Error("blocks are not dealt out")
	}
}

func ExampleFormatError() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	v, err := Open(filepath.Join(dir, "keys"), Options{})
	if err != nil {
		panic(err)
	}
	_, err = v.Import("laptop", []byte("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n"), nil, []byte("correct horse"))
	fmt.Println(err)
	// Output: no private key that can be read: this is an ssh.com private key: puttygen FILE -O private-openssh-new -o NEWFILE   (or in PuTTYgen's menu Conversions: Import key, Export OpenSSH key), then the same with NEWFILE
}
