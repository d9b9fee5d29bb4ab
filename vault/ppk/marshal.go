package ppk

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/ssh"
)

// usual is what a file of ours takes: the second of the choices that RFC 9106 section 4 recommends for all uses. A guess takes 64 MiB, and a
// third of a second of one core.
func usual() cost { return cost{memory: 64 << 10, passes: 3, lanes: 4} }

// Marshal writes a key (an ed25519.PrivateKey, *ecdsa.PrivateKey or *rsa.PrivateKey of two primes) as a file, locked under the
// passphrase with Argon2id; an empty one leaves it in the clear, and the caller wipes it. The version is 3; or 2, for PuTTY before 0.75
// of 2021, in which a passphrase can be guessed a hundred thousand times faster. Lines end in LF, as PuTTY's do.
//
// Errors: another version, another kind of key, a comment with a line end.
func Marshal(key any, comment string, passphrase []byte, version int) ([]byte, error) {
	return marshal(key, comment, passphrase, version, usual())
}

func marshal(key any, comment string, passphrase []byte, version int, c cost) ([]byte, error) {
	switch {
	case version != 2 && version != 3:
		return nil, fmt.Errorf("no version %d of PuTTY's key files is written", version)
	case strings.ContainsAny(comment, "\r\n"):
		return nil, errors.New("a line end in the comment")
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	f := &File{Comment: comment, Public: signer.PublicKey(), version: version, cipher: plain}
	f.kind, f.public = f.Public.Type(), f.Public.Marshal()
	if f.private, err = encode(key); err != nil {
		return nil, err
	}
	if len(passphrase) == 0 {
		f.mac = f.sum(f.derive(nil).mac, f.private)
		defer clear(f.private)
	} else {
		f.lock(passphrase, c)
	}
	return f.text(), nil
}

// lock pads and encrypts the private part where it lies.
func (f *File) lock(passphrase []byte, c cost) {
	f.cipher = aesCBC
	f.kdf = kdf{"Argon2id", c, make([]byte, 16)}
	rand.Read(f.kdf.salt)
	padded := make([]byte, (len(f.private)+blockSize-1)/blockSize*blockSize)
	rand.Read(padded[copy(padded, f.private):])
	clear(f.private)
	f.private = padded
	k := f.derive(passphrase)
	defer k.wipe()
	f.mac = f.sum(k.mac, f.private)
	k.crypt(cipher.NewCBCEncrypter, f.private)
}

// encode is the way back from decode.
func encode(key any) ([]byte, error) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return ssh.Marshal(struct{ Seed []byte }{k.Seed()}), nil
	case *ecdsa.PrivateKey:
		raw, err := k.Bytes()
		if err != nil {
			return nil, err
		}
		defer clear(raw)
		return ssh.Marshal(struct{ D *big.Int }{new(big.Int).SetBytes(raw)}), nil
	case *rsa.PrivateKey:
		if len(k.Primes) == 2 {
			p, q := k.Primes[0], k.Primes[1]
			return ssh.Marshal(struct{ D, P, Q, QInv *big.Int }{k.D, p, q, new(big.Int).ModInverse(q, p)}), nil
		}
	}
	return nil, fmt.Errorf("no PuTTY key file holds a key such as this (%T)", key)
}

// text puts the file together.
func (f *File) text() []byte {
	var b bytes.Buffer
	blob := func(name string, part []byte) {
		encoded := base64.StdEncoding.AppendEncode(nil, part)
		defer clear(encoded)
		fmt.Fprintf(&b, "%s: %d\n", name, (len(encoded)+63)/64)
		for rest := encoded; len(rest) > 0; rest = rest[min(64, len(rest)):] {
			b.Write(rest[:min(64, len(rest))])
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, Begins+"%d: %s\nEncryption: %s\nComment: %s\n", f.version, f.kind, f.cipher, f.Comment)
	blob("Public-Lines", f.public)
	if f.version == 3 && f.Encrypted() {
		fmt.Fprintf(&b, "Key-Derivation: %s\nArgon2-Memory: %d\nArgon2-Passes: %d\nArgon2-Parallelism: %d\nArgon2-Salt: %x\n",
			f.kdf.name, f.kdf.memory, f.kdf.passes, f.kdf.lanes, f.kdf.salt)
	}
	blob("Private-Lines", f.private)
	fmt.Fprintf(&b, "Private-MAC: %x\n", f.mac)
	return b.Bytes()
}
