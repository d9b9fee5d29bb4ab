package vault

import (
	"bytes"
	"errors"
	"fmt"

	"kagiban/vault/ppk"
)

// PuTTYError says that a PuTTY key file is whole but cannot be taken in as it was saved, and how to save it so that it can.
type PuTTYError = ppk.UnreadError

func isPuTTY(file []byte) bool { return bytes.HasPrefix(file, []byte(ppk.Begins)) }

// readPuTTY reads a private key from a PuTTY file and proves that it is one, as readOpenSSH does.
func readPuTTY(file, passphrase []byte) (*material, error) {
	f, err := ppk.Parse(file)
	if err != nil {
		return nil, ofPuTTY(err)
	}
	if err := longEnough(f.Public, minRSAOpen); err != nil {
		return nil, err
	}
	key, err := f.PrivateKey(passphrase)
	if err != nil {
		return nil, ofPuTTY(err)
	}
	m, err := prove(key)
	if err != nil {
		return nil, err
	}
	m.comment = f.Comment
	return m, nil
}

// ofPuTTY is an error of package ppk as one of ours.
func ofPuTTY(err error) error {
	switch {
	case errors.Is(err, ppk.ErrNeedPassphrase):
		return ErrNeedPassphrase
	case errors.Is(err, ppk.ErrPassphrase):
		return ErrWrongPassphrase
	case errors.Is(err, ppk.ErrBroken):
		return fmt.Errorf("%w: %w", ErrBrokenKey, err)
	}
	return err
}

// marshalPuTTY gives the PuTTY key file of a version, locked.
func marshalPuTTY(version int) func(m *material, passphrase []byte) ([]byte, error) {
	return func(m *material, passphrase []byte) ([]byte, error) {
		return ppk.Marshal(m.crypto, m.comment, passphrase, version)
	}
}
