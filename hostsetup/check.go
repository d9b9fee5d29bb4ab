package hostsetup

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
)

// Health is what [Check] saw.
type Health struct {
	KeyOnly  bool
	Methods  []string // offered to the user
	Problems []Problem
}

// Check asks a server of the book what it offers to its user and to root. It shows no credential and changes nothing.
//
// Errors: *[UnreachableError], *[HostKeyError], *[ConfigError].
func Check(ctx context.Context, t Target, h book.Host) (Health, error) {
	id, err := newIdentity(t, HostKeyPolicy{}, inBook(h))
	if err != nil {
		return Health{}, err
	}
	d := &dialer{target: t, identity: id}
	health := Health{Problems: []Problem{}}
	users := []string{t.User}
	if t.User != "root" {
		users = append(users, "root")
	}
	for i, user := range users {
		offered, err := d.ask(ctx, user)
		if err != nil {
			return Health{}, err
		}
		if i == 0 {
			health.Methods = offered
		}
		if open := typed(offered); len(open) > 0 {
			health.Problems = append(health.Problems, problem("password-offered", "account", user+"@"+t.Name, "methods", strings.Join(open, ", "), "name", t.Name))
		}
	}
	health.KeyOnly = len(health.Problems) == 0
	return health, nil
}

// inBook accepts, on first contact as known_hosts has it, a key that the server proved to hold when it was added.
func inBook(h book.Host) func(context.Context, string, ssh.PublicKey) error {
	return func(_ context.Context, known string, key ssh.PublicKey) error {
		line := string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
		if slices.Contains(h.HostKeys, line) {
			return nil
		}
		return &HostKeyError{Known: known, Key: key, Changed: len(h.HostKeys) > 0, Where: "the book (hosts.toml)"}
	}
}
