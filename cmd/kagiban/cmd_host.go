package main

import (
	"github.com/urfave/cli/v2"

	"kagiban/hostsetup/book"
)

func hostCommand(p *program) *cli.Command {
	return group("host", "servers: make them key-only, and see that they stay so",
		hostAddCommand(p), hostListCommand(p), hostCheckCommand(p), hostClientsCommand(p), hostAdmitCommand(p), hostUndoCommand(p), hostExportCommand(p), hostRemoveCommand(p))
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
