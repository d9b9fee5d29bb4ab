package main

import (
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

// vaultKeys gives the keys of the vault to the agent. It is an agent.Source.
type vaultKeys struct {
	vault *vault.Vault
	log   *slog.Logger
	now   func() time.Time
	// forwarded says whether a key may be opened for a forwarded connection; nil: none may
	forwarded func(name string) bool

	mu     sync.Mutex
	folder os.FileInfo   // nil: there was none
	seen   []os.FileInfo // the key files as they were when keys was made
	asOf   time.Time     // the time before these were taken; zero: never
	keys   []agent.LockedKey
	known  []vault.Key
}

// settleTime is how long after a change a file system may still give the same
// date to another one: FAT counts in steps of two seconds.
const settleTime = 3 * time.Second

// glance is how long the files of a folder that has not changed are not looked at. kagiban replaces files, and that changes their folder; what
// another program writes into one is seen after this time.
const glance = time.Second

// Keys lists the vault only if a file of it has changed since the last time, or so
// lately that a further change might have got the same date. Where the keys turn
// out to be the same, so is the slice.
func (s *vaultKeys) Keys() ([]agent.LockedKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	folder, err := os.Stat(s.vault.Dir())
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if now.Before(s.asOf.Add(glance)) && !now.Before(s.asOf) && folder != nil && s.folder != nil && sameFile(folder, s.folder) && settled([]os.FileInfo{folder}, s.asOf) {
		return s.keys, nil
	}
	return s.look(folder, now)
}

// look is Keys where the folder does not tell; apart, since it needs much of a stack, which a connection then keeps.
func (s *vaultKeys) look(folder os.FileInfo, now time.Time) ([]agent.LockedKey, error) {
	files, err := keyFiles(s.vault.Dir())
	if err != nil {
		return nil, err
	}
	if !s.asOf.IsZero() && slices.EqualFunc(files, s.seen, sameFile) && settled(files, s.asOf) {
		s.folder, s.asOf = folder, now
		return s.keys, nil
	}
	listed, err := s.vault.List()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(listed, inTurn)
	if s.asOf.IsZero() || !slices.EqualFunc(listed, s.known, sameKey) {
		s.keys, s.known = nil, listed
		for _, k := range listed {
			s.keys = append(s.keys, &vaultKey{vault: s.vault, key: k, log: s.log, forwarded: s.forwarded})
		}
	}
	s.folder, s.seen, s.asOf = folder, files, now
	return s.keys, nil
}

// inTurn is the order in which the agent lists keys, and ssh offers them: those that rotate has replaced last, the newest first. A server hears six
// offers by default (sshd_config(5), MaxAuthTries).
func inTurn(x, y vault.Key) int {
	switch was, is := isReplaced(x.Name), isReplaced(y.Name); {
	case was && is:
		return y.Created.Compare(x.Created)
	case was:
		return 1
	case is:
		return -1
	}
	return 0
}

// keyFiles are the files that a list of the vault depends on; no folder, no files.
func keyFiles(dir string) ([]os.FileInfo, error) {
	entries, err := safefile.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []os.FileInfo
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".age") && !strings.HasSuffix(e.Name(), ".pub") {
			continue
		}
		info, err := e.Info()
		if os.IsNotExist(err) {
			continue // gone since the folder was read
		}
		if err != nil {
			return nil, err
		}
		files = append(files, info)
	}
	return files, nil
}

func sameFile(a, b os.FileInfo) bool {
	return a.Name() == b.Name() && a.Size() == b.Size() && a.Mode() == b.Mode() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// settled tells whether every file was old enough when it was looked at. A date in
// the future is not.
func settled(files []os.FileInfo, at time.Time) bool {
	return !slices.ContainsFunc(files, func(f os.FileInfo) bool { return at.Sub(f.ModTime()) < settleTime })
}

func sameKey(a, b vault.Key) bool {
	return a.Name == b.Name && a.Comment == b.Comment && a.Fingerprint == b.Fingerprint && a.Created.Equal(b.Created)
}

// vaultKey is one of them, an agent.LockedKey. A damaged key is one too: the agent
// may hold it unlocked, and then it goes on working.
type vaultKey struct {
	vault *vault.Vault
	key   vault.Key
	log   *slog.Logger

	forwarded func(string) bool
}

// ForForwarded says what the config says now.
func (k *vaultKey) ForForwarded() bool { return k.forwarded != nil && k.forwarded(k.key.Name) }

// Late says that rotate has replaced it.
func (k *vaultKey) Late() bool { return isReplaced(k.key.Name) }

func (k *vaultKey) Name() string          { return k.key.Name }
func (k *vaultKey) Public() ssh.PublicKey { return k.key.Public }
func (k *vaultKey) Comment() string       { return k.key.Comment }

// Open runs the KDF.
func (k *vaultKey) Open(passphrase []byte) (any, error) {
	p, err := k.vault.Unlock(k.key.Name, passphrase)
	switch {
	case isWrong(err):
		return nil, agent.ErrWrongPassphrase // whose it is the agent says
	case err != nil:
		return nil, err
	case p.MendErr != nil:
		k.log.Warn("the .pub file of a key is not its own, and could not be written anew", "key", k.key.Name, "error", p.MendErr)
	case p.PublicMended:
		k.log.Warn("the .pub file of a key was not its own, and was written anew", "key", k.key.Name)
	}
	return p.Crypto, nil
}

// peer is who stands at the other end of a connection that the door let in.
func peer(c net.Conn) (agent.Peer, error) {
	caller, err := door.Peer(c)
	return agent.Peer(caller), err
}
