package main

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func initCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "client", Usage: "call this computer `NAME` (without it: its short host name)"},
		typeFlag(),
	}
	return &cli.Command{
		Name:  "init",
		Usage: "give this computer a name and a key, once",
		Description: "Makes the key named after this computer, locked under a passphrase, and prints its public line.\n" +
			"Where that is done already, nothing is changed.",
		Flags: append(flags, passphrase.flags()...),
		Action: func(c *cli.Context) error {
			src, err := passphrase.source(c)
			if err != nil {
				return err
			}
			return p.initialise(c.Context, c.String("client"), vault.Spec{Type: c.String("type")}, src)
		},
	}
}

// initialise names this computer and makes its key. The key comes first and the name
// last: dying in between, the same command goes on where it was.
func (p *program) initialise(ctx context.Context, wanted string, spec vault.Spec, src prompt.Source) error {
	h, err := p.home()
	if err != nil {
		return err
	}
	v, err := p.vault()
	if err != nil {
		return err
	}
	config, err := h.LoadConfig()
	if err != nil {
		return err
	}
	keys, err := v.List()
	if err != nil {
		return err
	}
	if config.Client != "" && len(keys) > 0 {
		return p.initAgain(h, config.Client, wanted)
	}
	client := cmp.Or(wanted, config.Client, hostClient(os.Hostname))
	if err := vault.CheckName(client); err != nil {
		return err
	}
	spec.Comment = client
	key, err := v.Get(client)
	made := err != nil
	if made {
		if key, err = p.initKey(ctx, h, client, spec, src); err != nil {
			return err
		}
	}
	if err := h.Make(); err != nil {
		return err
	}
	if config.Client != client {
		config.Client = client
		if err := h.SaveConfig(config); err != nil {
			return err
		}
	}
	p.tellKey(say.InitDone, key, "client", client)
	next := []string{"kagiban agent start", useEnv, "kagiban host add USER@HOST"}
	if usualSocket != "" {
		next = []string{next[0], next[2]} // it is found there, unless `agent start` says otherwise
	}
	p.tellNext(next...)
	return p.printPublic(key)
}

// initAgain changes nothing. A name that differs from the one that is there is not
// given, and that is said.
func (p *program) initAgain(h home.Home, client, wanted string) error {
	if wanted != "" && wanted != client {
		return say.Fail(say.InitOther, nil, "client", client, "wanted", wanted, "path", h.Config())
	}
	p.tell(say.InitAlready, "client", client)
	p.tellNext("kagiban status")
	return nil
}

// initKey makes the first key. The folders are made after the passphrase is known:
// who stops at the question leaves nothing behind.
func (p *program) initKey(ctx context.Context, h home.Home, name string, spec vault.Spec, src prompt.Source) (vault.Key, error) {
	v, err := p.vault()
	if err != nil {
		return vault.Key{}, err
	}
	if err := cmp.Or(checkSpec(spec), p.mayAsk(src)); err != nil {
		return vault.Key{}, err
	}
	secret, err := p.newPassphraseFor(ctx, name, src)
	if err != nil {
		return vault.Key{}, err
	}
	defer clear(secret)
	if err := h.Make(); err != nil {
		return vault.Key{}, err
	}
	return v.Create(name, spec, secret)
}

// hostClient is the short host name made fit for a name.
func hostClient(hostname func() (string, error)) string {
	name, err := hostname()
	if err != nil {
		name = ""
	}
	name, _, _ = strings.Cut(name, ".")
	fit := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, name)
	fit = strings.Trim(fit[:min(len(fit), 64)], "-")
	if vault.CheckName(fit) != nil {
		return "computer"
	}
	return fit
}
