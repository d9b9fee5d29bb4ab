package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func agentSocketRemoveCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Usage:       "end a narrower socket, and all that is connected to it, for good",
		ArgsUsage:   "NAME",
		Description: "Its folder goes, too, if nothing else lies in it.",
		Action:      func(c *cli.Context) error { return p.agentSocketRemove(c.Args().First()) },
	}
}

func (p *program) agentSocketRemove(name string) error {
	h, err := p.home()
	if err != nil {
		return err
	}
	c, err := p.control()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.RemoveSocket(name); err != nil {
		return socketError(err, name)
	}
	p.tell(say.SocketRemoved, "name", name)
	if dir := h.NarrowDir(name); dir != "" {
		if _, err := os.Lstat(dir); err == nil {
			p.tell(say.FolderLeft, "folder", dir)
		}
	}
	return nil
}
