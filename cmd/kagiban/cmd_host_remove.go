package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func hostRemoveCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "forget a server here; on the server nothing is changed",
		ArgsUsage: "HOST",
		Action: func(c *cli.Context) error {
			b, err := p.book()
			if err != nil {
				return err
			}
			name := c.Args().First()
			if err := b.Remove(c.Context, name); err != nil {
				return say.ForHost(name, err)
			}
			fmt.Fprintln(p.stderr, say.Text(say.HostForgotten, say.Fields{"host": name}))
			return nil
		},
	}
}
