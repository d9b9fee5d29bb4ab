package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func keyListCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:   "list",
		Usage:  "the keys of this computer, locked or unlocked",
		Flags:  []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error { return p.keyList(c.Bool("json")) },
	}
}

func (p *program) keyList(json bool) error {
	keys, rows, err := p.keyRows(p.viewOrNothing(), p.tiesOrNothing())
	if err != nil {
		return err
	}
	if json {
		return writeJSON(p.stdout, struct {
			Keys []keyRow `json:"keys"`
		}{rows})
	}
	if len(rows) == 0 {
		p.tell(say.NoKeys)
		p.tellNext("kagiban init")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTYPE\tSTATE\tFINGERPRINT\tTIED TO\tCOMMENT")
	showKeys(w, rows, keys, p.now())
	return w.Flush()
}
