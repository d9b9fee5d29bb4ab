// Package vault keeps SSH private keys at rest: made, locked under a passphrase, opened, imported, exported, never lost.
//
// Use [Open] on the keys folder, then the methods of [Vault]; they are safe for concurrent use, and any number of processes may
// use one folder.
//
// A key NAME is two files. NAME.age is an age file (scrypt recipient, https://age-encryption.org/v1) that holds the OpenSSH
// private key with its comment, so that age and ssh-keygen open it without us. NAME.pub is its public line, as ssh-keygen
// writes it. NAME.age is the truth: NAME.pub is derived from it, rebuilt from it, and never trusted over it. The format of both
// will not change; docs/file-format.md describes them byte by byte.
//
// It promises: a key that was returned as made can be opened, because its file was re-opened before it got its name; whatever
// dies in the middle of whatever method, every key is still there and opens under its old or its new passphrase; a key whose
// public and private half disagree is never made, imported or handed out.
//
// It never writes a private key in the clear, never prints, never asks, never changes or removes a file that it does not know.
// It does not hide keys from those who can read this process's memory: byte slices are wiped when they are done with, but the
// libraries below make copies that cannot be reached.
package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"kagiban/vault/safefile"
)

// Options are how a vault is to be used. The zero value is right for everything but tests.
type Options struct {
	// WorkFactor is the scrypt work factor of what is sealed, as the exponent of 2: at 17, the value for 0, one guess costs
	// about 0.7 s and 128 MiB; each step more doubles both. At most HighestWorkFactor.
	WorkFactor int
	// Now is the clock, time.Now for nil. It dates keys and tells which temporary files are old.
	Now func() time.Time
}

const (
	defaultWorkFactor = 17
	// readWorkFactor is the most that is opened unasked: what age -p writes. A file that somebody else put into the folder
	// shall not take all memory.
	readWorkFactor = 18
)

// HighestWorkFactor is the most that is opened at all, as in age(1): 4 GiB of memory.
const HighestWorkFactor = 22

// lockWait is how long a change waits for another process that changes the same vault.
const lockWait = 10 * time.Second

// Vault is a folder of keys. What changes it waits 10 seconds for another process that does, and then fails with
// *safefile.LockedError; where the folder is not the user's alone it fails with *safefile.DirError.
type Vault struct {
	dir       string
	factor    int
	maxFactor int
	now       func() time.Time
	wait      time.Duration                     // lockWait; tests wait less
	readBack  func(path string) ([]byte, error) // readFile; tests put in a disk that lies
}

// Open returns the vault in the folder dir. The folder need not exist: the first key makes it (or [Vault.Init]). If it exists it must
// be ours alone, else the error is a [*safefile.DirError] that says what to type. A work factor out of its range is an error.
func Open(dir string, o Options) (*Vault, error) {
	v := &Vault{dir: dir, factor: o.WorkFactor, now: o.Now, wait: lockWait, readBack: readFile}
	if v.factor == 0 {
		v.factor = defaultWorkFactor
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.factor < 1 || v.factor > HighestWorkFactor {
		return nil, fmt.Errorf("work factor %d is not within 1 to %d", v.factor, HighestWorkFactor)
	}
	v.maxFactor = max(readWorkFactor, v.factor)
	if err := safefile.CheckDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return v, nil
}

// WithMaxWorkFactor is the same vault, opening keys sealed at work factors up to n (at most [HighestWorkFactor]) instead of 18,
// or the vault's own where that is higher. It is for the key that a person names at that moment (kagiban unlock KEY), who was told
// by a [*WorkFactorError] what it costs; not for keys that are opened because some program asked for a signature, or because one
// passphrase is tried on all.
func (v *Vault) WithMaxWorkFactor(n int) *Vault {
	w := *v
	w.maxFactor = min(max(n, v.factor), HighestWorkFactor)
	return &w
}

// Dir is the keys folder, as given to [Open].
func (v *Vault) Dir() string { return v.dir }

// Init makes the keys folder (0700) if it is not there, and checks it if it is.
func (v *Vault) Init() error { return safefile.PrivateDir(v.dir) }

// change runs f with the vault's lock held, and cleans what crashes left behind. Nothing slow belongs in f: keys are derived,
// sealed and re-opened before.
func (v *Vault) change(f func() error) error {
	err := safefile.CheckDir(v.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(`%w: there is no folder "%s"`, ErrNoKey, v.dir) // who makes a key has made the folder before
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), v.wait)
	defer cancel()
	unlock, err := safefile.Lock(ctx, filepath.Join(v.dir, ".lock"))
	if err != nil {
		return fmt.Errorf(`keys folder "%s" cannot be changed: %w`, v.dir, err)
	}
	defer unlock()
	// Cleaning is a courtesy: a file that cannot be removed must not stop a key from being changed.
	_ = safefile.CleanTemp(v.dir, v.now())
	return f()
}

// keyFile and pubFile are the paths of a key's two files. Every name that comes here has passed CheckName.
func (v *Vault) keyFile(name string) string { return filepath.Join(v.dir, name+keySuffix) }
func (v *Vault) pubFile(name string) string { return filepath.Join(v.dir, name+pubSuffix) }

const (
	keySuffix = ".age"
	pubSuffix = ".pub"
	keyPerm   = 0o600
	pubPerm   = 0o644
)
