package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

func hostCheckCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "is it still key-only? Asks each server what it offers; changes nothing",
		ArgsUsage: "[HOST...]",
		Flags:     []cli.Flag{jsonFlag(), sshConfigFlag()},
		Action:    func(c *cli.Context) error { return p.hostCheck(c) },
	}
}

// checkedProblem is one problem of a host, as --json shows it.
type checkedProblem struct {
	ID     string `json:"id"`
	Detail string `json:"detail"`
	Fix    string `json:"fix"`
}

type checkedHost struct {
	Name     string           `json:"name"`
	KeyOnly  bool             `json:"key_only"`
	Methods  []string         `json:"methods"`
	Problems []checkedProblem `json:"problems"`
}

func (p *program) hostCheck(c *cli.Context) error {
	b, err := p.book()
	if err != nil {
		return err
	}
	names := c.Args().Slice()
	if len(names) == 0 {
		hosts, err := b.Hosts()
		if err != nil {
			return err
		}
		for _, h := range hosts {
			names = append(names, h.Name)
		}
	}
	var out struct {
		Hosts []checkedHost `json:"hosts"`
	}
	if len(names) == 0 {
		if c.Bool("json") {
			if err := writeJSON(p.stdout, out); err != nil {
				return err
			}
		}
		return say.Fail(say.NoHosts, nil) // a check of nothing must not pass for ever
	}
	var codes []int
	for _, name := range names {
		checked, err := p.checkOne(c, b, name)
		switch {
		case err != nil:
			e := say.ForHost(name, err)
			fmt.Fprintln(p.stderr, say.Render(e.ID, e.Fields))
			checked.Problems = append(checked.Problems, checkedProblem{ID: string(e.ID), Detail: say.Text(e.ID, e.Fields)})
			codes = append(codes, say.ExitCode(e.ID))
		case checked.KeyOnly:
			codes = append(codes, say.ExitDone)
		default:
			codes = append(codes, say.ExitProblem)
		}
		out.Hosts = append(out.Hosts, checked)
	}
	if c.Bool("json") {
		if err := writeJSON(p.stdout, out); err != nil {
			return err
		}
	} else if err := p.showChecked(out.Hosts); err != nil {
		return err
	}
	return p.endOfSeveral(codes)
}

func (p *program) checkOne(c *cli.Context, b book.Book, name string) (checkedHost, error) {
	checked := checkedHost{Name: name}
	page, err := b.Find(name)
	if err != nil {
		return checked, err
	}
	checked.Name = page.Name
	t, _, err := p.target(c.Context, b, page.Name, c.String("ssh-config"), 0)
	if err != nil {
		return checked, err
	}
	health, err := hostsetup.Check(c.Context, t, page)
	if err != nil {
		return checked, err
	}
	checked.KeyOnly, checked.Methods, checked.Problems = health.KeyOnly, health.Methods, []checkedProblem{}
	for _, problem := range health.Problems {
		detail, fix := say.Problem(problem)
		checked.Problems = append(checked.Problems, checkedProblem{problem.ID, detail, fix})
	}
	page.KeyOnly, page.CheckedAt = health.KeyOnly, *utc(p.now())
	return checked, b.Put(c.Context, page)
}

func (p *program) showChecked(hosts []checkedHost) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, h := range hosts {
		state := "NOT key-only"
		switch {
		case h.KeyOnly:
			state = "key-only"
		case h.Methods == nil:
			state = "not checked"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", h.Name, state, cmp.Or(strings.Join(h.Methods, ", "), "-"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, h := range hosts {
		for _, problem := range h.Problems {
			if problem.Fix != "" {
				fmt.Fprintf(p.stderr, "%s: %s\n  next: %s\n", h.Name, problem.Detail, problem.Fix)
			}
		}
	}
	return nil
}
