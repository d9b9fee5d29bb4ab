package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

func hostAdmitCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "yes", Usage: "let the key in without asking"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be changed, change nothing"},
		sshConfigFlag(),
	}
	return &cli.Command{
		Name:      "admit",
		Usage:     "let another client's public key in",
		ArgsUsage: "HOST PUBFILE|-",
		Description: "PUBFILE is the public half of a key that was made on the other computer: there `kagiban key show NAME --public` prints it.\n" +
			"It shows the key's fingerprint and asks. Then it logs in by this client's key, adds one line without options, reads it back on\n" +
			"a new connection and asks the server whether it takes the key. The key's owner proves it with `kagiban host add` there.\n" +
			"Exit: 0 it is let in, or was already · 1 failed, nothing changed · 5 needs a person · 6 undone.",
		Flags:  append(flags, passphrase.flags()...),
		Action: func(c *cli.Context) error { return p.hostAdmit(c) },
	}
}

func (p *program) hostAdmit(c *cli.Context) error {
	name, file := c.Args().Get(0), c.Args().Get(1)
	v, err := p.visitsBy(c, passphrase)
	if err != nil {
		return err
	}
	v.yes, v.dryRun = c.Bool("yes"), c.Bool("dry-run")
	if file == "-" && v.from[passphrase].Stdin() {
		return say.Fail(say.StdinTwice, nil)
	}
	page, err := v.book.Find(name)
	if err != nil {
		return say.ForHost(name, err)
	}
	guest, comment, err := p.publicKey(file)
	if err != nil {
		return err
	}
	about := say.Fields{"host": page.Name, "type": guest.Type(), "fingerprint": ssh.FingerprintSHA256(guest), "comment": cmp.Or(comment, "no comment"), "account": page.User + "@" + page.Name}
	fmt.Fprintln(p.stderr, say.Text(say.AdmitKey, about))
	if !v.yes && !v.dryRun && !p.ask.CanAsk() {
		return say.Fail(say.PlanUnasked, prompt.ErrCannotAsk)
	}
	o, err := v.to(c.Context, page)
	if err != nil {
		return err
	}
	o.Comment = comment
	o.Person = &doorkeeper{Person: o.Person, visits: v, host: page.Name, question: say.Text(say.AskAdmit, about) + " "}
	r, err := hostsetup.Admit(c.Context, hostsetup.AdmitOptions{Options: o, Guest: guest})
	if err != nil {
		return notLetIn(page, err)
	}
	id := map[hostsetup.Verdict]say.ID{hostsetup.Installed: say.Admitted, hostsetup.Unchanged: say.AdmittedBefore}[r.Verdict]
	switch {
	case v.dryRun && !r.Plan.Empty():
		id = say.HostDryRun
	case r.Unasked:
		id = say.AdmittedBlind
	}
	fmt.Fprintln(p.stdout, say.Text(id, about))
	if id == say.HostDryRun {
		return nil
	}
	p.tell(say.ProveThere, "server", wayTo(page))
	if v.dryRun {
		return nil
	}
	return p.owedNoMore(c.Context, v.book, nil, page.Name, guest)
}

// publicKey reads one public key that may be let in from a file, or from stdin.
func (p *program) publicKey(file string) (ssh.PublicKey, string, error) {
	var text []byte
	var err error
	if file == "-" {
		file = "stdin"
		text, err = io.ReadAll(io.LimitReader(p.stdin, maxKeyFile))
	} else {
		text, err = readSmall(file)
	}
	if err != nil {
		return nil, "", say.Fail(say.FileUnread, err, "error", err.Error())
	}
	key, comment, err := hostsetup.ReadPublicKey(text)
	clear(text) // it may have been a private one
	if err == nil {
		err = hostsetup.Strong(key)
	}
	if err != nil {
		return nil, "", say.ForFile(file, err)
	}
	return key, comment, nil
}

// doorkeeper asks about a key that is to be let in.
type doorkeeper struct {
	hostsetup.Person
	*visits
	host, question string
}

// Approve shows the line and asks, with the key's fingerprint in the question.
func (d *doorkeeper) Approve(ctx context.Context, plan hostsetup.Plan) error {
	release, err := d.floor.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	out := d.p.stderr
	if d.dryRun {
		out = d.p.stdout // here the plan is the result
	}
	fmt.Fprintln(out, planText(d.host, plan))
	if d.yes || d.dryRun {
		return nil
	}
	yes, err := d.p.ask.Confirm(ctx, d.question)
	if err == nil && !yes {
		err = say.Fail(say.NotApproved, nil, "host", d.host)
	}
	return err
}

// notLetIn is an error of a run that logs in by the book's key and has no -i: where that is refused, it says how the key gets there again.
func notLetIn(page book.Host, err error) *say.Error {
	e := say.ForHost(page.Name, err)
	if id := map[say.ID]say.ID{say.LoginRefused: say.OwnKeyRefused, say.LoginShut: say.OwnKeyShut}[e.ID]; id != "" {
		e.ID, e.Fields["key"] = id, page.Key
	}
	return e
}

// wayTo is how ssh and host add are told of a server of the book on a computer that does not know it.
func wayTo(page book.Host) string {
	way := page.User + "@" + page.Address
	if page.Port != 22 {
		way = "-p " + strconv.Itoa(page.Port) + " " + way
	}
	if page.Jump != "" {
		way = "-J " + page.Jump + " " + way
	}
	return way
}
