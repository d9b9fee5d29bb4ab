// Package ppk reads and writes PuTTY private key files, versions 2 and 3: bytes in, key out, and back.
//
// Use [Parse] for what stands in a file in the clear, then [File.PrivateKey] for the key; [Marshal] writes. The source for all of
// it is the PuTTY manual, Appendix C (PPK file format); Argon2 is RFC 9106.
//
// It promises: nothing is derived that takes more memory or time than the limits below, whatever a file asks for; no byte of a
// private key is used before the MAC over the file has been compared, in constant time; a key is handed out only if the public
// half that follows from it is the file's own; what was derived from a passphrase, and what was decrypted, is wiped.
//
// The MAC is over the kind of key, the encryption, the comment and both halves. The rest of a file either leads to another MAC (its version,
// its derivation) or means nothing (line ends, capitals in hexadecimal). Without a passphrase the MAC has no secret: it finds damage,
// and nobody's malice. In version 2 the passphrase is hashed once, so that it can be guessed fast.
//
// It reads and writes no file, asks nobody and prints nothing. It does not hide keys from those who can read this process's memory:
// Argon2's own memory and the numbers of a key are not wiped. Reading takes as much memory as the file says, and writing 64 MiB; a
// long-lived process may want to call debug.FreeOSMemory after either.
package ppk

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// Limits of what is read. They are looked at before anything is derived.
const (
	// maxFile is the longest file, in bytes. RSA of 16384 bits, the longest key that OpenSSH takes, makes 11 KiB.
	maxFile = 64 << 10
	// maxLines is the longest part of a file, in lines of 64 characters. The private part of that RSA key has 108.
	maxLines = 256
	// maxMemory is the most memory that Argon2 gets, in KiB. PuTTYgen asks for 8 MiB unless told otherwise. More than this a process of
	// 32 bits may not find in one piece.
	maxMemory = 512 << 10
	// maxWork is the most that Argon2 fills, in KiB: its memory as many times over as it passes. It takes half a minute.
	maxWork = 16 << 20
	// laneMemory is the least memory of a lane, in KiB, RFC 9106 section 3.1. PuTTYgen dies of less.
	laneMemory = 8
)

// Begins is how every PuTTY private key file begins.
const Begins = "PuTTY-User-Key-File-"

var (
	// ErrBroken: the file is cut off, altered, or was never one; or its halves are not of one key.
	ErrBroken = errors.New("the PuTTY key file is cut off or altered")
	// ErrPassphrase: not this passphrase. A locked file that was altered looks the same.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrNeedPassphrase: the file is locked, and no passphrase was given.
	ErrNeedPassphrase = errors.New("the PuTTY key file is locked, its passphrase is needed")
)

// UnreadError says that a file is whole but is not read here, and what to do.
type UnreadError struct {
	What   string // what about it is not read: "a key of type ssh-dss"
	Advice string // how to save it so that it is, or what else to do; FILE stands for the file's name
}

func (e *UnreadError) Error() string {
	return fmt.Sprintf("the PuTTY key file has %s, which is not read: %s", e.What, e.Advice)
}

// resave tells how to save a file in another way, in PuTTYgen's window and with puttygen(1).
func resave(window, param string) string {
	return fmt.Sprintf("load it in PuTTYgen, set %s in the menu Key, Parameters for saving key files, and save the private key anew; "+
		"or: puttygen FILE --reencrypt --ppk-param %s -o NEWFILE", window, param)
}

// File is a PuTTY private key file whose key has not been opened. Nothing of it can be trusted before that.
type File struct {
	Comment string        // as in the file: bytes of any encoding, without line ends
	Public  ssh.PublicKey // ed25519, ecdsa or rsa

	version         int
	kind, cipher    string
	public, private []byte
	kdf             kdf
	mac             []byte
}

// Encrypted says whether a passphrase is needed.
func (f *File) Encrypted() bool { return f.cipher != plain }

const (
	plain  = "none"
	aesCBC = "aes256-cbc"
)

// kdf is how a passphrase becomes keys in version 3.
type kdf struct {
	name string // Argon2id or Argon2i
	cost
	salt []byte
}

// cost is what Argon2 takes: memory in KiB, passes over it, lanes that are filled side by side.
type cost struct {
	memory, passes uint32
	lanes          uint8
}

// Parse reads what stands in a file in the clear. Lines may end in LF, CR LF or CR.
//
// Errors: ErrBroken, *UnreadError.
func Parse(file []byte) (*File, error) {
	if len(file) > maxFile {
		return nil, fmt.Errorf("%w: longer than any key", ErrBroken)
	}
	rest, begins := bytes.CutPrefix(file, []byte(Begins))
	version, rest, found := bytes.Cut(rest, []byte(": "))
	if !begins || !found {
		return nil, fmt.Errorf("%w: its first line", ErrBroken)
	}
	n, err := strconv.ParseUint(string(version), 10, 8)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: its version", ErrBroken)
	case n != 2 && n != 3:
		return nil, &UnreadError{fmt.Sprintf("version %d of the format", n), resave("version 3", "version=3")}
	}
	l := &lines{rest: rest}
	f := &File{version: int(n), kind: string(l.next())}
	f.cipher = l.field("Encryption")
	f.Comment = l.field("Comment")
	f.public = l.blob("Public-Lines")
	if f.version == 3 && f.Encrypted() && l.err == nil {
		f.kdf = l.argon2()
	}
	f.private = l.blob("Private-Lines")
	f.mac = l.hex("Private-MAC")
	if len(bytes.TrimSpace(l.rest)) > 0 {
		l.fail("after the MAC")
	}
	if l.err != nil {
		return nil, l.err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

// check looks at all that can be told without the key.
func (f *File) check() error {
	if f.cipher != plain && f.cipher != aesCBC {
		return fmt.Errorf("%w: its encryption", ErrBroken)
	}
	switch f.kind {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA:
	default:
		return &UnreadError{fmt.Sprintf("a key of type %.64q", f.kind),
			"no program makes another kind of it: kagiban key new NAME (or puttygen -t ed25519 -o NEWFILE, or in PuTTYgen EdDSA, Ed25519, " +
				"Generate, Save private key), and let that one in while the old one still works"}
	}
	var err error
	if f.Public, err = ssh.ParsePublicKey(f.public); err != nil || f.Public.Type() != f.kind || !bytes.Equal(f.Public.Marshal(), f.public) {
		return fmt.Errorf("%w: its public half", ErrBroken)
	}
	if f.Encrypted() && (len(f.private) == 0 || len(f.private)%blockSize != 0) {
		return fmt.Errorf("%w: its private half", ErrBroken)
	}
	if f.version == 3 && f.Encrypted() {
		return f.kdf.check()
	}
	return nil
}

// check refuses what is not to be derived.
func (k *kdf) check() error {
	switch {
	case k.name == "Argon2d":
		return &UnreadError{"key derivation Argon2d", resave("Argon2id", "kdf=argon2id")}
	case k.name != "Argon2id" && k.name != "Argon2i" || k.passes == 0 || k.lanes == 0 || uint64(k.memory) < laneMemory*uint64(k.lanes):
		return fmt.Errorf("%w: its key derivation", ErrBroken)
	case k.memory > maxMemory || uint64(k.memory)*uint64(k.passes) > maxWork:
		return &UnreadError{fmt.Sprintf("a key derivation of %d passes over %d KiB", k.passes, k.memory),
			resave("the memory to 8192 Kbyte and the time to 100 milliseconds", "memory=8192,time=100")}
	}
	return nil
}

// lines takes a file apart, line by line. After an error the rest is empty.
type lines struct {
	rest []byte
	err  error
}

func (l *lines) fail(what string) {
	if l.err == nil {
		l.err = fmt.Errorf("%w: %s", ErrBroken, what) // names no byte of the file
	}
	l.rest = nil
}

// next is the next line, without its end.
func (l *lines) next() []byte {
	i := bytes.IndexAny(l.rest, "\r\n")
	if i < 0 {
		i = len(l.rest)
	}
	line, rest := l.rest[:i], l.rest[i:]
	if bytes.HasPrefix(rest, []byte("\r\n")) {
		rest = rest[1:]
	}
	l.rest = rest[min(1, len(rest)):]
	return line
}

// field is the value of the line that must come next.
func (l *lines) field(name string) string {
	value, found := bytes.CutPrefix(l.next(), []byte(name+": "))
	if !found {
		l.fail(name)
	}
	return string(value)
}

func (l *lines) number(name string, bits int) uint64 {
	n, err := strconv.ParseUint(l.field(name), 10, bits)
	if err != nil {
		l.fail(name)
	}
	return n
}

func (l *lines) hex(name string) []byte {
	b, err := hex.DecodeString(l.field(name))
	if err != nil {
		l.fail(name)
	}
	return b
}

// blob is a part in base64, which says first how many lines it has.
func (l *lines) blob(name string) []byte {
	n := l.number(name, 16)
	if n > maxLines {
		l.fail(name)
	}
	encoded := make([]byte, 0, len(l.rest))
	defer clear(encoded[:cap(encoded)])
	for range n {
		if len(l.rest) == 0 {
			l.fail(name)
			return nil
		}
		encoded = append(encoded, l.next()...)
	}
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	size, err := base64.StdEncoding.Strict().Decode(blob, encoded)
	if err != nil {
		l.fail(name)
	}
	return blob[:size]
}

func (l *lines) argon2() kdf {
	k := kdf{name: l.field("Key-Derivation")}
	k.memory = uint32(l.number("Argon2-Memory", 32))
	k.passes = uint32(l.number("Argon2-Passes", 32))
	k.lanes = uint8(l.number("Argon2-Parallelism", 8))
	k.salt = l.hex("Argon2-Salt")
	return k
}
