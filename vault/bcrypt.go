package vault

import (
	"crypto/sha512"
	"encoding/binary"

	"golang.org/x/crypto/blowfish" //lint:ignore SA1019 the OpenSSH key format is built on it
)

// bcryptKey derives size bytes from a passphrase as bcrypt_pbkdf(3) of OpenBSD does, which is how ssh-keygen locks private keys
// (OpenSSH PROTOCOL.key). It is here because the comment of a locked key lies inside the locked part, and x/crypto, which can
// open that part, hands out the key alone. Cost is linear in rounds: about 10 ms each for 48 bytes.
//
// Unlike PBKDF2 it deals the bytes of each block out over the whole key, with a stride of the number of blocks.
func bcryptKey(passphrase, salt []byte, rounds uint32, size int) []byte {
	const blockSize = 32
	blocks := (size + blockSize - 1) / blockSize
	key := make([]byte, size)
	pass := sha512.Sum512(passphrase)
	for n := range blocks {
		first := sha512.New()
		first.Write(salt)
		first.Write(binary.BigEndian.AppendUint32(nil, uint32(n+1)))
		sum := bcryptBlock(pass[:], first.Sum(nil))
		block := sum
		for range rounds - 1 {
			next := sha512.Sum512(sum[:])
			sum = bcryptBlock(pass[:], next[:])
			for i := range block {
				block[i] ^= sum[i]
			}
		}
		for i, b := range block {
			if at := i*blocks + n; at < size {
				key[at] = b
			}
		}
		wipe(block[:])
	}
	wipe(pass[:])
	return key
}

// bcryptBlock is the core: Blowfish keyed 64 times over by salt and passphrase in turn, then a fixed text encrypted 64 times,
// read as little-endian words.
func bcryptBlock(pass, salt []byte) [32]byte {
	c, err := blowfish.NewSaltedCipher(pass, salt)
	if err != nil {
		panic(err) // both are 64 bytes, always within 1 to 72
	}
	for range 64 {
		blowfish.ExpandKey(salt, c)
		blowfish.ExpandKey(pass, c)
	}
	var out [32]byte
	copy(out[:], "OxychromaticBlowfishSwatDynamite")
	for i := 0; i < len(out); i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(out[i:], out[i:])
		}
	}
	for i := 0; i < len(out); i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.BigEndian.Uint32(out[i:]))
	}
	return out
}
