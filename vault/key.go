package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/vault/safefile"
)

// Key is what is known of a key while it is locked.
type Key struct {
	Name string
	// Public is the public half. In what List and Get return it comes from NAME.pub and is nil when that file is missing or
	// unreadable, and Comment, Type, Fingerprint and Bits are empty then; Unlock derives it, and puts the file right.
	Public      ssh.PublicKey
	Comment     string    // one clean line, see CleanComment
	Type        string    // ed25519, ecdsa or rsa, as ssh-keygen -t
	Fingerprint string    // SHA256:..., as ssh-keygen -l
	Bits        int       // 256 for ed25519
	Created     time.Time // the date of NAME.age, which Passwd and Rename keep
	// Problem is why the key cannot be opened, as far as can be seen without its passphrase: it wraps ErrDamaged, or says why
	// NAME.age cannot be read.
	Problem error
}

// List returns every key of the vault, sorted by name. A damaged one is listed with its Problem; files with names that are
// not ours are left out. No passphrase is needed and no KDF is run. A vault whose folder does not exist is empty.
func (v *Vault) List() ([]Key, error) {
	entries, err := safefile.ReadDir(v.dir)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), keySuffix)
		if !ok || CheckName(name) != nil {
			continue
		}
		k, err := v.Get(name)
		if errors.Is(err, ErrNoKey) {
			continue // removed since the folder was read
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Name < keys[j].Name })
	return keys, nil
}

// Get returns the key called name, as List does. The error wraps ErrNoKey or ErrBadName.
func (v *Vault) Get(name string) (Key, error) {
	if err := CheckName(name); err != nil {
		return Key{}, err
	}
	info, err := os.Lstat(v.keyFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("%w: %q", ErrNoKey, name)
	}
	if err != nil {
		return Key{}, err
	}
	k := Key{Name: name}
	if public, comment, err := readPublic(v.pubFile(name)); err == nil {
		k = describe(name, public, comment)
	}
	k.Created = info.ModTime()
	k.Problem = v.glance(name, info)
	return k, nil
}

// glance looks at the first bytes of NAME.age, which say whether it can be one of ours.
func (v *Vault) glance(name string, info fs.FileInfo) error {
	if err := checkPlain(info); err != nil {
		return err
	}
	f, err := safefile.Open(v.keyFile(name))
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, len(ageHeader))
	if _, err := io.ReadFull(f, head); err != nil || string(head) != ageHeader {
		return fmt.Errorf("%w: not an age file under a passphrase", ErrDamaged)
	}
	return nil
}

// readPublic reads the first line of a .pub file.
func readPublic(path string) (ssh.PublicKey, string, error) {
	line, err := readFile(path)
	if err != nil {
		return nil, "", err
	}
	public, comment, options, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, "", err
	}
	if len(options) > 0 || readers[public.Type()] == nil {
		return nil, "", errors.New("not the public half of a key that can be here")
	}
	return public, CleanComment(comment), nil
}

// publicLine is what NAME.pub holds: one line as sshd(8) reads it, AUTHORIZED_KEYS FILE FORMAT.
func publicLine(public ssh.PublicKey, comment string) []byte {
	line := bytes.TrimSuffix(ssh.MarshalAuthorizedKey(public), []byte("\n"))
	if comment != "" {
		line = append(append(line, ' '), comment...)
	}
	return append(line, '\n')
}

// describe fills in what follows from the public half.
func describe(name string, public ssh.PublicKey, comment string) Key {
	k := Key{Name: name, Public: public, Comment: comment, Fingerprint: ssh.FingerprintSHA256(public), Type: "ed25519", Bits: 256}
	if c, ok := public.(ssh.CryptoPublicKey); ok {
		switch p := c.CryptoPublicKey().(type) {
		case *ecdsa.PublicKey:
			k.Type, k.Bits = "ecdsa", p.Curve.Params().BitSize
		case *rsa.PublicKey:
			k.Type, k.Bits = "rsa", p.N.BitLen()
		}
	}
	return k
}
