package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/vault/ppk"
)

// puttySecret is the passphrase of the files that puttygen made.
const puttySecret = "correct 馬"

func puttyFile(t testing.TB, name string) []byte {
	t.Helper()
	return readAll(t, filepath.Join("ppk", "testdata", name+".ppk"))
}

// TestImportPuTTY: PuTTY's files become keys, with their comments; a wrong passphrase, and no passphrase, are told from each other.
func TestImportPuTTY(t *testing.T) {
	t.Parallel()
	v := newTestVault(t)
	public := string(readAll(t, "ppk/testdata/public"))
	for _, name := range []string{"ed25519-v3-locked", "ecdsa256-v2", "ecdsa384-v2-locked", "ecdsa521-v3", "rsa-v3-locked", "lanes"} {
		file := puttyFile(t, name)
		locked := !bytes.Contains(file, []byte("Encryption: none"))
		for passphrase, want := range map[string]error{"wrong": ErrWrongPassphrase, "": ErrNeedPassphrase} {
			if !locked {
				continue
			}
			if _, err := v.Import("k", file, []byte(passphrase), []byte("new")); !errors.Is(err, want) {
				t.Errorf("%s, under %q: %v", name, passphrase, err)
			}
		}
		withMark := append([]byte("\xef\xbb\xbf"), file...)
		k, err := v.Import("k", withMark, []byte(puttySecret), []byte("new"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if line := string(readAll(t, v.pubFile("k"))); !strings.Contains(public, line) || !strings.HasPrefix(k.Comment, "鍵番 ") {
			t.Errorf("%s: taken in as %s", name, line)
		}
		if shown := publicIn(withMark); shown == nil || ssh.FingerprintSHA256(shown) != k.Fingerprint {
			t.Errorf("%s shows another public half", name)
		}
		if p, err := v.Unlock("k", []byte("new")); err != nil || p.PublicMended {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if err := v.Remove("k"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestImportPuTTYUnfit: what cannot be taken in of PuTTY's is refused before a passphrase is asked for, and nothing is left of it.
func TestImportPuTTYUnfit(t *testing.T) {
	v := newTestVault(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	short, err := ppk.Marshal(weak, "c", []byte("p"), 2)
	if err != nil {
		t.Fatal(err)
	}
	whole := puttyFile(t, "ed25519-v3")
	for what, test := range map[string]struct {
		file []byte
		want error
	}{"rsa of 1024 bits": {short, ErrWeakKey}, "cut off": {whole[:len(whole)-9], ErrBrokenKey}, "altered": {bytes.Replace(whole, []byte("Comment: "), []byte("Comment: x"), 1), ErrBrokenKey}} {
		if _, err := v.Import("k", test.file, nil, []byte("new")); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, name := range []string{"argon2d", "ed448", "dsa"} {
		var unread *PuTTYError
		if _, err := v.Import("k", puttyFile(t, name), nil, []byte("new")); !errors.As(err, &unread) || unread.Advice == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if keys, err := v.List(); err != nil || len(keys) > 0 {
		t.Errorf("the vault holds %v, %v", keys, err)
	}
}

// TestExportPuTTY: what is exported for PuTTY opens under its new passphrase alone, in the version asked for. That puttygen reads such files
// is shown in package ppk.
func TestExportPuTTY(t *testing.T) {
	t.Parallel()
	v := openTestVault(t, copyHome(t))
	for _, k := range homeKeys {
		for format, begins := range map[string]string{"ppk": "PuTTY-User-Key-File-3: ", "ppk2": "PuTTY-User-Key-File-2: "} {
			out, err := v.Export(k.name, []byte(k.passphrase), []byte("for export"), format)
			if err != nil {
				t.Fatal(err)
			}
			m, err := readKey(out, []byte("for export"))
			if err != nil || !bytes.HasPrefix(out, []byte(begins)) || !bytes.Equal(publicLine(m.public, m.comment), readAll(t, v.pubFile(k.name))) {
				t.Errorf("%s as %s: %+v, %v", k.name, format, m, err)
			}
			if _, err := readKey(out, nil); !errors.Is(err, ErrNeedPassphrase) {
				t.Errorf("%s as %s opens without a passphrase: %v", k.name, format, err)
			}
		}
	}
}
