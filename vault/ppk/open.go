package ppk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1" // version 2 is built on it
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math/big"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/ssh"
)

const (
	keySize   = 32 // AES-256
	blockSize = aes.BlockSize
	macSize   = 32 // of the key that HMAC-SHA-256 gets
)

// PrivateKey opens the key: an ed25519.PrivateKey, *ecdsa.PrivateKey or *rsa.PrivateKey (precomputed). The passphrase is looked at only
// if the file is encrypted. Of version 3 it runs Argon2 then, which takes up to 512 MiB and half a minute; as PuTTYgen writes files,
// 8 MiB and a tenth of a second.
//
// Errors: ErrNeedPassphrase, ErrPassphrase, ErrBroken.
func (f *File) PrivateKey(passphrase []byte) (any, error) {
	switch {
	case !f.Encrypted():
		passphrase = nil
	case len(passphrase) == 0:
		return nil, ErrNeedPassphrase
	}
	k := f.derive(passphrase)
	defer k.wipe()
	private := bytes.Clone(f.private)
	defer clear(private)
	if f.Encrypted() {
		k.crypt(cipher.NewCBCDecrypter, private)
	}
	switch intact := hmac.Equal(f.sum(k.mac, private), f.mac); {
	case !intact && f.Encrypted():
		return nil, ErrPassphrase
	case !intact:
		return nil, fmt.Errorf("%w: its MAC", ErrBroken)
	}
	return f.decode(private)
}

// keys are what a passphrase becomes.
type keys struct{ key, iv, mac []byte }

func (k *keys) wipe() {
	clear(k.key)
	clear(k.iv)
	clear(k.mac)
}

// crypt encrypts or decrypts whole blocks where they lie.
func (k *keys) crypt(mode func(cipher.Block, []byte) cipher.BlockMode, blocks []byte) {
	b, err := aes.NewCipher(k.key[:keySize])
	if err != nil {
		panic(err) // the size is right
	}
	mode(b, k.iv).CryptBlocks(blocks, blocks)
}

// derive makes the keys of a file, Appendix C.4 and C.5.1 (version 2). Version 3 has none without encryption, and its MAC's key is empty then.
func (f *File) derive(passphrase []byte) *keys {
	if f.version == 2 {
		sum := func(to []byte, before string) []byte {
			h := sha1.New()
			h.Write([]byte(before))
			h.Write(passphrase)
			return h.Sum(to)
		}
		key := sum(make([]byte, 0, 2*sha1.Size), "\x00\x00\x00\x00")
		return &keys{sum(key, "\x00\x00\x00\x01"), make([]byte, blockSize), sum(nil, "putty-private-key-file-mac-key")}
	}
	if !f.Encrypted() {
		return new(keys)
	}
	argon := argon2.IDKey
	if f.kdf.name == "Argon2i" {
		argon = argon2.Key
	}
	k := argon(passphrase, f.kdf.salt, f.kdf.passes, f.kdf.memory, f.kdf.lanes, keySize+blockSize+macSize)
	return &keys{k[:keySize], k[keySize : keySize+blockSize], k[keySize+blockSize:]}
}

// sum is the MAC over the file, with its private part in the clear and padded, Appendix C.2.
func (f *File) sum(key, private []byte) []byte {
	h := hmac.New(map[int]func() hash.Hash{2: sha1.New, 3: sha256.New}[f.version], key)
	for _, part := range [][]byte{[]byte(f.kind), []byte(f.cipher), []byte(f.Comment), f.public, private} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

// decode reads the private part, Appendix C.3. It repeats nothing of the public one.
func (f *File) decode(private []byte) (any, error) {
	broken := fmt.Errorf("%w: its halves", ErrBroken)
	strings := 1
	if f.kind == ssh.KeyAlgoRSA {
		strings = 4
	}
	parts, padding := split(private, strings)
	if parts == nil || padding >= blockSize || padding > 0 && !f.Encrypted() {
		return nil, broken
	}
	switch public := f.Public.(ssh.CryptoPublicKey).CryptoPublicKey().(type) {
	case ed25519.PublicKey:
		if len(parts[0]) != ed25519.SeedSize {
			return nil, broken
		}
		if key := ed25519.NewKeyFromSeed(parts[0]); public.Equal(key.Public()) {
			return key, nil
		}
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().N.BitLen() + 7) / 8
		d := number(parts[0], 8*size)
		if d == nil {
			return nil, broken
		}
		raw := d.FillBytes(make([]byte, size))
		defer clear(raw)
		if key, err := ecdsa.ParseRawPrivateKey(public.Curve, raw); err == nil && public.Equal(key.Public()) {
			return key, nil
		}
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		d, p, q := number(parts[0], bits), number(parts[1], bits), number(parts[2], bits) // the fourth follows from them
		// A product of others would be found out below, too, after many seconds.
		if d == nil || p == nil || q == nil || public.N.Sign() <= 0 || new(big.Int).Mul(p, q).Cmp(public.N) != 0 {
			return nil, broken
		}
		key := &rsa.PrivateKey{PublicKey: *public, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		if err := key.Validate(); err == nil {
			return key, nil
		}
	}
	return nil, broken
}

// split takes off n strings (RFC 4251 section 5; an mpint is one, too), and says how many bytes are left. There are no strings if it cannot.
func split(private []byte, n int) (parts [][]byte, left int) {
	for range n {
		var v struct {
			String []byte
			Rest   []byte `ssh:"rest"`
		}
		if ssh.Unmarshal(private, &v) != nil {
			return nil, 0
		}
		parts, private = append(parts, v.String), v.Rest
	}
	return parts, len(private)
}

// number is an mpint of at most so many bits, or nil: what is made of longer ones takes seconds.
func number(mpint []byte, bits int) *big.Int {
	if n := new(big.Int).SetBytes(mpint); n.BitLen() <= bits {
		return n
	}
	return nil
}
