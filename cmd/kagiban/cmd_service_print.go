package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func servicePrintCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:   "print",
		Usage:  "print what `service install` would write, and change nothing",
		Action: func(*cli.Context) error { return p.servicePrint() },
	}
}

func (p *program) servicePrint() error {
	s, err := p.service()
	if err != nil {
		return err
	}
	for i, f := range s.Files() {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if _, err := fmt.Fprintf(p.stdout, "# %s\n%s\n", f.Path, strings.TrimSuffix(f.Text, "\n")); err != nil {
			return err
		}
	}
	return nil
}
