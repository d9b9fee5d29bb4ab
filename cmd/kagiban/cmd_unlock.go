package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

func unlockCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "for", Aliases: []string{"t"}, Usage: "lock again after `TIME`: 30m, 8h, 1h30m, 2d, or seconds"},
		&cli.BoolFlag{Name: "confirm", Aliases: []string{"c"}, Usage: "ask before each use"},
	}
	return &cli.Command{
		Name:      "unlock",
		Usage:     "let the agent use keys, until they are locked or for a time",
		ArgsUsage: "[KEY...]",
		Description: "Without a name: this computer's key. One passphrase is tried on all keys named.\n" +
			"A key that ssh-add -d or -D took out of the agent is in it again.",
		Flags: append(flags, passphrase.flags()...),
		Action: func(c *cli.Context) error {
			src, err := passphrase.source(c)
			if err != nil {
				return err
			}
			terms := agent.Terms{Confirm: c.Bool("confirm")}
			if c.IsSet("for") {
				if terms.Life, err = parseLife(c.String("for")); err != nil {
					return err
				}
			}
			return p.unlock(c.Context, c.Args().Slice(), terms, src)
		},
	}
}

// unlock asks for a passphrase until all keys named are open, as often as a person
// may type one.
func (p *program) unlock(ctx context.Context, names []string, terms agent.Terms, src prompt.Source) error {
	c, err := p.control()
	if err != nil {
		return err
	}
	defer c.Close()
	locked, err := p.stillLocked(c, names, terms)
	if err != nil || len(locked) == 0 {
		return err
	}
	u := unlocking{p: p, client: c, terms: terms, locked: locked}
	err = p.opening(ctx, src, u.question, u.try)
	if isWrong(err) {
		return say.Fail(say.KeyStillLocked, err, "keys", strings.Join(u.locked, " "))
	}
	if err == nil && terms.Confirm {
		if status, err := c.Status(); err == nil && !status.CanAsk {
			p.complain(say.Fail(say.KeyConfirmNobody, nil))
		}
	}
	return err
}

// stillLocked are the keys that have to be opened: those that are locked, those that are not asked about for a while after a no, and with
// terms to set all. Every name is looked up before anything is asked.
func (p *program) stillLocked(c *control.Client, names []string, terms agent.Terms) ([]string, error) {
	if status, err := c.Status(); err != nil {
		return nil, err
	} else if status.Locked { // no passphrase of a key helps there
		return nil, say.Fail(say.AgentLocked, agent.ErrAgentLocked, "command", p.unseal())
	}
	if len(names) == 0 {
		names = []string{""}
	}
	var locked []string
	for _, name := range names {
		key, err := p.defaultKey(name)
		if err != nil {
			return nil, err
		}
		here, err := agentKey(c, key.Name)
		switch {
		case err != nil:
			return nil, err
		case !here.Locked && !here.Hidden && !here.Paused && here.Until.IsZero() && terms.Life == 0 && (here.Confirm || !terms.Confirm):
			id := say.KeyIsUnlocked
			if here.Confirm {
				id = say.KeyIsConfirmed
			}
			p.tell(id, "key", key.Name)
		case !slices.Contains(locked, key.Name):
			locked = append(locked, key.Name)
		}
	}
	return locked, nil
}

// unlocking is what is left to do.
type unlocking struct {
	p      *program
	client *control.Client
	terms  agent.Terms
	locked []string
}

func (u *unlocking) question() string {
	return say.Text(say.AskUnlock, say.Fields{"keys": strings.Join(u.locked, ", ")}) + " "
}

// try opens what this passphrase opens. The error is that of the keys that are
// left: a wrong passphrase only if nothing worse is the matter.
func (u *unlocking) try(answer []byte) error {
	var left []string
	var worse, wrong error
	for _, name := range u.locked {
		err := u.client.Unlock(name, answer, u.terms)
		switch {
		case err == nil:
			u.tell(name)
			continue
		case errors.Is(err, agent.ErrWrongPassphrase):
			wrong = err
		default:
			worse = err
		}
		left = append(left, name)
	}
	u.locked = left
	if worse != nil {
		return worse
	}
	return wrong
}

func (u *unlocking) tell(name string) {
	if u.terms.Life == 0 {
		u.p.tell(say.KeyUnlocked, "key", name)
	} else {
		now := u.p.now()
		u.p.tell(say.KeyUnlockedUntil, "key", name, "until", clock(now.Add(u.terms.Life), now))
	}
	if u.terms.Confirm {
		u.p.tell(say.KeyConfirmed, "key", name)
	}
}
