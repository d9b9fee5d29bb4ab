package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

// A keyring is what a server tells of its accounts' keys: of those accounts that were asked about.
type keyring struct {
	root     bool   // the server's half looked as root
	drop     string // the program by which root becomes another there
	accounts int    // how many were looked at
	owners   map[string]account
	settings map[string]sshd.Effective
	config   []sshd.File
	files    []heldFile
	unseen   []string
}

// A heldFile is one file in which sshd may look for an account's keys.
type heldFile struct {
	owner    string
	path, at string // as sshd is told, the home folder's links apart; and where all links lead
	text     string
	way      []mode // of path, and of each folder above it
	real     []mode // of at, likewise
}

// read asks the server for all files of keys that hold one of the lost ones: as root where that is possible.
func (r *revoke) read(ctx context.Context) error {
	var words []string
	for _, key := range r.o.Lost {
		words = append(words, authkeys.Words(key)...)
	}
	var err error
	r.keys, err = r.keyring(ctx, append(words, "cert-authority")...)
	return err
}

// keyring asks for the files of all accounts of which one holds a word. Without root it asks for the login's own.
func (s *setup) keyring(ctx context.Context, words ...string) (keyring, error) {
	args := append([]string{s.facts.user, s.facts.client, s.facts.server, s.facts.port}, words...)
	if s.root == nil {
		s.ready()
	}
	a, err := s.root.do(ctx, s.first, remote.Keys, args...)
	var refused *RootError
	switch {
	case errors.As(err, &refused) && !refused.Wrong, errors.Is(err, ErrNoPassword):
		s.root.refused = err // nobody is asked twice
		why := "there is no password for that"
		if refused != nil {
			why = refused.Why
		}
		if a, err = s.first.do(ctx, remote.Keys, args...); err != nil {
			return keyring{}, err
		}
		k := readKeyring(a)
		k.unseen = append(k.unseen, fmt.Sprintf("every account but %s, since it could not become root (%s)", s.facts.user, why))
		return k, nil
	case err != nil:
		return keyring{}, err
	}
	return readKeyring(a), nil
}

func readKeyring(a *remote.Answer) keyring {
	k := keyring{root: a.Get("uid") == "0", drop: a.Get("drop"), owners: map[string]account{}, settings: effectives(a)}
	k.accounts, _ = strconv.Atoi(a.Get("accounts"))
	for _, line := range a.All("account") {
		p := strings.SplitN(line, ":", 4)
		if len(p) != 4 {
			continue
		}
		x := account{owner: owner{name: p[0]}, gids: strings.Fields(p[3])}
		x.uid, _ = strconv.Atoi(p[1])
		x.gid, _ = strconv.Atoi(p[2])
		k.owners[p[0]] = x
	}
	for _, name := range a.All("text") {
		if path, ok := strings.CutPrefix(name, "config "); ok {
			text, _ := a.Text(name)
			k.config = append(k.config, sshd.File{Path: path, Text: text})
		}
	}
	at := a.All("at")
	for i, where := range a.All("keyfile") {
		name, path, _ := strings.Cut(where, ":")
		if i >= len(at) {
			break
		}
		f := heldFile{owner: name, path: path, at: at[i]}
		f.text, _ = a.Text("keys " + where)
		way, _ := a.Text("modes " + where)
		real, _ := a.Text("real " + where)
		f.way, f.real = parseModes(way), parseModes(real)
		k.files = append(k.files, f)
	}
	for _, where := range a.All("unread") {
		name, path, _ := strings.Cut(where, ":")
		k.unseen = append(k.unseen, fmt.Sprintf("%s: %s cannot be read", name, path))
	}
	return k
}

func parseModes(text string) []mode {
	var all []mode
	for line := range strings.SplitSeq(text, "\n") {
		if m, ok := parseMode(line); ok {
			all = append(all, m)
		}
	}
	return all
}

// A change is one file that loses lines.
type change struct {
	at          string
	before, now string
	gone        []authkeys.Line
	owners      []string // the accounts that sshd reads it for
	actor       account  // who writes it
	held        []heldFile
}

func (c change) shown() RevokedFile {
	return RevokedFile{c.owners[0], c.at, c.gone, udiff.Unified(c.at, c.at, c.before, c.now)} // the file stays, and be it empty
}

// without is what becomes of the files, each once, when keys are taken out of them; and the files in which they have to stay, since
// nobody could write there without danger.
func (k keyring) without(keys []ssh.PublicKey, user string) (changes, left []change) {
	var all []change
	for _, f := range k.files {
		now, gone := authkeys.Without(f.text, keys...)
		if len(gone) == 0 {
			continue
		}
		i := slices.IndexFunc(all, func(c change) bool { return c.at == f.at })
		if i < 0 {
			i = len(all)
			all = append(all, change{at: f.at, before: f.text, now: now, gone: gone})
		}
		all[i].held = append(all[i].held, f)
		all[i].owners = append(all[i].owners, f.owner)
	}
	for _, c := range all {
		var ok bool
		if c.actor, ok = k.actor(c, user); ok {
			changes = append(changes, c)
		} else {
			left = append(left, c)
		}
	}
	return changes, left
}

// outOfReach says where the key has to stay.
func (c change) outOfReach() Problem {
	f := c.held[0]
	return problem("key-out-of-reach", "path", f.path, "at", f.at, "owner", f.owner, "quoted", remote.Quote(f.at))
}

// actor is who writes the file: root only where nobody else could put a link in its way, and else the account itself, whose files these are.
func (k keyring) actor(c change, user string) (account, bool) {
	if !k.root {
		return account{owner: owner{name: user}}, true
	}
	slices.SortStableFunc(c.held, func(a, b heldFile) int { // whose file it is, before who has a link to it
		return boolInt(a.path != a.at) - boolInt(b.path != b.at)
	})
	for _, f := range c.held {
		if rootly(f.way) && rootly(f.real) && (f.path == f.at || k.owners[f.owner].uid == 0) {
			return account{owner: owner{name: "root"}}, true
		}
		if x := k.owners[f.owner]; x.uid != 0 && len(f.real) > 1 && x.mayReplace(f.real[0], f.real[1]) {
			return x, true
		}
	}
	return account{}, false
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rootly tells whether nobody but root can change what a path means: ways are the modes of a file and of each folder above it.
func rootly(ways []mode) bool {
	for i, m := range ways {
		if i > 0 && (m.uid != 0 || m.bits&0o022 != 0) {
			return false
		}
	}
	return len(ways) > 1
}

// mayReplace tells whether the account can put a file of its own in the place of file: the folder takes it, and the owner stays the same.
func (x account) mayReplace(file, folder mode) bool {
	return file.uid == x.uid && x.may(folder, 0o2) && x.may(folder, 0o1) && x.may(file, 0o4)
}

// losing are the accounts of others that the lost keys open and no other key does, of those files that sshd reads. The login's and root's are the
// owner's own affair.
func (k keyring) losing(changes []change, keys []ssh.PublicKey, user string) []Other {
	var all []Other
	for _, c := range changes {
		for _, name := range c.owners {
			known := slices.ContainsFunc(all, func(o Other) bool { return o.Name == name })
			if x := k.owners[name]; known || name == user || x.uid == 0 || k.opened(name, keys, authkeys.Line.Free) {
				continue
			}
			why := "it has no other key"
			if k.opened(name, keys, nil) {
				why = "its other keys are bound to a place, a time, a program or an authority"
			}
			all = append(all, Other{name, why})
		}
	}
	return all
}

// opened tells whether a key that is not among lost is in one of the account's files, sshd reads it there, and it is one of those.
func (k keyring) opened(name string, lost []ssh.PublicKey, those func(authkeys.Line) bool) bool {
	e, x := k.settings[name], k.owners[name]
	for _, f := range k.files {
		if f.owner != name || !k.reads(e, name, f) || x.refuses(keyFile{path: f.path, modes: f.way}, false) != "" {
			continue
		}
		rest, _ := authkeys.Without(f.text, lost...)
		for _, l := range authkeys.Parse(rest) {
			if (those == nil || those(l)) && e.Takes(l.Key.Type()) && e.TakesBits(rsaBits(l.Key)) {
				return true
			}
		}
	}
	return false
}

// reads tells whether sshd looks for the account's keys in the file: by its own name, whatever folder the home is a link to.
func (k keyring) reads(e sshd.Effective, name string, f heldFile) bool {
	return slices.ContainsFunc(e.KeyFiles(), func(pattern string) bool {
		if strings.HasPrefix(pattern, "/") {
			return sshd.KeyFile(pattern, "", name) == f.path
		}
		return strings.HasSuffix(f.path, "/"+strings.TrimPrefix(sshd.KeyFile(pattern, "", name), "/"))
	})
}

// doors are the ways in that stay whatever files say: a program that sshd asks for keys, and authorities that sign certificates.
func (k keyring) doors(lost []ssh.PublicKey) []Problem {
	var all []Problem
	revoked := "a file of its own"
	for _, l := range k.lines("revokedkeys") {
		revoked = l.Value
	}
	for _, l := range k.lines("authorizedkeyscommand") {
		all = append(all, problem("door-command", "where", l.Where(), "value", l.Value))
	}
	for _, l := range k.lines("trustedusercakeys") {
		all = append(all, problem("door-authority", "where", l.Where(), "value", l.Value, "revoked", revoked))
	}
	for _, f := range k.files {
		for _, l := range authkeys.All(f.text) {
			where := fmt.Sprintf("%s:%d", f.path, l.Number)
			switch {
			case !l.Authority():
			case slices.ContainsFunc(lost, func(x ssh.PublicKey) bool { return sameKey(x, l.Key) }):
				all = append(all, problem("door-authority-lost", "where", where, "fingerprint", fingerprint(l.Key)))
			default:
				all = append(all, problem("door-authority-line", "where", where, "fingerprint", fingerprint(l.Key), "revoked", revoked))
			}
		}
	}
	return all
}

// lines are those of sshd's files that set the keyword to something.
func (k keyring) lines(keyword string) []sshd.Line {
	var all []sshd.Line
	for _, f := range k.config {
		for _, l := range f.Lines() {
			if l.Keyword == keyword && !strings.EqualFold(l.Value, "none") {
				all = append(all, l)
			}
		}
	}
	return all
}
