package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"
)

func servicePrintCommand(p *program) *cli.Command {
	c := &cli.Command{
		Name:   "print",
		Usage:  "print what `service install` would write, and change nothing",
		Action: func(c *cli.Context) error { return p.servicePrint(runtime.GOOS == "windows" && c.Bool("task")) },
	}
	if runtime.GOOS == "windows" {
		c.Flags = []cli.Flag{&cli.BoolFlag{Name: "task", Usage: "print a task for Task Scheduler instead, which `schtasks /create /tn kagiban-agent /xml FILE` takes"}}
	}
	return c
}

func (p *program) servicePrint(instead bool) error {
	s, err := p.service()
	if err != nil {
		return err
	}
	if instead {
		for _, f := range s.Instead() {
			if _, err := fmt.Fprint(p.stdout, f.Text); err != nil {
				return err
			}
		}
		return nil
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
