package vault

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	pemType  = "OPENSSH PRIVATE KEY"
	keyMagic = "openssh-key-v1\x00"
	// inPlace is what ssh-keygen -p does, for advice that names it.
	inPlace = "   (asks for its passphrase and rewrites it in place), then the same again"
	// maxFile is the size of the largest file that is read as a key, in bytes. RSA of 16384 bits takes 13 KiB.
	maxFile = 64 << 10
	// maxRounds is the highest number of bcrypt rounds run for a file from outside: some 20 s. ssh-keygen writes 16 or 24.
	maxRounds = 2048
)

// container is an openssh-key-v1 file after its magic, PROTOCOL.key of OpenSSH. It can hold several keys; ssh-keygen never
// writes, and never reads, any number but one.
type container struct {
	Cipher  string
	KDF     string
	KDFOpts []byte
	Keys    uint32
	Public  []byte
	Private []byte
	Rest    []byte `ssh:"rest"`
}

// kdfOpts are the options of the KDF "bcrypt".
type kdfOpts struct {
	Salt   []byte
	Rounds uint32
}

// readOpenSSH reads a private key from an OpenSSH file and proves that it is one: see material. The passphrase is looked at only
// if the file is locked; then an empty one is ErrNeedPassphrase, after every error that a passphrase would not change.
func readOpenSSH(file, passphrase []byte, roundsLimit uint32) (*material, error) {
	f, err := parseContainer(file)
	if err != nil {
		return nil, err
	}
	if f.Cipher == "none" {
		return f.readClear()
	}
	plain, blockSize, err := f.decrypt(passphrase, roundsLimit)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	return readPrivate(f.Public, plain, blockSize)
}

// readPayload reads a private key as the vault keeps it: as readOpenSSH, but never locked once more.
func readPayload(payload []byte) (*material, error) {
	f, err := parseContainer(payload)
	if err != nil {
		return nil, err
	}
	if f.Cipher != "none" {
		return nil, fmt.Errorf("%w: locked once more inside its age file", ErrBrokenKey)
	}
	m, err := f.readClear()
	if err != nil {
		return nil, err
	}
	if err := longEnough(m.public, minRSAImport); err != nil {
		return nil, err
	}
	return m, nil
}

// readClear reads the private part of a file that is not locked.
func (f *container) readClear() (*material, error) {
	if len(f.Rest) != 0 {
		return nil, fmt.Errorf("%w: bytes after the key", ErrBrokenKey)
	}
	const blockSize = 8 // of the cipher "none", PROTOCOL.key section 3
	return readPrivate(f.Public, f.Private, blockSize)
}

// parseContainer takes the armour off and the outer fields apart, and looks at the kind of key.
func parseContainer(file []byte) (*container, error) {
	if !bytes.Contains(file, []byte("-----BEGIN "+pemType+"-----")) {
		return nil, looksLike(file)
	}
	if len(file) > maxFile {
		return nil, fmt.Errorf("%w: the file is longer than any key", ErrBrokenKey)
	}
	block, _ := pem.Decode(file)
	if block == nil || block.Type != pemType {
		return nil, errCut
	}
	fields, ok := bytes.CutPrefix(block.Bytes, []byte(keyMagic))
	if !ok {
		return nil, fmt.Errorf("%w: the file does not begin as openssh-key-v1", ErrBrokenKey)
	}
	f := new(container)
	if err := ssh.Unmarshal(fields, f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBrokenKey, err)
	}
	if f.Keys != 1 {
		return nil, fmt.Errorf("%w: the file holds %d keys, not one", ErrBrokenKey, f.Keys)
	}
	if (f.Cipher == "none") != (f.KDF == "none") {
		return nil, fmt.Errorf("%w: cipher %.64q with key derivation %.64q", ErrBrokenKey, f.Cipher, f.KDF)
	}
	if err := checkType(f.Public); err != nil {
		return nil, err
	}
	return f, nil
}

// decrypt gives the private part in the clear, and the block size that it is padded to. The caller wipes it.
func (f *container) decrypt(passphrase []byte, roundsLimit uint32) ([]byte, int, error) {
	c, ok := ciphers[f.Cipher]
	if !ok || f.KDF != "bcrypt" {
		return nil, 0, unread(f.Cipher, "ssh-keygen -p -Z aes256-ctr -f FILE"+inPlace)
	}
	var opts kdfOpts
	if err := ssh.Unmarshal(f.KDFOpts, &opts); err != nil || len(opts.Salt) == 0 || opts.Rounds == 0 {
		return nil, 0, fmt.Errorf("%w: options of the key derivation", ErrBrokenKey)
	}
	// Before any work is done: the number comes from the file, and each costs as much as the one before.
	if opts.Rounds > roundsLimit {
		return nil, 0, &CostError{
			Asks: fmt.Sprintf("%d rounds of bcrypt", opts.Rounds), Max: fmt.Sprint(roundsLimit),
			Advice: "ssh-keygen -p -a 16 -f FILE" + inPlace,
		}
	}
	if len(f.Private)%c.block != 0 || len(f.Rest) != c.tag {
		return nil, 0, fmt.Errorf("%w: the locked part is cut off or altered", ErrBrokenKey)
	}
	if len(passphrase) == 0 {
		return nil, 0, ErrNeedPassphrase
	}
	key := bcryptKey(passphrase, opts.Salt, opts.Rounds, c.key+c.iv)
	defer wipe(key)
	plain, err := c.open(key[:c.key], key[c.key:], f.Private, f.Rest)
	if err != nil {
		return nil, 0, err
	}
	// The first two words are the same random number: all the format has to tell a wrong passphrase by.
	if len(plain) < 8 || !bytes.Equal(plain[:4], plain[4:8]) {
		wipe(plain)
		return nil, 0, ErrWrongPassphrase
	}
	return plain, c.block, nil
}

// checkType refuses, by the public half that is always in the clear, what no passphrase would make fit.
func checkType(public []byte) error {
	var head struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(public, &head); err != nil {
		return fmt.Errorf("%w: no public half", ErrBrokenKey)
	}
	switch t := head.Type; {
	case readers[t] != nil:
		return nil
	case strings.HasPrefix(t, "sk-"):
		return &TypeError{t, "its private half is inside the hardware key and this file only points to it; use it with ssh-add"}
	case t == "ssh-dss":
		return unkept(t)
	default:
		return unkept(fmt.Sprintf("%.64q", t))
	}
}
