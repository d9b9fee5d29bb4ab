package vault

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

// TestExport: openssl and ssh-keygen open what is exported, with the passphrase only, and find the key in it; ssh-keygen its comment, too.
func TestExport(t *testing.T) {
	t.Parallel()
	ground.Program(t, "ssh-keygen", "openssh-client")
	ground.Program(t, "openssl", "openssl")
	v := openTestVault(t, copyHome(t))
	for _, k := range homeKeys {
		want := string(readAll(t, v.pubFile(k.name)))
		for _, format := range []string{"openssh", "pem", "pkcs8"} {
			out, err := v.Export(k.name, []byte(k.passphrase), []byte("for export"), format)
			if format == "pem" && k.spec.Type == "ed25519" {
				if !errors.Is(err, ErrBadFormat) {
					t.Errorf("%s as %s: %v", k.name, format, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "k")
			writeAll(t, path, out)
			if format == "openssh" {
				if got := run(t, "ssh-keygen", "-y", "-P", "for export", "-f", path); got != want {
					t.Errorf("%s: ssh-keygen reads %q, want %q", k.name, got, want)
				}
				if exec.Command("ssh-keygen", "-y", "-P", "", "-f", path).Run() == nil {
					t.Errorf("%s: opens without a passphrase", k.name)
				}
				continue
			}
			line, _, _, _, err := ssh.ParseAuthorizedKey([]byte(want))
			if err != nil {
				t.Fatal(err)
			}
			if got := opensslPublic(t, path, "for export"); !bytes.Equal(got.Marshal(), line.Marshal()) {
				t.Errorf("%s as %s: openssl reads another key", k.name, format)
			}
			if k.spec.Type == "rsa" && exec.Command("openssl", "pkey", "-in", path, "-noout", "-passin", "pass:wrong").Run() == nil {
				t.Errorf("%s as %s: opens without its passphrase", k.name, format)
			}
			if k.spec.Type != "ecdsa" {
				continue // ssh-keygen before 9.6 knows ed25519 in its own format alone
			}
			if got, _, _, _, err := ssh.ParseAuthorizedKey([]byte(run(t, "ssh-keygen", "-y", "-P", "for export", "-f", path))); err != nil ||
				!bytes.Equal(got.Marshal(), line.Marshal()) {
				t.Errorf("%s as %s: ssh-keygen reads another key, %v", k.name, format, err)
			}
		}
	}
}

func TestExportRefuses(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	pass := []byte("correct horse")
	for _, test := range []struct {
		name, format string
		old, new     []byte
		want         error
	}{
		{"laptop", "der", pass, pass, ErrBadFormat},
		{"laptop", "pem", nil, nil, ErrBadFormat},
		{"laptop", "openssh", pass, nil, ErrEmptyPassphrase},
		{"laptop", "pkcs8", pass, []byte{}, ErrEmptyPassphrase},
		{"rsa", "pem", pass, []byte{}, ErrEmptyPassphrase},
		{"laptop", "openssh", []byte("wrong"), pass, ErrWrongPassphrase},
		{"nobody", "openssh", pass, pass, ErrNoKey},
		{"../x", "pkcs8", pass, pass, ErrBadName},
	} {
		if out, err := v.Export(test.name, test.old, test.new, test.format); !errors.Is(err, test.want) || out != nil {
			t.Errorf("%s as %s: got %v, want %v", test.name, test.format, err, test.want)
		}
	}
}
