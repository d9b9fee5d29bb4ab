package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

func keyRemoveCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "delete a key of this computer for good",
		ArgsUsage: "NAME",
		Description: "It asks first. --yes answers that, but never for the last key of this computer, nor for one that a server\n" +
			"is known to be opened with: there a person has to answer.",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Usage: "remove it without asking"}},
		Action: func(c *cli.Context) error { return p.keyRemove(c.Context, c.Args().First(), c.Bool("yes")) },
	}
}

func (p *program) keyRemove(ctx context.Context, name string, yes bool) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	key, err := v.Get(name)
	if err != nil {
		return err
	}
	keys, err := v.List()
	if err != nil {
		return err
	}
	opens, err := p.openedBy(key)
	if err != nil {
		return err
	}
	question := say.AskRemove
	switch {
	case len(opens) > 0:
		question, yes = say.AskRemoveOpens, false
	case len(keys) == 1:
		question, yes = say.AskRemoveLast, false
	}
	if !yes {
		if err := p.mayRemove(ctx, question, key, opens); err != nil {
			return err
		}
	}
	if err := v.Remove(name); err != nil {
		return err
	}
	p.tellKey(say.KeyRemoved, key)
	p.complain(p.tellSocketsOf(name))
	return p.untieKey(ctx, key)
}

// tellSocketsOf names the narrower sockets that are for a key of that name.
func (p *program) tellSocketsOf(name string) error {
	h, err := p.home()
	if err != nil {
		return err
	}
	scopes, err := readSockets(h.Sockets())
	if err != nil {
		return err
	}
	var sockets, commands []string
	for _, s := range scopes {
		if slices.Contains(s.Keys, name) {
			sockets = append(sockets, s.Name)
			commands = append(commands, "kagiban agent socket remove "+say.Quote(s.Name))
		}
	}
	if len(sockets) > 0 {
		if !p.viewOrNothing().running {
			commands = append([]string{"kagiban agent start"}, commands...)
		}
		p.tell(say.SocketsNameGone, "key", name, "sockets", strings.Join(sockets, ", "))
		p.tellNext(commands...)
	}
	return nil
}

// untieKey forgets the ties of a key that is here no more.
func (p *program) untieKey(ctx context.Context, key vault.Key) error {
	b, err := p.book()
	if err != nil {
		return err
	}
	ties, err := b.Ties()
	if err != nil || len(tiesOf(ties, key)) == 0 {
		return err
	}
	_, err = b.Untie(ctx, func(t book.Tie) bool { return t.Of(key.Name, key.Fingerprint) })
	return err
}

func (p *program) mayRemove(ctx context.Context, question say.ID, k vault.Key, opens []string) error {
	switch {
	case p.ask.CanAsk():
	case question == say.AskRemove:
		return say.Unasked(prompt.ErrCannotAsk, "--yes")
	default: // which --yes does not answer
		return prompt.ErrCannotAsk
	}
	ok, err := p.ask.Confirm(ctx, say.Text(question, say.Fields{
		"key": k.Name, "fingerprint": fingerprintOf(k), "hosts": strings.Join(opens, ", "),
	})+" ")
	if err == nil && !ok {
		err = say.Fail(say.NotRemoved, nil, "key", k.Name)
	}
	return err
}

// openedBy are the servers that the book has this key for.
func (p *program) openedBy(k vault.Key) ([]string, error) {
	b, err := p.book()
	if err != nil {
		return nil, err
	}
	hosts, err := b.Hosts()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, h := range hosts {
		if h.Key == k.Name || k.Fingerprint != "" && h.Fingerprint == k.Fingerprint {
			names = append(names, h.Name)
		}
	}
	return names, nil
}
