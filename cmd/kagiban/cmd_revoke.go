package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

func revokeCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "on", Usage: "only on `HOST`; may stand several times (without it: on every server that is known here)"},
		&cli.BoolFlag{Name: "end-sessions", Usage: "end what the key has open there, too"},
		&cli.BoolFlag{Name: "others-lose-login", Usage: "go on although it is the only key of other people's accounts"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be taken out, change nothing"},
		&cli.BoolFlag{Name: "yes", Usage: "go on with the plan without asking"},
	}
	return &cli.Command{
		Name:      "revoke",
		Usage:     "take a lost client's key off every server, and prove that it is off",
		ArgsUsage: "CLIENT|SHA256:...|PUBFILE",
		Description: "CLIENT is the name behind the key in the login's authorized_keys. Each server is logged in to with the key that stays. The lost key's lines are\n" +
			"taken out of every account's files (without root: of your own), and no other byte. Then the server is asked on a new connection\n" +
			"whether it still takes the key. A server that is down is remembered; status shows what to type, and the next revoke asks about it.\n" +
			"Exit: 0 off everywhere · 1 a server was not reached, or it failed there · 4 not all was seen, or the key is still taken · 5 needs a person.",
		Flags:  append(flags, visitFlags()...),
		Action: func(c *cli.Context) error { return p.revoke(c) },
	}
}

func (p *program) revoke(c *cli.Context) error {
	if asked := c.Args().First(); strings.HasPrefix(asked, "SHA256:") && !fingerprints.MatchString(asked) {
		return say.Fail(say.BadFingerprint, nil, "value", asked)
	}
	v, err := p.newVisits(c)
	if err != nil {
		return err
	}
	v.yes, v.dryRun = c.Bool("yes"), c.Bool("dry-run")
	r := &revoking{visits: v, asked: c.Args().First(), endSessions: c.Bool("end-sessions"), othersLose: c.Bool("others-lose-login"), memory: map[string]*remembering{}}
	if r.pages, err = v.pages(c.StringSlice("on")); err != nil {
		return err
	}
	if r.owed, err = v.book.Owed(); err != nil {
		return err
	}
	if !v.yes && !v.dryRun && !p.ask.CanAsk() {
		return say.Fail(say.PlanUnasked, prompt.ErrCannotAsk)
	}
	defer r.forget()
	if err := r.find(c.Context); err != nil {
		return err
	}
	return r.all(c.Context)
}
