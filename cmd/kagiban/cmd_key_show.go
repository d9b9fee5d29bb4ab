package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func keyShowCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "one key: its public line, its fingerprint, whether it is locked",
		ArgsUsage: "NAME",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "public", Usage: "print the public line, as it is pasted into authorized_keys, nothing else"},
			&cli.BoolFlag{Name: "fingerprint", Usage: "print the fingerprint, nothing else"},
			jsonFlag(),
		},
		Action: func(c *cli.Context) error { return p.keyShow(c) },
	}
}

func (p *program) keyShow(c *cli.Context) error {
	if err := atMostOne(c, "public", "fingerprint", "json"); err != nil {
		return err
	}
	v, err := p.vault()
	if err != nil {
		return err
	}
	k, err := v.Get(c.Args().First())
	if err != nil {
		return err
	}
	switch {
	case c.Bool("public"):
		return p.printPublic(k)
	case c.Bool("fingerprint") && k.Fingerprint == "":
		return say.Fail(say.PublicMissing, nil, "key", k.Name)
	case c.Bool("fingerprint"):
		_, err := fmt.Fprintln(p.stdout, k.Fingerprint)
		return err
	case c.Bool("json"):
		return writeJSON(p.stdout, p.viewOrNothing().row(k, p.tiesOrNothing()))
	}
	return p.describeKey(k)
}

// describeKey shows a key to a person, and says what is wrong with it, if anything.
func (p *program) describeKey(k vault.Key) error {
	row := p.viewOrNothing().row(k, p.tiesOrNothing())
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\n", row.Name)
	if k.Public != nil {
		fmt.Fprintf(w, "type\t%s, %d bits\n", k.Type, k.Bits)
		fmt.Fprintf(w, "fingerprint\t%s\n", k.Fingerprint)
		fmt.Fprintf(w, "comment\t%s\n", k.Comment)
	}
	fmt.Fprintf(w, "state\t%s\n", row.state(p.now()))
	fmt.Fprintf(w, "created\t%s\n", k.Created.Local().Format("2006-01-02 15:04"))
	if len(row.Tied) > 0 {
		fmt.Fprintf(w, "tied to\t%s\n", prompt.Clean(strings.Join(row.Tied, ", ")))
	}
	if k.Public != nil {
		fmt.Fprintf(w, "public\t%s\n", publicLine(k))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch {
	case k.Problem != nil:
		return k.Problem
	case k.Public == nil:
		return say.Fail(say.PublicMissing, nil, "key", k.Name)
	}
	return nil
}

// atMostOne refuses flags that name different forms of one answer.
func atMostOne(c *cli.Context, flags ...string) error {
	first := ""
	for _, f := range flags {
		switch {
		case !c.Bool(f):
		case first != "":
			return say.Fail(say.OneOfFlags, nil, "first", "--"+first, "second", "--"+f, "command", "kagiban "+c.Command.Name)
		default:
			first = f
		}
	}
	return nil
}
