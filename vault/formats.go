package vault

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/vault/ppk"
)

// byteOrderMark is what editors on Windows leave before a text in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// readKey reads a private key that is to be kept: as readAny, and it must be long enough, which most files show before they are opened.
func readKey(file, passphrase []byte) (*material, error) {
	if err := longEnough(publicIn(file), minRSAImport); err != nil {
		return nil, err
	}
	m, err := readAny(file, passphrase)
	if err != nil {
		return nil, err
	}
	if err := longEnough(m.public, minRSAImport); err != nil {
		return nil, err
	}
	return m, nil
}

// readAny reads a private key from a file of any format that is known, and proves that it is one: see material. The passphrase is
// looked at only if the file is locked; then an empty one is ErrNeedPassphrase, after every error that a passphrase would not change.
func readAny(file, passphrase []byte) (*material, error) {
	file = bytes.TrimPrefix(file, byteOrderMark)
	if isPuTTY(file) {
		return readPuTTY(file, passphrase)
	}
	if pemBegins.Match(file) {
		return readPEM(file, passphrase, maxWork)
	}
	return readOpenSSH(file, passphrase, maxRounds)
}

// publicIn is the public half that a locked file shows, nil if it shows none.
func publicIn(file []byte) ssh.PublicKey {
	file = bytes.TrimPrefix(file, byteOrderMark)
	if f, err := ppk.Parse(file); err == nil {
		return f.Public
	}
	if f, err := parseContainer(file); err == nil {
		if public, err := ssh.ParsePublicKey(f.Public); err == nil {
			return public
		}
	}
	return nil
}

// exporters write a key in the formats of Export, locked under a passphrase that is not empty.
var exporters = map[string]func(m *material, passphrase []byte) ([]byte, error){
	"openssh": (*material).marshal,
	"pem":     (*material).marshalLegacy,
	"pkcs8":   (*material).marshalPKCS8,
	"ppk":     marshalPuTTY(3),
	"ppk2":    marshalPuTTY(2),
}

// mayExport says early what Export would refuse in the end, as far as NAME.pub tells.
func (v *Vault) mayExport(name, format string, newPassphrase []byte) error {
	if exporters[format] == nil {
		return fmt.Errorf("%w %.64q; there are %s", ErrBadFormat, format, strings.Join(slices.Sorted(maps.Keys(exporters)), ", "))
	}
	k, err := v.Get(name)
	switch {
	case err != nil:
		return err
	case format == "pem" && k.Type == "ed25519":
		return errNoPEM
	case len(newPassphrase) == 0:
		return ErrEmptyPassphrase
	}
	return nil
}

var errNoPEM = fmt.Errorf("%w \"pem\" for an ed25519 key; pkcs8 and openssh take it", ErrBadFormat)
