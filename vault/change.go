package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"kagiban/vault/safefile"
)

// Passwd locks the key called name under another passphrase, and at the vault's work factor. The new file is written beside the
// old one, opened again, and then takes its place: at every moment the key opens under one of the two. It runs the KDF three times.
//
// The old file's blocks may survive on the disk, and in backups: who has them and knows the old passphrase still has the key.
//
// Errors: those of Unlock for the old passphrase, ErrEmptyPassphrase for either, ErrChanged.
func (v *Vault) Passwd(name string, old, new []byte) error {
	if len(new) == 0 {
		return ErrEmptyPassphrase
	}
	sealed, payload, _, err := v.open(name, old)
	if err != nil {
		return err
	}
	defer wipe(payload)
	staged, err := v.stage(name, payload, new)
	if err != nil {
		return err
	}
	defer staged.Discard()
	return v.change(func() error {
		if err := v.unchanged(name, sealed); err != nil {
			return err
		}
		if info, err := os.Lstat(v.keyFile(name)); err == nil {
			_ = os.Chtimes(staged.Temp(), info.ModTime(), info.ModTime()) // the key is as old as it was
		}
		return staged.Replace()
	})
}

// Rename gives the key called old the name new. Whatever dies in between, the key is there under one of the names, with its
// NAME.pub; the same again comes to its end. Errors: ErrBadName, ErrNoKey, ErrKeyExists.
func (v *Vault) Rename(old, new string) error {
	if err := errors.Join(CheckName(old), CheckName(new)); err != nil {
		return err
	}
	return v.change(func() error {
		if err := v.present(old); err != nil {
			if v.cutShort(old, new) {
				return v.removeFile(v.pubFile(old))
			}
			return err
		}
		if strings.EqualFold(old, new) {
			return v.renameCase(old, new)
		}
		line, err := readFile(v.pubFile(old))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := v.free(new, line); err != nil {
			return err
		}
		// First the new .pub, then the key, then the old .pub is gone: the key is never without one.
		if line != nil {
			if err := safefile.WriteFile(v.pubFile(new), line, pubPerm); err != nil {
				return err
			}
		}
		if err := os.Rename(v.keyFile(old), v.keyFile(new)); err != nil {
			return err
		}
		if err := safefile.SyncDir(v.dir); err != nil {
			return err
		}
		return v.removeFile(v.pubFile(old))
	})
}

// cutShort tells whether a Rename from old to new died before its last step: old has no key any more, and its .pub is new's.
func (v *Vault) cutShort(old, new string) bool {
	if v.present(new) != nil || strings.EqualFold(old, new) {
		return false
	}
	left, err := readFile(v.pubFile(old))
	line, lineErr := readFile(v.pubFile(new))
	return err == nil && lineErr == nil && bytes.Equal(left, line)
}

// renameCase changes the case of letters only. On some disks both names are one and the same file, so nothing is copied or
// removed; on the others the new name must be free.
func (v *Vault) renameCase(old, new string) error {
	if old == new {
		return nil
	}
	pairs := [][2]string{{v.keyFile(old), v.keyFile(new)}, {v.pubFile(old), v.pubFile(new)}}
	for _, p := range pairs {
		there, err := os.Lstat(p[1])
		if err != nil {
			continue
		}
		if from, err := os.Lstat(p[0]); err != nil || !os.SameFile(from, there) {
			return fmt.Errorf("%w: %q", ErrKeyExists, new)
		}
	}
	for _, p := range pairs {
		if err := os.Rename(p[0], p[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return safefile.SyncDir(v.dir)
}

// Remove deletes both files of the key called name. It needs no passphrase, and cannot be undone. The bytes may survive on the disk
// and in backups, locked; what ends a key for good is taking it out of the servers. Errors: ErrBadName, ErrNoKey.
func (v *Vault) Remove(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return v.change(func() error {
		if err := v.present(name); err != nil {
			return err
		}
		// The .pub first: dying in between leaves a whole key, not a .pub that nothing belongs to.
		if err := v.removeFile(v.pubFile(name)); err != nil {
			return err
		}
		return v.removeFile(v.keyFile(name))
	})
}

// removeFile removes one file for good. One that is not there is no error.
func (v *Vault) removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return safefile.SyncDir(v.dir)
}

// present says whether NAME.age is there as a plain file, whatever is in it.
func (v *Vault) present(name string) error {
	info, err := os.Lstat(v.keyFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %q", ErrNoKey, name)
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %q is not a plain file", ErrDamaged, name+keySuffix)
	}
	return nil
}

// unchanged says whether NAME.age still holds what was read before the lock was taken.
func (v *Vault) unchanged(name string, sealed []byte) error {
	now, err := v.readKey(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, sealed) {
		return fmt.Errorf("key %q: %w", name, ErrChanged)
	}
	return nil
}
