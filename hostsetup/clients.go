package hostsetup

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
)

// A Client is one line that lets the owner of a key in.
type Client struct {
	authkeys.Line
	Account string
	File    string
	// Unread: as root saw it, sshd does not look into that file for this account and a login from here. It may for one from elsewhere (sshd_config(5), Match).
	Unread bool
}

// Access is what [Clients] saw: who gets in by a key.
type Access struct {
	Clients []Client // by account and file, in the order of the lines
	// Doors are ways in by keys that no file lists: a program that sshd asks, authorities that sign certificates.
	Doors []Problem
	// Unseen tells whose keys could not be looked at, and why.
	Unseen []string
}

// Clients reads whose keys open the accounts of a server of the book, or would if sshd looked there for them: of every account with root, else of the login's. It logs in by an identity, never by
// the account's password, and changes nothing.
//
// Errors: *[UnreachableError], *[HostKeyError], *[LoginError], *[ForcedError], *[BlockedError], *[ConfigError], [book.ErrNoHost], ctx's.
func Clients(ctx context.Context, o Options) (Access, error) {
	s, _, err := call(o)
	if err != nil {
		return Access{}, err
	}
	defer s.close()
	if s.first, err = s.dialer.login(ctx, auth{user: s.Target.User, signers: s.identities()}); err != nil {
		return Access{}, cmp.Or(ctx.Err(), err)
	}
	if s.facts, err = look(ctx, s.first, s.Target.Account()); err != nil {
		return Access{}, cmp.Or(ctx.Err(), err)
	}
	keys, err := s.keyring(ctx, "AAAA") // every key begins so, and sshd takes its type's name in several spellings
	if err != nil {
		return Access{}, cmp.Or(ctx.Err(), err)
	}
	return keys.access(), nil
}

// access is what the files come to.
func (k keyring) access() Access {
	a := Access{Doors: k.doors(nil), Unseen: k.unseen}
	for _, keyword := range []string{"authorizedprincipalsfile", "authorizedprincipalscommand"} {
		for _, l := range k.lines(keyword) {
			a.Doors = append(a.Doors, problem("door-principals", "where", l.Where(), "value", l.Value))
		}
	}
	for _, f := range k.files {
		unread := k.root && !k.reads(k.settings[f.owner], f.owner, f)
		for _, l := range authkeys.All(f.text) {
			_, certificate := l.Key.(*ssh.Certificate)
			if !l.Authority() && !certificate && !strings.HasPrefix(l.Text, "\ufeff") { // sshd takes none of these for a key
				a.Clients = append(a.Clients, Client{l, f.owner, f.path, unread})
			}
		}
	}
	slices.SortStableFunc(a.Clients, func(x, y Client) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.File, y.File))
	})
	return a
}
