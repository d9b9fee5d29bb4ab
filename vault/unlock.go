package vault

import (
	"bytes"
	"cmp"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"

	"kagiban/vault/safefile"
)

// Private is an opened key.
type Private struct {
	Key Key // what is said here of the public half and the comment comes from NAME.age
	// Crypto is an ed25519.PrivateKey, *ecdsa.PrivateKey or *rsa.PrivateKey (precomputed): what ssh.NewSignerFromKey and the
	// PrivateKey of x/crypto's agent.AddedKey take.
	Crypto any
	// PublicMended says that NAME.pub was missing, unreadable, or not this key's line, and was written anew. Unless it was
	// missing, somebody or something changed it.
	PublicMended bool
	// MendErr is why NAME.pub needed that and did not get it; the opened key is good all the same.
	MendErr error
}

// Signer returns a signer of the key. For RSA it signs with SHA-512 or SHA-256 (RFC 8332), never with SHA-1.
func (p *Private) Signer() (ssh.Signer, error) { return newSigner(p.Crypto) }

// Unlock opens the key called name. What it returns was proved: the public half is derived from the private half, and verified
// a signature of it. It runs the KDF, which at work factor 17 takes 128 MiB; a long-lived process may want to call
// debug.FreeOSMemory after it.
//
// Errors: ErrBadName, ErrNoKey, ErrEmptyPassphrase, ErrWrongPassphrase, ErrDamaged, ErrBrokenKey, *WorkFactorError.
func (v *Vault) Unlock(name string, passphrase []byte) (*Private, error) {
	sealed, payload, m, err := v.open(name, passphrase)
	if err != nil {
		return nil, err
	}
	wipe(payload)
	p := &Private{Key: describe(name, m.public, m.comment), Crypto: m.crypto}
	if info, err := os.Lstat(v.keyFile(name)); err == nil {
		p.Key.Created = info.ModTime()
	}
	p.PublicMended, p.MendErr = v.mend(name, sealed, publicLine(m.public, m.comment))
	return p, nil
}

// Export returns the key as a file for other programs, locked under newPassphrase, never in the clear, and opened again before it is
// returned. The formats, all of which resist guessing far less than the vault does:
//
//   - openssh: openssh-key-v1 with aes256-ctr under 16 rounds of bcrypt, which every SSH program reads;
//   - pkcs8: PKCS#8, PBES2 with 600000 rounds of PBKDF2 and AES-256-CBC, for openssl and what reads its files;
//   - pem: PKCS#1 for rsa, SEC 1 for ecdsa, with AES-256-CBC under one round of MD5, for old programs that read nothing else;
//   - ppk: PuTTY's, version 3, with 3 passes of Argon2id over 64 MiB;
//   - ppk2: PuTTY's, version 2, with SHA-1, for PuTTY before 0.75.
//
// Errors, in this order: ErrBadFormat, also for an ed25519 key as pem; ErrEmptyPassphrase for the new passphrase; those of Unlock for the
// other.
func (v *Vault) Export(name string, passphrase, newPassphrase []byte, format string) ([]byte, error) {
	if err := v.mayExport(name, format, newPassphrase); err != nil {
		return nil, err
	}
	_, payload, m, err := v.open(name, passphrase)
	if err != nil {
		return nil, err
	}
	wipe(payload)
	file, err := exporters[format](m, newPassphrase)
	if err != nil {
		return nil, err
	}
	if again, err := readKey(file, newPassphrase); err != nil || !bytes.Equal(again.public.Marshal(), m.public.Marshal()) {
		return nil, fmt.Errorf("key %q was exported, but does not open again: %w", name, cmp.Or(err, ErrBrokenKey))
	}
	return file, nil
}

// open reads NAME.age and opens it. The caller wipes payload.
func (v *Vault) open(name string, passphrase []byte) (sealed, payload []byte, m *material, err error) {
	if err := CheckName(name); err != nil {
		return nil, nil, nil, err
	}
	sealed, err = v.readKey(name)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(passphrase) == 0 {
		return nil, nil, nil, ErrEmptyPassphrase
	}
	payload, err = v.unseal(name, sealed, passphrase)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("key %q: %w", name, err)
	}
	m, err = readPayload(payload)
	if err != nil {
		wipe(payload)
		return nil, nil, nil, fmt.Errorf("key %q: %w", name, err)
	}
	m.comment = CleanComment(m.comment)
	return sealed, payload, m, nil
}

// mend writes NAME.pub if it is not line, provided that NAME.age is still what was opened.
func (v *Vault) mend(name string, sealed, line []byte) (mended bool, err error) {
	if there, err := readFile(v.pubFile(name)); err == nil && bytes.Equal(there, line) {
		return false, nil
	}
	err = v.change(func() error {
		if err := v.unchanged(name, sealed); err != nil {
			return err
		}
		return safefile.WriteFile(v.pubFile(name), line, pubPerm)
	})
	return err == nil, err
}
