package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kagiban/cmd/internal/inventory"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

// elsewhere are the servers that ssh knows and the book does not: names, and how many have hashed ones. ssh knows them from its known_hosts files, and by the
// aliases of its configuration; and the log of uses has seen the old key log in to some.
func (r *rotation) elsewhere(ctx context.Context) ([]string, int, error) {
	hosts, err := r.v.book.Hosts()
	if err != nil {
		return nil, 0, err
	}
	resolver, err := r.p.resolver(r.v.config, "")
	if err != nil {
		return nil, 0, err
	}
	// The files of a host that no line of ssh's configuration means, and so those for every host.
	t, err := resolver.Resolve(ctx, "host.invalid", 0)
	if err != nil {
		return nil, 0, err
	}
	names, hashed, err := hostsetup.Elsewhere(t.KnownHosts[:t.Own], hosts)
	if err != nil {
		return nil, 0, err
	}
	aliases, err := aliases(r.v.config, resolver.Home)
	if err != nil {
		r.p.log.Info("the aliases of ssh's configuration are not known", "error", err)
	}
	targets := make([]hostsetup.Target, len(aliases))
	several(ctx, aliases, 16, func(i int, alias string) int {
		targets[i], _ = resolver.Resolve(ctx, alias, 0) // one that ssh does not understand leads nowhere
		return 0
	})
	for _, t := range targets {
		if t.Address != "" && !slices.Contains(names, t.KnownAs) && !slices.ContainsFunc(hosts, func(h book.Host) bool {
			return h.Name == t.Name || h.KnownAs == t.KnownAs || h.Address == t.Address && h.Port == t.Port
		}) {
			names = append(names, t.Name)
		}
	}
	for _, f := range r.p.loggedElsewhere(r.off, hosts) {
		if !slices.Contains(names, f["server"]) {
			names = append(names, say.Text(say.RotateLogged, f))
		}
	}
	return names, hashed, ctx.Err()
}

// aliases are the names of the Host blocks of ssh's configuration, the user's own or the file that -F names.
func aliases(config, home string) ([]string, error) {
	if config == "" {
		config = filepath.Join(home, ".ssh", "config")
	}
	text, err := os.ReadFile(config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := inventory.Parse(config, text, home)
	if err != nil || !list.Aliases {
		return nil, err
	}
	var names []string
	for _, h := range list.Hosts {
		names = append(names, h.Name)
	}
	return names, nil
}
