package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func keyRenameCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "rename",
		Usage:     "give a key another name here",
		ArgsUsage: "OLD NEW",
		Description: "Its comment stays, here and on servers, and so does the name of this computer. An agent that holds the key\n" +
			"unlocked locks it.",
		Action: func(c *cli.Context) error { return p.keyRename(c.Context, c.Args().Get(0), c.Args().Get(1)) },
	}
}

// keyRename renames the key, and then where the book of servers names it.
func (p *program) keyRename(ctx context.Context, old, name string) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	if err := p.notRotating(old); err != nil {
		return err
	}
	b, err := p.book()
	if err != nil {
		return err
	}
	if err := v.Rename(old, name); err != nil {
		return err
	}
	p.tell(say.KeyRenamed, "old", old, "key", name)
	hosts, err := b.RenameKey(ctx, old, name, "")
	if err != nil {
		return err
	}
	if len(hosts) > 0 {
		p.tell(say.HostsRenamed, "key", name, "hosts", strings.Join(hosts, ", "))
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	config, err := h.LoadConfig()
	if err == nil && config.Client == old && old != name {
		p.tell(say.ClientKept, "client", old)
	}
	return err
}
