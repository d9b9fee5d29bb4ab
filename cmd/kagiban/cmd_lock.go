package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func lockCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "lock",
		Usage:     "let the agent forget the private halves of keys",
		ArgsUsage: "[KEY...]",
		Description: "Without a name: of all keys; those that ssh-add added are then gone from the agent. Locked keys stay\n" +
			"listed, and are asked for when they are used. When it returns, nothing of them is left in the agent's memory (docs/locking.md).",
		Action: func(c *cli.Context) error { return p.lock(c.Args().Slice()) },
	}
}

func (p *program) lock(names []string) error {
	c, err := p.controlToEnd()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Lock(names...); err != nil {
		for _, name := range names { // which it is
			if _, err := agentKey(c, name); err != nil {
				return err
			}
		}
		return err
	}
	if len(names) == 0 {
		p.tell(say.AllLocked)
	} else {
		p.tell(say.KeyLocked, "key", strings.Join(names, ", "))
	}
	return nil
}
