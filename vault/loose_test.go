package vault

import (
	"bytes"
	"errors"
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
