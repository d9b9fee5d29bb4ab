package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/ecdsa"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
)

// The armour of the files that openssl writes, RFC 7468 and before it.
const (
	pemRSA    = "RSA PRIVATE KEY"       // PKCS#1
	pemEC     = "EC PRIVATE KEY"        // SEC 1
	pemPKCS8  = "PRIVATE KEY"           // PKCS#8
	pemLocked = "ENCRYPTED PRIVATE KEY" // PKCS#8, encrypted
)

var pemBegins = regexp.MustCompile(`(?m)^-----BEGIN (RSA |EC |ENCRYPTED )?PRIVATE KEY-----`)

// toPKCS8 is the advice for what openssl reads and we do not.
const toPKCS8 = "openssl pkcs8 -topk8 -in FILE -out NEWFILE   (asks for its passphrase, and for one for NEWFILE), then the same with NEWFILE"

// readPEM reads a private key from a PEM file of openssl's: PKCS#1, SEC 1 or PKCS#8, in the clear or locked. It proves it, and looks at
// the passphrase, as readOpenSSH does. maxWork bounds what deriving from the passphrase may cost, see openPKCS8.
func readPEM(file, passphrase []byte, maxWork int64) (*material, error) {
	block, err := onlyKey(file)
	if err != nil {
		return nil, err
	}
	der := block.Bytes
	switch _, locked := block.Headers["DEK-Info"]; {
	case block.Type == pemLocked:
		der, err = openPKCS8(block.Bytes, passphrase, maxWork)
	case locked:
		der, err = openLegacy(block, passphrase)
	}
	if err != nil {
		return nil, err
	}
	defer wipe(der)
	key, err := readDER(block.Type, der)
	if err != nil {
		return nil, err
	}
	return prove(key)
}

// onlyKey is the one private key among the blocks of a PEM file; parameters and certificates may stand beside it.
func onlyKey(file []byte) (*pem.Block, error) {
	if len(file) > maxFile {
		return nil, fmt.Errorf("%w: the file is longer than any key", ErrBrokenKey)
	}
	if n := bytes.Count(file, []byte("PRIVATE KEY-----")); n > 2 {
		return nil, &FormatError{"more than one private key in one file", "put each into a file of its own"}
	}
	for rest := file; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errCut
		}
		if pemBegins.MatchString("-----BEGIN " + block.Type + "-----") {
			return block, nil
		}
	}
}

// cbcCipher is a cipher in CBC mode: the length of its key in bytes, and how it is made. The IV is one block.
type cbcCipher struct {
	key int
	new func([]byte) (cipher.Block, error)
}

// legacyCiphers are those that DEK-Info names.
var legacyCiphers = map[string]cbcCipher{
	"AES-128-CBC": {16, aes.NewCipher}, "AES-192-CBC": {24, aes.NewCipher}, "AES-256-CBC": {32, aes.NewCipher},
	"DES-EDE3-CBC": {24, des.NewTripleDESCipher}, "DES-CBC": {8, des.NewCipher},
}

// openLegacy opens a PKCS#1 or SEC 1 file that is locked as RFC 1423 section 1.1 has it, with openssl's key derivation: MD5, once.
// crypto/x509 does the same, but takes a file that is cut off for a wrong passphrase.
func openLegacy(b *pem.Block, passphrase []byte) ([]byte, error) {
	name, salt, _ := strings.Cut(b.Headers["DEK-Info"], ",")
	c, ok := legacyCiphers[name]
	if !ok {
		return nil, unread(name, toPKCS8)
	}
	iv, err := hex.DecodeString(salt)
	if err != nil || len(iv) < 8 {
		return nil, fmt.Errorf("%w: DEK-Info", ErrBrokenKey)
	}
	if err := c.check(iv, b.Bytes); err != nil {
		return nil, err
	}
	if len(passphrase) == 0 {
		return nil, ErrNeedPassphrase
	}
	var key, sum []byte
	for len(key) < c.key {
		all := bytes.Join([][]byte{sum, passphrase, iv[:8]}, nil)
		next := md5.Sum(all)
		wipe(all)
		sum = next[:]
		key = append(key, sum...)
	}
	defer wipe(key)
	return c.openDER(key[:c.key], iv, b.Bytes)
}

// check says whether lengths are such that openDER can be called, before a passphrase is asked for.
func (c cbcCipher) check(iv, sealed []byte) error {
	block, err := c.new(make([]byte, c.key))
	if err != nil {
		return err
	}
	if size := block.BlockSize(); len(iv) != size || len(sealed) == 0 || len(sealed)%size != 0 {
		return fmt.Errorf("%w: the locked part is cut off or altered", ErrBrokenKey)
	}
	return nil
}

// openDER decrypts DER and takes its padding off (RFC 8018 section 6.1.1). Nothing is authenticated here: the passphrase is taken for right
// if what comes out begins as every private key in DER does, a sequence and the version 0 or 1 in it; then what else is wrong with it
// is the file's fault. The caller wipes the result.
func (c cbcCipher) openDER(key, iv, sealed []byte) ([]byte, error) {
	plain, err := cbcWith(c.new)(key, iv, sealed, nil)
	if err != nil {
		return nil, err
	}
	if !beginsDER(plain) {
		wipe(plain)
		return nil, ErrWrongPassphrase
	}
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > len(iv) || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(pad)}, pad)) {
		wipe(plain)
		return nil, fmt.Errorf("%w: the locked part is cut off or altered", ErrBrokenKey)
	}
	return plain[:len(plain)-pad], nil
}

// marshalLegacy gives a PKCS#1 or SEC 1 file, locked with AES-256-CBC as openLegacy reads it.
func (m *material) marshalLegacy(passphrase []byte) ([]byte, error) {
	var kind string
	var der []byte
	var err error
	switch key := m.crypto.(type) {
	case *rsa.PrivateKey:
		kind, der = pemRSA, x509.MarshalPKCS1PrivateKey(key)
	case *ecdsa.PrivateKey:
		kind = pemEC
		der, err = x509.MarshalECPrivateKey(key)
	default:
		return nil, errNoPEM
	}
	if err != nil {
		return nil, err
	}
	defer wipe(der)
	//lint:ignore SA1019 programs that read no newer format are what it is for
	block, err := x509.EncryptPEMBlock(rand.Reader, kind, der, passphrase, x509.PEMCipherAES256)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(block), nil
}
