package vault

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestLoose: a key that no vault keeps comes as a file that opens under its passphrase alone, and is another key each time.
func TestLoose(t *testing.T) {
	if _, err := NewLoose("x", nil); !errors.Is(err, ErrEmptyPassphrase) {
		t.Errorf("without a passphrase: %v", err)
	}
	file, err := NewLoose("recovery\u202e of\nvps1", []byte("four words"))
	if err != nil {
		t.Fatal(err)
	}
	var locked *ssh.PassphraseMissingError
	if _, err := ssh.ParsePrivateKey(file); !errors.As(err, &locked) {
		t.Errorf("it lies open: %v", err)
	}
	if _, err := OpenLoose(file, nil); !errors.Is(err, ErrNeedPassphrase) {
		t.Errorf("without its passphrase: %v", err)
	}
	if _, err := OpenLoose(file, []byte("four")); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("with another: %v", err)
	}
	key, err := OpenLoose(file, []byte("four words"))
	if err != nil || key.Key.Comment != "recovery of vps1" || key.Key.Type != "ed25519" || !bytes.Equal(key.Key.Public.Marshal(), locked.PublicKey.Marshal()) {
		t.Fatalf("%+v, %v", key, err)
	}
	again, err := NewLoose("recovery", []byte("four words"))
	if err != nil || bytes.Equal(again, file) {
		t.Error("the same key twice")
	}
}

// TestOpenLooseFormats: what is logged in with may lie in a file of any program whose keys are taken in.
func TestOpenLooseFormats(t *testing.T) {
	public := string(readAll(t, "ppk/testdata/public"))
	files, err := filepath.Glob("ppk/testdata/*-v[23]*.ppk")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		file := readAll(t, path)
		for passphrase, want := range map[string]error{"": ErrNeedPassphrase, "wrong": ErrWrongPassphrase, puttySecret: nil} {
			if !strings.Contains(path, "locked") {
				want = nil
			}
			key, err := OpenLoose(file, []byte(passphrase))
			if !errors.Is(err, want) || want == nil && (err != nil || !strings.Contains(public, string(publicLine(key.Key.Public, key.Key.Comment)))) {
				t.Errorf("%s under %q: %+v, %v", path, passphrase, key, err)
			}
		}
	}
	for _, format := range []string{"RFC4716", "PEM", "PKCS8"} {
		t.Run(format, func(t *testing.T) {
			path, file := sshKeygen(t, "me", "old pass", "-t", "ecdsa", "-m", format)
			if _, err := OpenLoose(file, nil); !errors.Is(err, ErrNeedPassphrase) {
				t.Error(err)
			}
			key, err := OpenLoose(file, []byte("old pass"))
			if err != nil {
				t.Fatal(err)
			}
			if line := string(readAll(t, path+".pub")); !strings.HasPrefix(line, string(bytes.TrimSpace(publicLine(key.Key.Public, "")))) {
				t.Errorf("opened as %s", line)
			}
		})
	}
}

// TestOpenLooseShort: an rsa key that is too short to be kept lets its owner log in once more, to put another one there.
func TestOpenLooseShort(t *testing.T) {
	for _, format := range []string{"RFC4716", "PEM", "PKCS8"} {
		_, file := sshKeygen(t, "me", "old pass", "-t", "rsa", "-b", "1024", "-m", format)
		key, err := OpenLoose(file, []byte("old pass"))
		if err != nil || key.Key.Bits != 1024 {
			t.Fatalf("%s: %+v, %v", format, key, err)
		}
		signs(t, key, key.Key.Public)
		m := &material{crypto: key.Crypto}
		ppk, err := marshalPuTTY(2)(m, []byte("p"))
		if err != nil {
			t.Fatal(err)
		}
		if key, err := OpenLoose(ppk, []byte("p")); err != nil || key.Key.Bits != 1024 {
			t.Errorf("as .ppk: %+v, %v", key, err)
		}
		payload, err := m.marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readPayload(payload); !errors.Is(err, ErrWeakKey) {
			t.Errorf("out of the vault: %v", err)
		}
		passphrase := []byte("old pass")
		if format == "RFC4716" {
			passphrase = nil // it shows its public half
		}
		if _, err := newTestVault(t).Import("k", file, passphrase, []byte("new")); !errors.Is(err, ErrWeakKey) {
			t.Errorf("%s, taken in: %v", format, err)
		}
	}
}
