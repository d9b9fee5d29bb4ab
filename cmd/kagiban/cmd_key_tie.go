package main

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

func keyTieCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "tie",
		Usage:     "this key belongs to that server: it is offered there first",
		ArgsUsage: "KEY HOST",
		Description: "HOST is a server of the book, or a name that ssh takes and known_hosts has a host key for, such as a git server.\n" +
			"A login there is offered the keys that are tied to it, then those that are tied to none, then the rest. The rest is left out\n" +
			"where the server has tied keys of its own. This is convenience and no limit: whoever asks the agent for a signature gets it.\n" +
			"host add ties by itself. All of it is switched off by per_server = false in config.toml.",
		Flags: []cli.Flag{sshConfigFlag()},
		Action: func(c *cli.Context) error {
			return p.keyTie(c.Context, c.Args().Get(0), c.Args().Get(1), c.String("ssh-config"))
		},
	}
}

func (p *program) keyTie(ctx context.Context, name, host, config string) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	key, err := v.Get(name)
	switch {
	case errors.Is(err, vault.ErrBadName): // a fingerprint, a file, a comment: of a key that is elsewhere
		err = say.Fail(say.TieNoName, err, "key", name)
	case err == nil && key.Public == nil:
		err = say.Fail(say.PublicMissing, nil, "key", key.Name)
	}
	if err != nil {
		return err
	}
	b, err := p.book()
	if err != nil {
		return err
	}
	t, keys, authorities, err := p.tieTo(ctx, b, host, config)
	if err != nil {
		return err
	}
	t.Key, t.Fingerprint = key.Name, key.Fingerprint
	if err := b.Tie(ctx, t); err != nil {
		return err
	}
	knows := count(keys, "host key")
	switch {
	case authorities > 0 && keys > 0:
		knows += " and a certificate authority"
	case authorities > 0:
		knows = "a certificate authority"
	}
	p.tellKey(say.KeyTied, key, "host", t.Host, "count", knows)
	h, err := p.home()
	if err != nil {
		return err
	}
	if settings, err := h.LoadConfig(); err == nil && settings.PerServer != nil && !*settings.PerServer {
		p.tell(say.TiesOff)
	}
	return nil
}

// tieTo is a tie to a server, of no key yet, with how many host keys it is known by, and how many authorities.
func (p *program) tieTo(ctx context.Context, b book.Book, host, config string) (t book.Tie, keys, authorities int, err error) {
	known := newKnownServers()
	page, err := b.Find(host)
	if errors.Is(err, book.ErrNoHost) {
		page, err = b.Find(plainHost(withoutUser(host)))
	}
	switch {
	case err == nil:
		files := append(usualHosts(), page.KnownHosts...)
		known.read(files)
		keys, authorities = known.count(page.KnownAs)
		keys = max(keys, len(page.HostKeys))
		if keys+authorities == 0 {
			err = unknownHost(page.Name, page.KnownAs, files)
		}
		return book.Tie{Host: page.Name}, keys, authorities, err
	case !errors.Is(err, book.ErrNoHost):
		return t, 0, 0, err
	}
	r, err := p.resolver(config, "")
	if err != nil {
		return t, 0, 0, err
	}
	target, err := r.Resolve(ctx, host, 0)
	if err != nil {
		return t, 0, 0, err
	}
	known.read(target.KnownHosts)
	t = book.Tie{Host: withoutUser(host), KnownAs: target.KnownAs, KnownHosts: furtherHosts(target.KnownHosts)}
	keys, authorities = known.count(t.KnownAs)
	if bare := withoutPort(t.KnownAs); keys+authorities == 0 && bare != t.KnownAs { // ssh looks there, too
		t.KnownAs = bare
		keys, authorities = known.count(bare)
	}
	if keys+authorities == 0 {
		return t, 0, 0, unknownHost(t.Host, target.KnownAs, target.KnownHosts)
	}
	if plain := plainHost(t.Host); strings.EqualFold((knownServers{}).knownAs(book.Tie{Host: plain}), t.KnownAs) {
		t.Host, t.KnownAs = plain, "" // and not an alias in ssh's configuration, which knows capitals
	}
	return t, keys, authorities, nil
}

func unknownHost(host, name string, files []string) error {
	return say.Fail(say.TieUnknown, nil, "host", host, "name", name, "files", strings.Join(files, ", "))
}

// usualHosts are the files of known hosts that ssh's own configuration names.
func usualHosts() []string {
	folder, _ := os.UserHomeDir() // without one it names the system's alone
	_, hosts, _ := sshFiles(folder)
	return hosts
}

// furtherHosts are those of files that it does not name.
func furtherHosts(files []string) []string {
	usual := usualHosts()
	return slices.DeleteFunc(slices.Clone(files), func(file string) bool { return file == os.DevNull || slices.Contains(usual, file) })
}

// plainHost is the one way in which a server's own name is written here: ssh knows no capitals in it (known_hosts, sshd(8)), and 22 is its port.
func plainHost(name string) string {
	if host, port, err := net.SplitHostPort(name); err == nil && port == "22" {
		name = host
	}
	return strings.ToLower(name)
}

func withoutUser(host string) string { return host[strings.LastIndexByte(host, '@')+1:] }

func keyUntieCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "untie",
		Usage:     "undo what key tie, or host add, said of a key and a server",
		ArgsUsage: "KEY HOST",
		Action:    func(c *cli.Context) error { return p.keyUntie(c.Context, c.Args().Get(0), c.Args().Get(1)) },
	}
}

func (p *program) keyUntie(ctx context.Context, name, host string) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	key, unknown := v.Get(name)
	if unknown != nil { // its tie may be left over
		key = vault.Key{Name: name}
	}
	b, err := p.book()
	if err != nil {
		return err
	}
	named := func(t book.Tie) bool { return t.Host == host || plainHost(t.Host) == plainHost(withoutUser(host)) }
	server := withoutUser(host)
	page, err := b.Find(host)
	if errors.Is(err, book.ErrNoHost) {
		page, err = b.Find(plainHost(server))
	}
	switch {
	case err == nil:
		server = page.Name
		named = func(t book.Tie) bool { return t.Host == server }
	case !errors.Is(err, book.ErrNoHost):
		return err
	}
	ties, err := b.Ties()
	if err != nil {
		return err
	}
	which := func(t book.Tie) bool { return t.Of(key.Name, key.Fingerprint) && named(t) }
	if !slices.ContainsFunc(ties, which) {
		if unknown != nil {
			return unknown
		}
		id, hosts := say.NotTied, tiesOf(ties, key)
		if len(hosts) == 0 {
			id = say.TiedNone
		}
		return say.Fail(id, nil, "key", key.Name, "host", withoutUser(host), "hosts", strings.Join(hosts, ", "))
	}
	if _, err := b.Untie(ctx, which); err != nil {
		return err
	}
	p.tellKey(say.KeyUntied, key, "host", server)
	return nil
}
