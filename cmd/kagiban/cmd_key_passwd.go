package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func keyPasswdCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "passwd",
		Usage:     "lock a key under another passphrase",
		ArgsUsage: "NAME",
		Flags:     append(passphrase.flags(), newPassphrase.flags()...),
		Action: func(c *cli.Context) error {
			src, err := sources(c, passphrase, newPassphrase)
			if err != nil {
				return err
			}
			return p.keyPasswd(c.Context, c.Args().First(), src)
		},
	}
}

func (p *program) keyPasswd(ctx context.Context, name string, src map[secret]prompt.Source) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	key, err := v.Get(name)
	if err != nil {
		return err
	}
	v = v.WithMaxWorkFactor(vault.HighestWorkFactor) // this very key was named, whatever it takes
	old, fresh, err := p.oldAndNew(ctx, v, name, src)
	if err != nil {
		return err
	}
	defer clear(old)
	defer clear(fresh)
	if err := v.Passwd(name, old, fresh); err != nil {
		return err
	}
	p.tellKey(say.KeyRelocked, key)
	return nil
}

// oldAndNew are the passphrase that a key has, proved by opening it, and the one
// that it is to get. The caller clears both.
func (p *program) oldAndNew(ctx context.Context, v *vault.Vault, name string, src map[secret]prompt.Source) (old, fresh []byte, err error) {
	if err := p.mayAsk(src[passphrase], src[newPassphrase]); err != nil {
		return nil, nil, err
	}
	if old, err = p.passphraseOf(ctx, v, name, src[passphrase]); err != nil {
		return nil, nil, err
	}
	if fresh, err = p.newPassphraseFor(ctx, name, src[newPassphrase]); err != nil {
		clear(old)
		return nil, nil, err
	}
	return old, fresh, nil
}
