package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

// jumpFlag is -J, for the command that brings a server into the book; the others go the way that stands there.
func jumpFlag() cli.Flag {
	return &cli.StringFlag{Name: "jump", Aliases: []string{"J"}, Usage: "reach it by way of `[USER@]HOST[:PORT],...`, as ssh -J; none: directly"}
}

// target finds a server by the name that it has in the book, or else as ssh would. found is the book's page, if there is one.
func (p *program) target(ctx context.Context, b book.Book, name, config string, port int) (t hostsetup.Target, found *book.Host, err error) {
	return p.targetBy(ctx, b, name, config, "", port)
}

// targetBy is target by way of jump; "" is the way that the book or ssh's configuration has for it.
func (p *program) targetBy(ctx context.Context, b book.Book, name, config, jump string, port int) (t hostsetup.Target, found *book.Host, err error) {
	r, err := p.resolver(config, jump)
	if err != nil {
		return t, nil, err
	}
	hosts, err := b.Hosts()
	if err != nil {
		return t, nil, err
	}
	if i := slices.IndexFunc(hosts, func(h book.Host) bool { return h.Name == name }); i >= 0 {
		t, err := ofPage(ctx, r, hosts[i], port)
		return t, &hosts[i], err
	}
	t, err = r.Resolve(ctx, name, port)
	t.Name = strings.ReplaceAll(t.Name, ":", "-") // an IPv6 address is no alias
	return t, nil, err
}

func (p *program) resolver(config, jump string) (hostsetup.Resolver, error) {
	folder, err := os.UserHomeDir()
	return hostsetup.Resolver{Program: "ssh", Config: config, Home: folder, Shell: p.getenv("SHELL"), Jump: jump}, err
}

// ofPage is a server of the book as ssh reaches it: by its name, where that leads ssh to the same server, since a Host block may know
// the way; else by its address.
func ofPage(ctx context.Context, r hostsetup.Resolver, h book.Host, port int) (hostsetup.Target, error) {
	if port == 0 {
		port = h.Port
	}
	if r.Jump == "" {
		r.Jump = h.Jump
	}
	var t hostsetup.Target
	var err error
	if vault.CheckName(h.Name) == nil { // else somebody wrote it by hand
		t, err = r.Resolve(ctx, h.User+"@"+h.Name, port)
	}
	if err == nil && t.Address != h.Address {
		address := h.Address
		if strings.Contains(address, ":") {
			address = "[" + address + "]"
		}
		t, err = r.Resolve(ctx, h.User+"@"+address, port)
	}
	if err != nil {
		return t, err
	}
	t.Name, t.Address, t.KnownAs = h.Name, h.Address, h.KnownAs
	return t, nil
}

// keepWay sees to it that a new server's way is found again under the name that it gets in the book: a jump is kept there, if it must
// be; a ProxyCommand has no place there. Errors: [say.WayUnkept].
func (p *program) keepWay(ctx context.Context, config string, t *hostsetup.Target) error {
	if t.Way == nil || t.Jump != "" {
		return nil
	}
	r, err := p.resolver(config, "")
	if err != nil {
		return err
	}
	again, err := ofPage(ctx, r, book.Host{Name: t.Name, Address: t.Address, User: t.User, KnownAs: t.KnownAs}, t.Port)
	switch {
	case err == nil && again.Way.Is(t.Way):
		return nil
	case t.Way.Jump == "":
		return say.Fail(say.WayUnkept, err, "host", t.Name, "asked", t.Way.Asked)
	}
	t.Jump = t.Way.Jump
	return nil
}
