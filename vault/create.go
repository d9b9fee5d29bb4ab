package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/vault/safefile"
)

// Spec is what kind of key to make.
type Spec struct {
	// Type is ed25519 ("" is ed25519), ecdsa or rsa; or ecdsa-p256, ecdsa-p384, ecdsa-p521 with the size in the name.
	Type string
	// Bits is the size: 256, 384 or 521 for ecdsa (0 is 256), 3072 to 16384 for rsa (0 is 3072), 0 or 256 for ed25519.
	Bits int
	// Comment goes into the key, and with its public half to every server; "" is the key's name. See CleanComment.
	Comment string
}

const (
	minRSABits   = 3072  // made: NIST SP 800-57 part 1, 128 bits of security
	minRSAImport = 2048  // imported: what old servers still know somebody by
	minRSAOpen   = 1024  // opened without being kept: what sshd takes, sshd_config(5), RequiredRSASize
	maxRSABits   = 16384 // OpenSSH, sshbuf.h: SSHBUF_MAX_BIGNUM
)

// Create makes a key, locks it under the passphrase and returns it once its file was opened again and found whole. It runs the
// KDF twice.
//
// Errors: ErrBadName, ErrKeyExists (also when only the case of a letter differs), ErrEmptyPassphrase, ErrBadSpec, ErrWeakKey.
func (v *Vault) Create(name string, s Spec, passphrase []byte) (Key, error) {
	if err := v.mayMake(name, passphrase); err != nil {
		return Key{}, err
	}
	key, err := generate(s)
	if err != nil {
		return Key{}, err
	}
	m, err := prove(key)
	if err != nil {
		return Key{}, err
	}
	m.comment = CleanComment(s.Comment)
	if m.comment == "" {
		m.comment = name
	}
	return v.store(name, m, passphrase)
}

// Import takes in a private key from the bytes of its file, locked under oldPassphrase or not at all, and locks it under
// newPassphrase. The formats are in docs/key-files.md. The key's comment is kept, cleaned; one that has none gets its
// name. The file itself is the caller's, and stays. It runs the KDF twice, and for a locked file that file's own.
//
// Errors, in this order: ErrBadName, ErrKeyExists; *KnownError and ErrWeakKey (rsa below 2048 bits), as soon as the file shows its public
// half; *FormatError, *TypeError, *CipherError, *CostError, *PuTTYError, ErrBrokenKey; then ErrNeedPassphrase (locked, and oldPassphrase is
// empty) or ErrWrongPassphrase; ErrBrokenKey, ErrWeakKey, *TypeError; ErrEmptyPassphrase for the new one, so that nothing is asked for a file
// that could not be imported anyway. Of a file that is encrypted by a cipher with a tag (AES-GCM, ChaCha20-Poly1305), and of the
// first bytes of any other, ErrWrongPassphrase may also mean that it was altered.
func (v *Vault) Import(name string, file, oldPassphrase, newPassphrase []byte) (Key, error) {
	if err := CheckName(name); err != nil {
		return Key{}, err
	}
	if err := v.free(name, nil); err != nil {
		return Key{}, err
	}
	if err := v.unknown(publicIn(file)); err != nil {
		return Key{}, err
	}
	m, err := readKey(file, oldPassphrase)
	if err != nil {
		return Key{}, err
	}
	if err := v.unknown(m.public); err != nil {
		return Key{}, err
	}
	if len(newPassphrase) == 0 {
		return Key{}, ErrEmptyPassphrase
	}
	if m.comment = CleanComment(m.comment); m.comment == "" {
		m.comment = name
	}
	return v.store(name, m, newPassphrase)
}

// unknown says whether the vault is without this key. None (nil) is no key of it.
func (v *Vault) unknown(public ssh.PublicKey) error {
	keys, err := v.List()
	if err != nil || public == nil {
		return err
	}
	for _, k := range keys {
		if k.Fingerprint == ssh.FingerprintSHA256(public) {
			return &KnownError{k.Name}
		}
	}
	return nil
}

// mayMake tells early what would be refused in the end.
func (v *Vault) mayMake(name string, passphrase []byte) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if len(passphrase) == 0 {
		return ErrEmptyPassphrase
	}
	return v.free(name, nil)
}

// store gives a proved key its two files: NAME.age once it was opened again, then NAME.pub.
func (v *Vault) store(name string, m *material, passphrase []byte) (Key, error) {
	payload, err := m.marshal(nil)
	if err != nil {
		return Key{}, err
	}
	defer wipe(payload)
	if _, err := readPayload(payload); err != nil {
		return Key{}, err // what is about to be sealed is what a later Unlock will read
	}
	staged, err := v.stage(name, payload, passphrase)
	if err != nil {
		return Key{}, err
	}
	defer staged.Discard()
	k := describe(name, m.public, m.comment)
	k.Created = v.now().Truncate(time.Second) // what every file system can keep
	line := publicLine(m.public, m.comment)
	err = v.change(func() error {
		if err := v.free(name, line); err != nil {
			return err
		}
		if err := os.Chtimes(staged.Temp(), k.Created, k.Created); err != nil {
			return err
		}
		return v.place(name, staged, line)
	})
	if err != nil {
		return Key{}, err
	}
	return k, nil
}

// place gives the staged key its name, then its NAME.pub; both, or after an error neither. Nobody has seen this key yet: better
// no key than one that was reported as failed.
func (v *Vault) place(name string, staged *safefile.Staged, line []byte) error {
	err := staged.Place()
	if err == nil {
		err = safefile.WriteFile(v.pubFile(name), line, pubPerm)
	}
	if placed := staged.Temp() == ""; err != nil && placed {
		return errors.Join(err, v.removeFile(v.pubFile(name)), v.removeFile(v.keyFile(name)))
	}
	return err
}

// free says whether a key may get this name: no file of that name is there, whatever the case of its letters, since the vault
// may lie on a disk that does not tell them apart. A NAME.pub without NAME.age may be somebody's: it is in the way too, unless
// it holds line.
func (v *Vault) free(name string, line []byte) error {
	entries, err := safefile.ReadDir(v.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case strings.EqualFold(e.Name(), name+keySuffix):
			return fmt.Errorf("%w: %q", ErrKeyExists, strings.TrimSuffix(e.Name(), keySuffix))
		case strings.EqualFold(e.Name(), name+pubSuffix):
			if there, err := readFile(v.pubFile(name)); err != nil || line == nil || !bytes.Equal(there, line) {
				return fmt.Errorf(`%w: %q is in the way, move it out of "%s"`, ErrKeyExists, e.Name(), v.dir)
			}
		}
	}
	return nil
}

// generate makes a key of the kind that s asks for.
func generate(s Spec) (any, error) {
	kind, bits := s.Type, s.Bits
	if size, ok := strings.CutPrefix(kind, "ecdsa-p"); ok {
		named, known := map[string]int{"256": 256, "384": 384, "521": 521}[size]
		if !known || (bits != 0 && bits != named) {
			return nil, fmt.Errorf("%w: %q of %d bits", ErrBadSpec, s.Type, s.Bits)
		}
		kind, bits = "ecdsa", named
	}
	switch {
	case (kind == "" || kind == "ed25519") && (bits == 0 || bits == 256):
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case kind == "ecdsa" && (bits == 0 || bits == 256):
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case kind == "ecdsa" && bits == 384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case kind == "ecdsa" && bits == 521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case kind == "rsa" && bits == 0:
		return rsa.GenerateKey(rand.Reader, minRSABits)
	case kind == "rsa" && bits < minRSABits:
		return nil, fmt.Errorf("%w: rsa of %d bits, at least %d are made", ErrWeakKey, bits, minRSABits)
	case kind == "rsa" && bits <= maxRSABits:
		return rsa.GenerateKey(rand.Reader, bits)
	}
	return nil, fmt.Errorf("%w: %q of %d bits (ed25519; ecdsa of 256, 384 or 521; rsa of %d to %d)",
		ErrBadSpec, s.Type, s.Bits, minRSABits, maxRSABits)
}
