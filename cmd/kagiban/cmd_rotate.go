package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

func rotateCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done: no key is made, and no server is reached"},
		&cli.BoolFlag{Name: "yes", Usage: "go on with the plan without asking"},
		&cli.IntFlag{Name: "parallel", Value: 16, Usage: "work on `N` servers at once (16)"},
	}
	flags = append(flags, visitFlags()...)
	return &cli.Command{
		Name:      "rotate",
		Usage:     "a new key in place of this client's, on every server that the old one opens",
		ArgsUsage: "[KEY]",
		Description: "It names the servers where the old key stays because nothing is known of them here, and asks. Then the new key gets the old\n" +
			"one's name; the old one is kept as NAME-old-DATE. On each server the new key is installed next to the old one and proved by a\n" +
			"login, and only then the old one is taken off and proved refused. What was interrupted or not reached is gone on with by\n" +
			"the same command. --passphrase-file is for the old key, --new-passphrase-file for the new one.\n" +
			"Exit: 0 all done · 1 the old key still opens some server, and still works there · 3 the old key is locked · 5 needs a person.",
		Flags:  append(flags, newPassphrase.flags()...),
		Action: func(c *cli.Context) error { return p.rotate(c) },
	}
}

func (p *program) rotate(c *cli.Context) error {
	if n := c.Int("parallel"); n < 1 || n > mostAtOnce {
		return say.Fail(say.BadParallel, nil, "value", strconv.Itoa(n), "max", strconv.Itoa(mostAtOnce), "command", "kagiban rotate")
	}
	v, err := p.visitsBy(c, passphrase, newPassphrase, password, sudoPassword)
	if err != nil {
		return err
	}
	v.yes, v.dryRun = c.Bool("yes"), c.Bool("dry-run")
	r, err := p.findRotation(v, c.Args().First())
	if err != nil {
		return err
	}
	if !v.yes && !v.dryRun && !p.ask.CanAsk() {
		return say.Fail(say.PlanUnasked, prompt.ErrCannotAsk)
	}
	if approved, err := r.approved(c.Context); err != nil || !approved {
		return err
	}
	if err := r.haveKeys(c.Context); err != nil {
		if c.Context.Err() != nil {
			return say.Fail(say.RotateCut, err)
		}
		return err
	}
	return r.run(c.Context, c.Int("parallel"))
}

// run does all servers, at most so many at once, and tells what it came to.
func (r *rotation) run(ctx context.Context, parallel int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var names []string
	for _, page := range r.pages {
		names = append(names, page.Name)
	}
	r.board = newBoard(r.p, names, r.p.verbose.Level() < 0)
	r.v.floor.board, r.v.floor.stop = r.board, stop
	end := r.board.live(ctx)
	codes := several(ctx, names, parallel, func(i int, name string) int { return r.one(ctx, i, name) })
	end()
	failed := slices.ContainsFunc(codes, func(code int) bool { return code != say.ExitDone })
	switch {
	case ctx.Err() != nil && (failed || len(codes) < len(names)):
		return say.Fail(say.RotateCut, ctx.Err())
	case !failed:
		r.p.tell(say.RotateDone, "key", r.name, "fingerprint", r.key.Fingerprint, "old", r.oldName())
		return r.v.book.Settle(context.WithoutCancel(ctx), r.owed...) // a server may have got another name by hand
	}
	r.p.tell(say.RotateOwed, "key", r.name, "old", r.oldName())
	return r.p.endOfSeveral(codes)
}

// approved shows what will be done, and where nothing can be done, and asks. A dry run ends here.
func (r *rotation) approved(ctx context.Context) (bool, error) {
	out := r.p.stderr
	if r.v.dryRun {
		out = r.p.stdout // here the plan is the result
	}
	names, hashed, err := r.elsewhere(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(out, r.plan(names, hashed))
	if r.v.yes || r.v.dryRun {
		return !r.v.dryRun, nil
	}
	yes, err := r.p.ask.Confirm(ctx, say.Text(say.AskRotate, say.Fields{"key": r.name})+" ")
	if err == nil && !yes {
		err = say.Fail(say.NotRotated, nil, "key", r.name)
	}
	return yes, err
}

// plan is all that will be done, and first where the old key will stay.
func (r *rotation) plan(names []string, hashed int) string {
	var lines []string
	add := func(id say.ID, f say.Fields) { lines = append(lines, say.Text(id, f)) }
	for _, name := range names {
		lines = append(lines, "  "+prompt.Clean(name))
	}
	for _, page := range r.besides {
		lines = append(lines, "  "+say.Text(say.RotateBesides, say.Fields{"host": page.Name, "key": page.Key}))
	}
	if hashed > 0 {
		lines = append(lines, "  "+say.Text(say.RotateHashed, say.Fields{"count": strconv.Itoa(hashed)}))
	}
	if len(lines) > 0 {
		lines = slices.Insert(lines, 0, say.Text(say.RotateElsewhere, say.Fields{"key": r.name}))
		add(say.RotateStays, nil)
	}
	f := say.Fields{"key": r.name, "fingerprint": ssh.FingerprintSHA256(r.off), "old": r.oldName(), "made": clock(r.old.Created, r.p.now())}
	if r.made() {
		add(say.RotateGoesOn, f)
	} else {
		add(say.RotateMakes, f)
	}
	for _, page := range r.pages {
		id := say.RotateHost
		if !r.opens(page) {
			id = say.RotateHostLast
		}
		lines = append(lines, "  "+say.Text(id, say.Fields{"host": page.Name, "user": page.User, "address": page.Address}))
	}
	if len(r.pages) == 0 {
		lines = append(lines, "  "+say.Text(say.RotateNoHost, nil))
	}
	return strings.Join(lines, "\n")
}

// one is the whole of it on one server, and what is told of it.
func (r *rotation) one(ctx context.Context, i int, name string) int {
	r.board.begin(i)
	err := r.onHost(ctx, i, name)
	if err == nil {
		r.board.say(r.p.stdout, say.Text(say.RotatedHost, say.Fields{"host": name, "key": r.name}))
		r.board.end(i, "rotated", say.ExitDone)
		return say.ExitDone
	}
	e := say.ForHost(name, err)
	if e.ID != say.RotateCut { // that is said once, in the end
		r.board.say(r.p.stderr, say.Render(e.ID, e.Fields))
	}
	r.board.end(i, "failed", say.ExitCode(e.ID))
	return say.ExitCode(e.ID)
}

func (r *rotation) onHost(ctx context.Context, i int, name string) error {
	page, err := r.v.book.Find(name)
	if err != nil {
		return err
	}
	leave, err := r.v.enter(ctx, page)
	if err != nil {
		return err
	}
	defer leave()
	o, err := r.v.to(ctx, page)
	if err != nil {
		return err
	}
	o.Key, o.KeyName, o.Comment = r.signer, r.name, r.key.Comment
	if r.oldSigner != nil {
		o.Logins = append([]ssh.Signer{r.oldSigner}, o.Logins...)
	}
	o.Silent = func(back time.Time) { r.board.silent(i, back) }
	o.Steps = func(s hostsetup.Step) { r.board.step(i, s) }
	also, err := hostsetup.Rotate(ctx, hostsetup.RotateOptions{Options: o, Old: r.off})
	if err != nil {
		return err
	}
	if err := r.v.book.Settle(ctx, r.work(name)); err != nil {
		return err
	}
	ours := func(h book.Host) bool { return h.User == "root" && h.Address == page.Address && h.Port == page.Port }
	if also != "" && !slices.ContainsFunc(r.pages, ours) { // whose turn comes, too
		r.board.say(r.p.stderr, say.Text(say.RotateAlso, say.Fields{"host": name, "also": also, "fingerprint": ssh.FingerprintSHA256(r.off), "address": page.Address}))
	}
	return nil
}
