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
	if err := v.Rename(old, name); err != nil {
		return err
	}
	p.tell(say.KeyRenamed, "old", old, "key", name)
	hosts, err := p.renameInBook(ctx, old, name)
	if len(hosts) > 0 {
		p.tell(say.HostsRenamed, "key", name, "hosts", strings.Join(hosts, ", "))
	}
	if err != nil {
		return err
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

// renameInBook returns the servers that were found under the old name.
func (p *program) renameInBook(ctx context.Context, old, name string) ([]string, error) {
	b, err := p.book()
	if err != nil {
		return nil, err
	}
	hosts, err := b.Hosts()
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, h := range hosts {
		if h.Key != old {
			continue
		}
		h.Key = name
		if err := b.Put(ctx, h); err != nil {
			return changed, err
		}
		changed = append(changed, h.Name)
	}
	return changed, nil
}
