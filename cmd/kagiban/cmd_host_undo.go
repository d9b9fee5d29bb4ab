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
)

func hostUndoCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "yes", Usage: "go on without asking"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be changed, change nothing"},
		sshConfigFlag(),
	}
	flags = append(flags, secretFlags(passphrase, password, sudoPassword)...)
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
	from, err := sources(c, passphrase, password, sudoPassword)
	if err != nil {
		return err
	}
	if !c.Bool("yes") && !c.Bool("dry-run") && !p.ask.CanAsk() {
		return say.Fail(say.PlanUnasked, prompt.ErrCannotAsk)
	}
	o := hostsetup.Options{DryRun: c.Bool("dry-run"), Now: p.now, Log: p.log}
	if o.Book, err = p.book(); err != nil {
		return err
	}
	page, err := o.Book.Find(name)
	if err != nil {
		return say.ForHost(name, err)
	}
	if o.Target, _, err = p.target(c.Context, o.Book, page.Name, c.String("ssh-config"), 0); err != nil {
		return say.ForHost(page.Name, err)
	}
	if o.Key, err = p.signer(c.Context, page.Key, from[passphrase]); err != nil {
		return err
	}
	o.KeyName = page.Key
	o.Person = &person{p: p, host: page.Name, yes: c.Bool("yes"), dryRun: o.DryRun, password: from[password], sudo: from[sudoPassword]}
	o.Steps = func(s hostsetup.Step) { fmt.Fprintln(p.stderr, say.Step(s.Name, s.OK, s.Detail)) }
	return p.endOfUndo(c, page.Name, o)
}

func (p *program) endOfUndo(c *cli.Context, name string, o hostsetup.Options) error {
	r, err := hostsetup.Undo(c.Context, o)
	var none *hostsetup.NoDropInError
	if errors.As(err, &none) && slices.Contains(none.Offered, "password") {
		p.tell(say.NothingToUndo, "host", name, "methods", strings.Join(none.Offered, ", "))
		return nil
	}
	if err != nil {
		return say.ForHost(name, err)
	}
	id := say.HostUndoneByWish
	if o.DryRun {
		id = say.HostDryRun
	}
	fmt.Fprintln(p.stdout, say.Text(id, say.Fields{"host": name, "methods": strings.Join(r.Offered, ", ")}))
	return nil
}
