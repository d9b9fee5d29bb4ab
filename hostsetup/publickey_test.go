package hostsetup

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

// keygen makes a key pair with the real ssh-keygen and returns the path of its private half.
func keygen(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command(ground.Program(t, "ssh-keygen", "openssh-client"), append([]string{"-q", "-f", file}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

func contents(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// utf16Text is what Windows PowerShell's > makes of a text.
func utf16Text(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// TestReadPublicKey: what people bring as a public key is taken, by whichever program it was saved.
func TestReadPublicKey(t *testing.T) {
	file := keygen(t, "-t", "ed25519", "-N", "", "-C", "desk of alice")
	line := contents(t, file+".pub")
	exported, err := exec.Command("ssh-keygen", "-e", "-m", "RFC4716", "-f", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	blob := strings.Fields(line)[1]
	putty := "---- BEGIN SSH2 PUBLIC KEY ----\r\nComment: \"desk \\\r\nof alice\"\r\n" + blob[:64] + "\r\n" + blob[64:] + "\r\n---- END SSH2 PUBLIC KEY ----\r\n"
	want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]struct{ text, comment string }{
		"ssh-keygen":           {line, "desk of alice"},
		"Windows line end":     {strings.TrimSpace(line) + "\r\n\r\n", "desk of alice"},
		"no line end, blanks":  {"  " + strings.TrimSpace(line), "desk of alice"},
		"no comment":           {"ssh-ed25519 " + blob, ""},
		"a byte order mark":    {"\xef\xbb\xbf" + line, "desk of alice"},
		"UTF-16":               {utf16Text(line), "desk of alice"},
		"ssh-keygen -e":        {string(exported), "256-bit ED25519, converted by"},
		"PuTTYgen":             {putty, "desk of alice"},
		"the private comment":  {"ssh-ed25519 " + blob + " my private key", "my private key"},
		"a comment that turns": {"ssh-ed25519 " + blob + " a\u202eb\x1b[31mc\x07", "ab[31mc"},
		"a long comment":       {"ssh-ed25519 " + blob + " " + strings.Repeat("é", 5000), strings.Repeat("é", 128)},
	} {
		key, comment, err := ReadPublicKey([]byte(s.text))
		if err != nil || !sameKey(key, want) || !strings.HasPrefix(comment, s.comment) || s.comment == "" && comment != "" || len(comment) > maxComment {
			t.Errorf("%s: %v, %q, %v", name, key, comment, err)
		}
	}
}

// TestNoPublicKey: what is none is refused, each for its own reason, and nothing of it is told.
func TestNoPublicKey(t *testing.T) {
	file := keygen(t, "-t", "ed25519", "-N", "", "-C", "desk")
	line, secret := contents(t, file+".pub"), contents(t, file)
	pem := keygen(t, "-t", "ecdsa", "-m", "PEM", "-N", "")
	pkcs8, err := exec.Command("ssh-keygen", "-e", "-m", "PKCS8", "-f", pem).Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-s", file, "-I", "x", "-n", "owner", file+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, body, _ := strings.Cut(secret, "\n")
	block := "---- BEGIN SSH2 PUBLIC KEY ----\n" + strings.Fields(line)[1] + "\n---- END SSH2 PUBLIC KEY ----\n"
	for name, s := range map[string]struct {
		text string
		want PublicKeyFault
	}{
		"an OpenSSH private key":         {secret, PublicPrivate},
		"without its first line":         {body, PublicPrivate},
		"in UTF-16":                      {utf16Text(secret), PublicPrivate},
		"after its public line":          {line + secret, PublicPrivate},
		"a PEM private key":              {contents(t, pem), PublicPrivate},
		"a PKCS#8 private key":           {"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", PublicPrivate},
		"a PuTTY private key":            {"PuTTY-User-Key-File-3: ssh-ed25519\n", PublicPrivate},
		"an ssh.com private key":         {"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n", PublicPrivate},
		"an age file":                    {"age-encryption.org/v1\n", PublicPrivate},
		"an armored age file":            {"-----BEGIN AGE ENCRYPTED FILE-----\n", PublicPrivate},
		"two keys":                       {line + line, PublicSeveral},
		"a key and a comment":            {"# desk\n" + line, PublicSeveral},
		"two blocks":                     {block + block, PublicSeveral},
		"a block and a line":             {block + line, PublicSeveral},
		"options":                        {`from="192.0.2.1",command="x" ` + line, PublicOptions},
		"a line of known_hosts":          {"vps1 " + line, PublicOptions},
		"restrict":                       {"restrict " + line, PublicOptions},
		"another kind before it":         {strings.Replace(line, "ssh-ed25519", "ssh-rsa", 1), PublicUnknown},
		"a certificate":                  {contents(t, file+"-cert.pub"), PublicCertificate},
		"PKCS#8":                         {string(pkcs8), PublicPEM},
		"nothing":                        {"\n", PublicUnknown},
		"half of one":                    {line[:40], PublicUnknown},
		"a block without an end":         {block[:90], PublicUnknown},
		"a block of a line":              {"---- BEGIN SSH2 PUBLIC KEY ----\nssh-ed25519\n---- END SSH2 PUBLIC KEY ----\n", PublicUnknown},
		"a certificate's type, no more":  {"ssh-ed25519-cert-v01@openssh.com AAAA", PublicUnknown},
		"a private key's file name only": {"/home/alice/.ssh/id_ed25519", PublicUnknown},
	} {
		key, comment, err := ReadPublicKey([]byte(s.text))
		var fault *PublicKeyError
		if !errors.As(err, &fault) || fault.Why != s.want || key != nil || comment != "" {
			t.Errorf("%s: %v, %q, %v", name, key, comment, err)
			continue
		}
		for word := range strings.FieldsSeq(s.text) {
			if len(word) > 20 && strings.Contains(err.Error(), word) {
				t.Errorf("%s: it tells what stands there: %v", name, err)
			}
		}
	}
}

// TestStrong: DSA and short RSA keys are too weak to be let in.
func TestStrong(t *testing.T) {
	for name, s := range map[string]struct {
		line string
		weak bool
	}{
		"rsa 1024": {contents(t, keygen(t, "-t", "rsa", "-b", "1024", "-N", "")+".pub"), true},
		"rsa 2048": {contents(t, keygen(t, "-t", "rsa", "-b", "2048", "-N", "")+".pub"), false},
		"ecdsa":    {contents(t, keygen(t, "-t", "ecdsa", "-N", "")+".pub"), false},
		"dsa":      {contents(t, "testdata/dsa.pub"), true},
	} {
		key, _, err := ReadPublicKey([]byte(s.line))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := Strong(key); (err != nil) != s.weak {
			t.Errorf("%s: %v", name, err)
		}
	}
}
