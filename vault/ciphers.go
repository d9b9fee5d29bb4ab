package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/poly1305" //lint:ignore SA1019 the OpenSSH cipher is not the AEAD of RFC 8439
)

// sshCipher is a cipher as openssh-key-v1 files are encrypted with, lengths in bytes.
type sshCipher struct {
	key, iv int // derived together from the passphrase
	block   int // what the private part is padded to
	tag     int // after the private part
	open    func(key, iv, sealed, tag []byte) ([]byte, error)
}

// ciphers are all that ssh-keygen -Z knows: cipher.c of OpenSSH.
var ciphers = map[string]sshCipher{
	"aes256-ctr": {32, 16, 16, 0, openCTR},
	"aes192-ctr": {24, 16, 16, 0, openCTR},
	"aes128-ctr": {16, 16, 16, 0, openCTR},
	"aes256-cbc": {32, 16, 16, 0, cbcWith(aes.NewCipher)},
	"aes192-cbc": {24, 16, 16, 0, cbcWith(aes.NewCipher)},
	"aes128-cbc": {16, 16, 16, 0, cbcWith(aes.NewCipher)},
	"3des-cbc":   {24, 8, 8, 0, cbcWith(des.NewTripleDESCipher)},

	"aes256-gcm@openssh.com": {32, 12, 16, 16, openGCM},
	"aes128-gcm@openssh.com": {16, 12, 16, 16, openGCM},

	"chacha20-poly1305@openssh.com": {64, 0, 8, 16, openChaCha},
}

func openCTR(key, iv, sealed, _ []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCTR(block, iv).XORKeyStream(plain, sealed)
	return plain, nil
}

func cbcWith(newCipher func([]byte) (cipher.Block, error)) func(key, iv, sealed, _ []byte) ([]byte, error) {
	return func(key, iv, sealed, _ []byte) ([]byte, error) {
		block, err := newCipher(key)
		if err != nil {
			return nil, err
		}
		plain := make([]byte, len(sealed))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
		return plain, nil
	}
}

// openGCM: a wrong passphrase and an altered file are one and the same to it.
func openGCM(key, iv, sealed, tag []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, iv, append(sealed[:len(sealed):len(sealed)], tag...), nil)
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	return plain, nil
}

// openChaCha opens what OpenSSH's PROTOCOL.chacha20poly1305 seals, as packet number 0 and without a length: the first half of the
// key makes block 0 of the stream the key of the tag, and block 1 begins the text; the second half has no use here. As for GCM,
// a wrong passphrase is all that an altered file can be taken for.
func openChaCha(key, _, sealed, tag []byte) ([]byte, error) {
	stream, err := chacha20.NewUnauthenticatedCipher(key[:chacha20.KeySize], make([]byte, chacha20.NonceSize))
	if err != nil {
		return nil, err
	}
	var tagKey [32]byte
	var want [poly1305.TagSize]byte
	stream.XORKeyStream(tagKey[:], tagKey[:])
	copy(want[:], tag)
	if !poly1305.Verify(&want, sealed, &tagKey) {
		return nil, ErrWrongPassphrase
	}
	stream.SetCounter(1)
	plain := make([]byte, len(sealed))
	stream.XORKeyStream(plain, sealed)
	return plain, nil
}
