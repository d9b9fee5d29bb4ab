package main

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/agent/control"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
)

func keyRenameCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "rename",
		Usage:     "give a key another name here",
		ArgsUsage: "OLD NEW",
		Description: "Its comment stays, here and on servers, and so does the name of this computer. An agent that has it unlocked goes on\n" +
			"with it.",
		Action: func(c *cli.Context) error { return p.keyRename(c.Context, c.Args().Get(0), c.Args().Get(1)) },
	}
}

// keyRename renames the key, and then where the book of servers and the list of narrower sockets name it.
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
	h, err := p.home()
	if err != nil {
		return err
	}
	hosts, err := b.RenameKey(ctx, old, name, "")
	if err := errors.Join(err, p.renameAtSockets(ctx, h, old, name)); err != nil {
		return err
	}
	if len(hosts) > 0 {
		p.tell(say.HostsRenamed, "key", name, "hosts", strings.Join(hosts, ", "))
	}
	config, err := h.LoadConfig()
	if err == nil && config.Client == old && old != name {
		p.tell(say.ClientKept, "client", old)
	}
	return err
}

// renameAtSockets has the narrower sockets that are for a key go on being for it: another key may get its old name.
func (p *program) renameAtSockets(ctx context.Context, h home.Home, old, name string) error {
	scopes, err := readSockets(h.Sockets())
	if err != nil {
		return err
	}
	_, changed := withKeyRenamed(scopes, old, name)
	if len(changed) == 0 || old == name {
		return nil
	}
	var sockets, fixes []string
	for _, s := range changed {
		sockets = append(sockets, s.Name)
		fixes = append(fixes, "kagiban agent socket remove "+say.Quote(s.Name)+" && "+addCommand(s))
	}
	byAgent := func() error {
		c, err := p.control()
		if err != nil {
			return err
		}
		defer c.Close()
		return c.RenameKey(old, name)
	}
	if err := renameInSockets(ctx, h.Sockets(), old, name, byAgent); err != nil {
		return say.Fail(say.SocketsKeepName, err, "sockets", strings.Join(sockets, ", "), "old", old, "key", name, "error", err.Error(), "fix", strings.Join(fixes, "\n"))
	}
	p.tell(say.SocketsRenamed, "key", name, "sockets", strings.Join(sockets, ", "))
	return nil
}

// renameInSockets leaves that to the agent, which has them in mind. Where none runs it writes their list itself, and looks again: an agent that has begun
// meanwhile may have read it as it was.
func renameInSockets(ctx context.Context, path, old, name string, byAgent func() error) error {
	if err := byAgent(); !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	if err := changeSockets(ctx, path, keyRenamed(old, name)); err != nil {
		return err
	}
	if err := byAgent(); !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	return nil
}
