package main

import (
	"context"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

func hostCommand(p *program) *cli.Command {
	return group("host", "servers: make them key-only, and see that they stay so",
		hostAddCommand(p), hostListCommand(p), hostCheckCommand(p), hostAdmitCommand(p), hostUndoCommand(p), hostRemoveCommand(p))
}

// sshConfigFlag is -F, for every command that reaches a server.
func sshConfigFlag() cli.Flag {
	return &cli.StringFlag{Name: "ssh-config", Aliases: []string{"F"}, Usage: "use `FILE` in place of ssh's own configuration"}
}

// book is the book of servers.
func (p *program) book() (book.Book, error) {
	h, err := p.home()
	return book.Book{Path: h.Hosts()}, err
}

// target finds a server by the name that it has in the book, or else as ssh would. found is the book's page, if there is one.
func (p *program) target(ctx context.Context, b book.Book, name, config string, port int) (t hostsetup.Target, found *book.Host, err error) {
	folder, err := os.UserHomeDir()
	if err != nil {
		return t, nil, err
	}
	r := hostsetup.Resolver{Program: "ssh", Config: config, Home: folder}
	hosts, err := b.Hosts()
	if err != nil {
		return t, nil, err
	}
	for _, h := range hosts {
		if h.Name != name {
			continue
		}
		if port == 0 {
			port = h.Port
		}
		address := h.Address
		if strings.Contains(address, ":") {
			address = "[" + address + "]"
		}
		if t, err = r.Resolve(ctx, h.User+"@"+address, port); err != nil {
			return t, nil, err
		}
		t.Name, t.Address, t.KnownAs = h.Name, h.Address, h.KnownAs
		return t, &h, nil
	}
	t, err = r.Resolve(ctx, name, port)
	t.Name = strings.ReplaceAll(t.Name, ":", "-") // an IPv6 address is no alias
	return t, nil, err
}
