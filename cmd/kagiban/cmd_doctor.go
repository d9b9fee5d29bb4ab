package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func doctorCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "find what is wrong on this computer, and the command that mends it",
		Description: "It ends with 0 if nothing is wrong, and with 4 if something is. --fix mends what can be mended without a loss, whoever\n" +
			"was wrong: modes of files and folders, and what was left behind. It never touches what is in a key's file. No server is\n" +
			"asked: for those there is `kagiban host check`.",
		Flags: []cli.Flag{jsonFlag(), &cli.BoolFlag{Name: "fix", Usage: "mend what is safe to mend"}},
		Action: func(c *cli.Context) error {
			found := p.examine(c.Context)
			if c.Bool("fix") {
				found = p.mend(c.Context, found)
			}
			return p.showFindings(found, c.Bool("json"))
		},
	}
}

// finding is one thing that is wrong, by one row of the table; a thing that could not be looked at has no row.
type finding struct {
	id     say.ID
	fields say.Fields
	mend   func(say.Fields) error
}

// examine asks every row.
func (p *program) examine(ctx context.Context) []finding {
	x, unseen := p.lookAtPatient(ctx)
	var found []finding
	for _, row := range checks() {
		for _, fields := range row.finds(x) {
			found = append(found, finding{row.id, fields, row.mend})
		}
	}
	for _, err := range unseen {
		id, fields := say.Of(err)
		found = append(found, finding{id: id, fields: fields})
	}
	return found
}

// mend does what is safe, and looks again: an open folder may have hidden more. It gives what is left.
func (p *program) mend(ctx context.Context, found []finding) []finding {
	for range 3 { // folders, what is in them, and once more to be sure
		mended := false
		for _, f := range found {
			if f.mend == nil {
				continue
			}
			if err := f.mend(f.fields); err != nil {
				p.complain(err)
				continue
			}
			mended = true
			p.tell(say.Mended, "what", say.Text(f.id, f.fields))
		}
		if !mended {
			break
		}
		found = p.examine(ctx)
	}
	return found
}

func (p *program) showFindings(found []finding, asJSON bool) error {
	var out struct {
		Problems []checkedProblem `json:"problems"`
	}
	for _, f := range found {
		what, still, next := say.Parts(f.id, f.fields)
		out.Problems = append(out.Problems, checkedProblem{string(f.id), what, some(next)})
		if asJSON {
			continue
		}
		fmt.Fprintln(p.stdout, what)
		if still != "" {
			fmt.Fprintf(p.stdout, "  still true: %s\n", still)
		}
		for line := range strings.Lines(next) {
			fmt.Fprintf(p.stdout, "  next: %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	if asJSON {
		if err := writeJSON(p.stdout, out); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return exitStatus(say.ExitProblem)
	}
	if !asJSON {
		fmt.Fprintln(p.stdout, say.Text(say.AllWell, nil))
	}
	return nil
}
