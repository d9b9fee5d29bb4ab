package vault

// NewLoose makes an ed25519 key that the vault does not keep, for a person to keep elsewhere, and returns its file: an OpenSSH private
// key as [Vault.Export] writes it, locked under the passphrase. The caller writes the file and opens it again with [OpenLoose].
//
// Errors: ErrEmptyPassphrase.
func NewLoose(comment string, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, ErrEmptyPassphrase
	}
	key, err := generate(Spec{})
	if err != nil {
		return nil, err
	}
	m, err := prove(key)
	if err != nil {
		return nil, err
	}
	m.comment = CleanComment(comment)
	return m.marshal(passphrase)
}

// OpenLoose opens a private key that no vault keeps, from the bytes of its file, in any format that [Vault.Import] reads. What it returns was
// proved, as by [Vault.Unlock]; it has no name. A file that is not locked is opened, too, and an rsa key of 1024 bits, which sshd takes.
//
// Errors: those of Import for a file and its passphrase.
func OpenLoose(file, passphrase []byte) (*Private, error) {
	m, err := readAny(file, passphrase)
	if err != nil {
		return nil, err
	}
	return &Private{Key: describe("", m.public, CleanComment(m.comment)), Crypto: m.crypto}, nil
}
