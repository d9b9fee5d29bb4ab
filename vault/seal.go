package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"filippo.io/age"

	"kagiban/vault/safefile"
)

// ageHeader is how every file of ours begins: the version line, then the one stanza, https://age-encryption.org/v1.
const ageHeader = "age-encryption.org/v1\n-> scrypt "

// seal locks payload under the passphrase. It runs the KDF.
func (v *Vault) seal(payload, passphrase []byte) ([]byte, error) {
	r, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(v.factor)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(payload); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unseal opens what seal made; name is for errors. It runs the KDF. The caller wipes the result.
func (v *Vault) unseal(name string, sealed, passphrase []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), &identity{name, passphrase, v.maxFactor})
	if err == nil {
		var payload []byte
		if payload, err = io.ReadAll(r); err == nil {
			return payload, nil
		}
		wipe(payload) // what was read of it before it proved altered
	}
	var work *WorkFactorError
	if errors.As(err, &work) || errors.Is(err, ErrWrongPassphrase) || errors.Is(err, ErrDamaged) {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

// identity is age's passphrase identity, with errors that can be told apart.
type identity struct {
	name       string
	passphrase []byte
	maxFactor  int
}

// Unwrap implements age.Identity.
func (id *identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" || len(stanzas[0].Args) != 2 {
		return nil, fmt.Errorf("%w: not locked under one passphrase", ErrDamaged)
	}
	if n, err := strconv.Atoi(stanzas[0].Args[1]); err == nil && n > id.maxFactor {
		return nil, &WorkFactorError{Name: id.name, Factor: n, Max: id.maxFactor}
	}
	s, err := age.NewScryptIdentity(string(id.passphrase))
	if err != nil {
		return nil, err
	}
	s.SetMaxWorkFactor(id.maxFactor)
	fileKey, err := s.Unwrap(stanzas)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrWrongPassphrase
	}
	return fileKey, err
}

// stage seals payload into a file beside its place, opens that file again and compares. After it the file needs only its name.
// The caller discards it in every case.
func (v *Vault) stage(name string, payload, passphrase []byte) (*safefile.Staged, error) {
	if err := v.Init(); err != nil {
		return nil, err
	}
	sealed, err := v.seal(payload, passphrase)
	if err != nil {
		return nil, err
	}
	staged, err := safefile.Stage(v.keyFile(name), sealed, keyPerm)
	if err != nil {
		return nil, err
	}
	if err := v.reopen(name, staged.Temp(), payload, passphrase); err != nil {
		staged.Discard()
		return nil, fmt.Errorf("key %q was written, but does not open again: %w", name, err)
	}
	return staged, nil
}

// reopen proves that the file at path opens and holds payload.
func (v *Vault) reopen(name, path string, payload, passphrase []byte) error {
	sealed, err := v.readBack(path)
	if err != nil {
		return err
	}
	again, err := v.unseal(name, sealed, passphrase)
	if err != nil {
		return err
	}
	defer wipe(again)
	if !bytes.Equal(again, payload) {
		return ErrDamaged
	}
	return nil
}

// readKey reads NAME.age. The error wraps ErrNoKey or ErrDamaged.
func (v *Vault) readKey(name string) ([]byte, error) {
	sealed, err := readFile(v.keyFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %q", ErrNoKey, name)
	}
	return sealed, err
}

// readFile reads a plain file of at most maxFile bytes. What else may lie there (a folder, a pipe, a link that leads out) is not
// opened at all.
func readFile(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := checkPlain(info); err != nil {
		return nil, err
	}
	return safefile.ReadFile(path)
}

func checkPlain(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: not a plain file", ErrDamaged)
	case info.Size() > maxFile:
		return fmt.Errorf("%w: longer than any key", ErrDamaged)
	}
	return nil
}
