package hostsetup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// A HostKeyPolicy says what to do on first contact. The zero policy asks the person. Nothing accepts a changed key.
type HostKeyPolicy struct {
	AcceptNew bool
	Pin       string // "SHA256:...": the one key that is right, known or not
}

// firstContact is OpenSSH's order of preference, without what needs hardware (ssh_config(5), HostKeyAlgorithms).
var firstContact = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// identity checks that the server is the one that it should be. After the first connection only the key that was seen
// there is accepted, so a run talks to one server from beginning to end.
type identity struct {
	target Target
	policy HostKeyPolicy
	ask    func(ctx context.Context, known string, key ssh.PublicKey) error
	db     *knownhosts.HostKeyDB
	proved []string // lines of the keys that the book has of it: kinds to ask for where known_hosts has none
	seen   ssh.PublicKey
	fresh  bool // seen was accepted in this run: it is not in known_hosts yet
}

func newIdentity(t Target, p HostKeyPolicy, ask func(context.Context, string, ssh.PublicKey) error) (*identity, error) {
	var files []string
	for _, f := range t.KnownHosts {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, &ConfigError{fmt.Sprintf("%v (ssh itself passes over such a line: mend or delete it)", err)}
	}
	return &identity{target: t, policy: p, ask: ask, db: db}, nil
}

// lookup is the name to look up, in the host:port form that the library takes.
func (id *identity) lookup() string {
	if host, port, err := net.SplitHostPort(id.target.KnownAs); err == nil {
		return net.JoinHostPort(host, port)
	}
	return net.JoinHostPort(id.target.KnownAs, "22")
}

// algorithms are what to ask the server for: first the kinds of key that are known of it, so that a server with a new kind of
// key besides is not taken for another server, then all others, so that one that has lost its key is seen to have another.
// sshd also reads from this list that it may prove an RSA key with SHA-2.
func (id *identity) algorithms() []string {
	var known []string
	if id.seen != nil {
		known = algorithmsOf(id.seen.Type())
	} else if known = id.db.HostKeyAlgorithms(id.lookup()); len(known) == 0 {
		for _, line := range id.proved {
			kind, _, _ := strings.Cut(line, " ")
			known = append(known, algorithmsOf(kind)...)
		}
		known = slices.DeleteFunc(slices.Clone(firstContact), func(a string) bool { return !slices.Contains(known, a) }) // the best of them first
	}
	others := slices.DeleteFunc(slices.Clone(firstContact), func(a string) bool { return slices.Contains(known, a) })
	return append(known, others...)
}

// algorithmsOf are those by which a key of that kind proves itself.
func algorithmsOf(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// check is the host key callback. Errors: *[HostKeyError], or the person's.
func (id *identity) check(ctx context.Context, remote net.Addr, key ssh.PublicKey) error {
	if id.seen != nil {
		if !bytes.Equal(id.seen.Marshal(), key.Marshal()) {
			return &HostKeyError{Known: id.target.KnownAs, Key: key, Changed: true, Where: "the first connection of this run"}
		}
		return nil
	}
	err := id.db.HostKeyCallback()(id.lookup(), remote, key)
	var revoked *xknownhosts.RevokedError
	var wanted *xknownhosts.KeyError
	switch {
	case errors.As(err, &revoked):
		return &HostKeyError{Known: id.target.KnownAs, Key: key, Changed: true, Where: "@revoked in " + revoked.Revoked.Filename}
	case errors.As(err, &wanted) && len(wanted.Want) > 0:
		k := wanted.Want[0]
		return &HostKeyError{Known: id.target.KnownAs, Key: key, Changed: true, Where: fmt.Sprintf("%s:%d", k.Filename, k.Line)}
	case err != nil && !errors.As(err, &wanted):
		return err
	}
	known := err == nil
	switch {
	case id.policy.Pin != "" && ssh.FingerprintSHA256(key) != id.policy.Pin:
		return &HostKeyError{Known: id.target.KnownAs, Key: key, Changed: known, Pin: id.policy.Pin}
	case known, id.policy.Pin != "", id.policy.AcceptNew:
	default:
		if err := id.ask(ctx, id.target.KnownAs, key); err != nil {
			return err
		}
	}
	id.seen, id.fresh = key, !known
	return nil
}

// record writes a key that was accepted in this run to known_hosts, as ssh would: one line at the end of the first file.
func (id *identity) record() error {
	if !id.fresh || len(id.target.KnownHosts) == 0 || id.target.KnownHosts[0] == os.DevNull {
		return nil
	}
	name := knownhosts.Normalize(id.lookup())
	if id.target.HashNames {
		name = xknownhosts.HashHostname(name)
	}
	line := name + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(id.seen))) + "\n"
	file := id.target.KnownHosts[0]
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		line = "\n" + line
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line); err != nil {
		_ = f.Close() // the write's error is the one to tell
		return err
	}
	id.fresh = false
	return f.Close()
}
