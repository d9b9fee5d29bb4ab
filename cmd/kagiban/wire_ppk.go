package main

import (
	"errors"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/vault/ppk"
)

// ppkKey is a PuTTY key file that a client handed over, an agent.LockedKey.
type ppkKey struct{ file *ppk.File }

// readPPK is agent.Options.PPK.
func readPPK(file []byte) (key agent.LockedKey, encrypted bool, err error) {
	f, err := ppk.Parse(file)
	if err != nil {
		return nil, false, err
	}
	return ppkKey{f}, f.Encrypted(), nil
}

func (k ppkKey) Name() string          { return "" }
func (k ppkKey) Public() ssh.PublicKey { return k.file.Public }
func (k ppkKey) Comment() string       { return k.file.Comment }

// Open runs the KDF.
func (k ppkKey) Open(passphrase []byte) (any, error) {
	key, err := k.file.PrivateKey(passphrase)
	if errors.Is(err, ppk.ErrPassphrase) || errors.Is(err, ppk.ErrNeedPassphrase) {
		return nil, agent.ErrWrongPassphrase
	}
	return key, err
}
