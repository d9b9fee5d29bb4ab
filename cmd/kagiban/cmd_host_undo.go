package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

func hostUndoCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "yes", Usage: "go on without asking"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be changed, change nothing"},
	}
	flags = append(flags, visitFlags()...)
	return &cli.Command{
		Name:      "undo",
		Usage:     "take kagiban's drop-in away: password login as it was before, proved",
		ArgsUsage: "HOST",
		Flags:     flags,
		Action:    func(c *cli.Context) error { return p.hostUndo(c) },
	}
}

func (p *program) hostUndo(c *cli.Context) error {
	name := c.Args().First()
	v, err := p.newVisits(c)
	if err != nil {
		return err
	}
	v.yes, v.dryRun = c.Bool("yes"), c.Bool("dry-run")
	if !v.yes && !v.dryRun && !p.ask.CanAsk() {
		return say.Fail(say.PlanUnasked, prompt.ErrCannotAsk)
	}
	page, err := v.book.Find(name)
	if err != nil {
		return say.ForHost(name, err)
	}
	o, err := v.to(c.Context, page)
	if err != nil {
		return err
	}
	return p.endOfUndo(c, page, o)
}

func (p *program) endOfUndo(c *cli.Context, page book.Host, o hostsetup.Options) error {
	r, err := hostsetup.Undo(c.Context, o)
	var none *hostsetup.NoDropInError
	if errors.As(err, &none) && slices.Contains(none.Offered, "password") {
		p.tell(say.NothingToUndo, "host", page.Name, "methods", strings.Join(none.Offered, ", "))
		return nil
	}
	if err != nil {
		return notLetIn(page, err)
	}
	id := say.HostUndoneByWish
	if o.DryRun {
		id = say.HostDryRun
	}
	fmt.Fprintln(p.stdout, say.Text(id, say.Fields{"host": page.Name, "methods": strings.Join(r.Offered, ", ")}))
	return nil
}
