package vault

import (
	"errors"
	"fmt"
)

// What a caller may have to act on. All are found with errors.Is in what the methods return.
var (
	ErrNoKey           = errors.New("no such key")
	ErrKeyExists       = errors.New("a key of this name exists")
	ErrBadName         = errors.New("not a name for a key")
	ErrWrongPassphrase = errors.New("wrong passphrase")
	ErrNeedPassphrase  = errors.New("the key file is locked, its passphrase is needed")
	ErrEmptyPassphrase = errors.New("the passphrase is empty")
	// ErrBrokenKey: the private key's parts contradict each other, or the file that holds it is cut off or altered.
	ErrBrokenKey = errors.New("broken private key")
	// ErrDamaged: a NAME.age that is no age file under a passphrase, or is cut off or altered.
	ErrDamaged = errors.New("damaged key file")
	// ErrWeakKey: too short to be made or imported.
	ErrWeakKey = errors.New("key too weak")
	// ErrBadSpec: a kind or size of key that there is not.
	ErrBadSpec = errors.New("no such kind of key")
	// ErrBadFormat: Export knows no such format, or not for this kind of key.
	ErrBadFormat = errors.New("no format")
	// ErrChanged: somebody else changed the key in the same moment; nothing was done.
	ErrChanged = errors.New("the key was changed by somebody else meanwhile")
)

// KnownError says that a key to import is in the vault already: one key would have two names.
type KnownError struct{ Key string }

func (e *KnownError) Error() string { return fmt.Sprintf("the vault has this key, as %q", e.Key) }

// FormatError says that a file to import is no private key of a format that is read.
type FormatError struct {
	Looks  string // what it looks like: "a PuTTY private key"
	Advice string // the one command that converts it, or what else to do; FILE stands for the file's name
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("no private key that can be read: this is %s: %s", e.Looks, e.Advice)
}

// CipherError says that a private key is encrypted in a way that this package does not read.
type CipherError struct {
	Cipher string // the name in the file, cut at 64 bytes
	Advice string // the command that rewrites it so that it can be read; FILE stands for the file's name
}

func unread(cipher, advice string) *CipherError {
	return &CipherError{cipher[:min(len(cipher), 64)], advice}
}

func (e *CipherError) Error() string {
	return fmt.Sprintf("the key file is encrypted with %q, which cannot be read: %s", e.Cipher, e.Advice)
}

// CostError says that opening an encrypted key costs more than is spent on a file from outside. Nothing was derived.
type CostError struct {
	Asks   string // "5000 rounds of bcrypt"
	Max    string // the most of it that is spent: "2048"
	Advice string // the command that rewrites it for less; FILE stands for the file's name
}

func (e *CostError) Error() string {
	return fmt.Sprintf("the key file asks for %s, at most %s: %s", e.Asks, e.Max, e.Advice)
}

// TypeError says that a kind of key cannot be kept here.
type TypeError struct {
	Type   string // the name in the file: "ssh-dss"
	Advice string // what to do instead
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("keys of type %q cannot be kept: %s", e.Type, e.Advice)
}

// WorkFactorError says that a key was sealed at a higher work factor than is opened unasked. [Vault.WithMaxWorkFactor] opens it.
type WorkFactorError struct {
	Name        string
	Factor, Max int // the key's, and the most that is opened: see Options.WorkFactor
}

// Memory is what opening the key takes, in bytes: scrypt with r=8 needs 128*8*2^Factor (RFC 7914 section 2).
func (e *WorkFactorError) Memory() int64 { return 1024 << min(e.Factor, 40) }

func (e *WorkFactorError) Error() string {
	return fmt.Sprintf("key %q is sealed at work factor %d, at most %d is opened unasked", e.Name, e.Factor, e.Max)
}
