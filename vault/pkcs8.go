package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"hash"
	"regexp"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Encrypted PKCS#8, which Go's libraries do not have: PBES2 of RFC 8018 section 6.2 with PBKDF2, or scrypt (RFC 7914 section 7),
// and a cipher in CBC mode. What openssl pkcs8 -topk8 writes, by default and with -scrypt.

const (
	// maxWork bounds what a file from outside may cost: rounds of PBKDF2, or blocks that scrypt mixes (N*r*p). Some 10 s.
	maxWork = 1 << 24
	// maxScryptMemory is what scrypt may take for such a file, in bytes: as much as for a file of age's. openssl reads up to 32 MiB.
	maxScryptMemory = 256 << 20
	// exportRounds of PBKDF2 cost 0.2 s. openssl writes 2048 unless told otherwise, and reads any number.
	exportRounds = 600_000
)

var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// prfs are HMACs by what they hash with; RFC 8018 appendix B.1.
var prfs = map[string]func() hash.Hash{
	"":                     sha1.New, // the default
	"1.2.840.113549.2.7":   sha1.New,
	"1.2.840.113549.2.8":   sha256.New224,
	oidHMACSHA256.String(): sha256.New,
	"1.2.840.113549.2.10":  sha512.New384,
	"1.2.840.113549.2.11":  sha512.New,
}

// pkcs8Ciphers are those of RFC 8018 appendix B.2 and of NIST that are read.
var pkcs8Ciphers = map[string]cbcCipher{
	"2.16.840.1.101.3.4.1.2": {16, aes.NewCipher}, "2.16.840.1.101.3.4.1.22": {24, aes.NewCipher}, oidAES256CBC.String(): {32, aes.NewCipher},
	"1.2.840.113549.3.7": {24, des.NewTripleDESCipher},
}

// lockedKey is EncryptedPrivateKeyInfo of RFC 5958.
type lockedKey struct {
	Scheme pkix.AlgorithmIdentifier
	Sealed []byte
}

type pbes2 struct{ KDF, Cipher pkix.AlgorithmIdentifier }

type pbkdf2Options struct {
	Salt      []byte
	Rounds    int64
	KeyLength int                      `asn1:"optional"`
	PRF       pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptOptions struct {
	Salt      []byte
	N, R, P   int64
	KeyLength int `asn1:"optional"`
}

// derive gives a key of size bytes. It was checked: it can only cost what it may.
type derive func(passphrase []byte, size int) ([]byte, error)

// openPKCS8 gives the PKCS#8 in the clear that is inside an encrypted one. Whatever no passphrase would change is refused before
// anything is derived, a cost above maxWork and maxScryptMemory with it. The caller wipes the result.
func openPKCS8(der, passphrase []byte, maxWork int64) ([]byte, error) {
	var f lockedKey
	if err := fromDER(der, &f); err != nil {
		return nil, err
	}
	if !f.Scheme.Algorithm.Equal(oidPBES2) {
		return nil, unreadScheme(f.Scheme.Algorithm)
	}
	var opts pbes2
	if err := fromDER(f.Scheme.Parameters.FullBytes, &opts); err != nil {
		return nil, err
	}
	c, ok := pkcs8Ciphers[opts.Cipher.Algorithm.String()]
	if !ok {
		return nil, unreadScheme(opts.Cipher.Algorithm)
	}
	var iv []byte
	if err := fromDER(opts.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	if err := c.check(iv, f.Sealed); err != nil {
		return nil, err
	}
	derive, err := derivation(opts.KDF, c.key, maxWork)
	if err != nil {
		return nil, err
	}
	if len(passphrase) == 0 {
		return nil, ErrNeedPassphrase
	}
	key, err := derive(passphrase, c.key)
	if err != nil {
		return nil, err
	}
	defer wipe(key)
	return c.openDER(key, iv, f.Sealed)
}

// derivation reads how a key of size bytes is to be derived, and refuses what would cost too much.
func derivation(kdf pkix.AlgorithmIdentifier, size int, maxWork int64) (derive, error) {
	var length int
	var salt []byte
	var f derive
	switch params := kdf.Parameters.FullBytes; {
	case kdf.Algorithm.Equal(oidPBKDF2):
		var o pbkdf2Options
		if err := fromDER(params, &o); err != nil {
			return nil, err
		}
		prf := prfs[o.PRF.Algorithm.String()]
		if prf == nil {
			return nil, unreadScheme(o.PRF.Algorithm)
		}
		if o.Rounds > maxWork {
			return nil, &CostError{Asks: fmt.Sprintf("%d rounds of PBKDF2", o.Rounds), Max: fmt.Sprint(maxWork), Advice: toPKCS8}
		}
		if o.Rounds < 1 {
			return nil, errKDF
		}
		length, salt = o.KeyLength, o.Salt
		f = func(passphrase []byte, size int) ([]byte, error) {
			return pbkdf2.Key(prf, string(passphrase), salt, int(o.Rounds), size)
		}
	case kdf.Algorithm.Equal(oidScrypt):
		var o scryptOptions
		if err := fromDER(params, &o); err != nil {
			return nil, err
		}
		if err := o.check(maxWork); err != nil {
			return nil, err
		}
		length, salt = o.KeyLength, o.Salt
		f = func(passphrase []byte, size int) ([]byte, error) {
			return scrypt.Key(passphrase, salt, int(o.N), int(o.R), int(o.P), size)
		}
	default:
		return nil, unreadScheme(kdf.Algorithm)
	}
	if len(salt) == 0 || length != 0 && length != size {
		return nil, errKDF
	}
	return f, nil
}

var errKDF = fmt.Errorf("%w: options of the key derivation", ErrBrokenKey)

// check refuses options that are none, and those that cost too much.
func (o *scryptOptions) check(maxWork int64) error {
	if o.N < 2 || o.N&(o.N-1) != 0 || o.R < 1 || o.P < 1 {
		return errKDF
	}
	dear := &CostError{Asks: fmt.Sprintf("scrypt with N=%d, r=%d, p=%d", o.N, o.R, o.P),
		Max: fmt.Sprintf("%d MiB and N*r*p=%d", maxScryptMemory>>20, maxWork), Advice: "write it anew at a lower cost, with the program that made it"}
	// Each on its own first: then no product overflows.
	if max(o.N, o.R, o.P) > maxWork || o.N*o.R > maxWork || o.N*o.R*o.P > maxWork {
		return dear
	}
	if blocks := o.R * (o.N + o.P); blocks > maxScryptMemory/128 { // RFC 7914 section 2
		return dear
	}
	return nil
}

// schemes that openssl reads and we do not, by their names there.
var schemes = map[string]string{
	"1.2.840.113549.1.5.1": "PBE-MD2-DES", "1.2.840.113549.1.5.3": "PBE-MD5-DES", "1.2.840.113549.1.5.4": "PBE-MD2-RC2-64",
	"1.2.840.113549.1.5.6": "PBE-MD5-RC2-64", "1.2.840.113549.1.5.10": "PBE-SHA1-DES", "1.2.840.113549.1.5.11": "PBE-SHA1-RC2-64",
	"1.2.840.113549.1.12.1.1": "PBE-SHA1-RC4-128", "1.2.840.113549.1.12.1.2": "PBE-SHA1-RC4-40", "1.2.840.113549.1.12.1.3": "PBE-SHA1-3DES",
	"1.2.840.113549.1.12.1.4": "PBE-SHA1-2DES", "1.2.840.113549.1.12.1.5": "PBE-SHA1-RC2-128", "1.2.840.113549.1.12.1.6": "PBE-SHA1-RC2-40",
	"1.3.14.3.2.7": "des-cbc", "1.2.840.113549.3.2": "rc2-cbc", "1.2.392.200011.61.1.1.1.4": "camellia-256-cbc",
}

func unreadScheme(oid asn1.ObjectIdentifier) *CipherError {
	name := schemes[oid.String()]
	if name == "" {
		name = oid.String()
	}
	advice := toPKCS8
	if needsLegacy.MatchString(name) {
		advice = strings.Replace(advice, "-topk8", "-topk8 -provider legacy -provider default", 1)
	}
	return unread(name, advice)
}

// needsLegacy are the schemes that openssl since 3.0 reads only when told to.
var needsLegacy = regexp.MustCompile(`(?i)(^|-)(des|rc[24])`)

// marshalPKCS8 gives an encrypted PKCS#8 file: PBKDF2 with HMAC-SHA-256 and AES-256-CBC, which all that read such files know.
func (m *material) marshalPKCS8(passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(m.crypto)
	if err != nil {
		return nil, err
	}
	defer wipe(der)
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	rand.Read(salt)
	rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt, exportRounds, 32)
	if err != nil {
		return nil, err
	}
	defer wipe(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	sealed := append(der[:len(der):len(der)], make([]byte, pad)...)
	for i := range pad {
		sealed[len(der)+i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	kdf, err := algorithm(oidPBKDF2, pbkdf2Options{Salt: salt, Rounds: exportRounds, PRF: pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}})
	if err != nil {
		return nil, err
	}
	c, err := algorithm(oidAES256CBC, iv)
	if err != nil {
		return nil, err
	}
	scheme, err := algorithm(oidPBES2, pbes2{kdf, c})
	if err != nil {
		return nil, err
	}
	file, err := asn1.Marshal(lockedKey{scheme, sealed})
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemLocked, Bytes: file}), nil
}

func algorithm(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(params)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}
