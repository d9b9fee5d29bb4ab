package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func keyNewCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		typeFlag(),
		&cli.IntFlag{Name: "bits", Usage: "of `N` bits: 256, 384 or 521 for ecdsa, 3072 or more for rsa"},
		&cli.StringFlag{Name: "comment", Usage: "with `TEXT` as its comment (without it: its name)"},
	}
	return &cli.Command{
		Name:        "new",
		Usage:       "make a key, locked under a passphrase",
		ArgsUsage:   "NAME",
		Description: "Prints the public line. The passphrase is asked for twice, or read from where a flag says.",
		Flags:       append(flags, passphrase.flags()...),
		Action: func(c *cli.Context) error {
			src, err := passphrase.source(c)
			if err != nil {
				return err
			}
			spec := vault.Spec{Type: c.String("type"), Bits: c.Int("bits"), Comment: c.String("comment")}
			key, err := p.newKey(c.Context, c.Args().First(), spec, src)
			if err != nil {
				return err
			}
			p.tellKey(say.KeyMade, key)
			return p.printPublic(key)
		},
	}
}

func typeFlag() cli.Flag {
	return &cli.StringFlag{Name: "type", Aliases: []string{"t"}, Value: "ed25519", Usage: "of the kind `TYPE`: ed25519, ecdsa or rsa"}
}

// newKey asks for a passphrase and makes a key. What would be refused in the end
// is refused before anything is asked.
func (p *program) newKey(ctx context.Context, name string, spec vault.Spec, src prompt.Source) (vault.Key, error) {
	v, err := p.vault()
	if err != nil {
		return vault.Key{}, err
	}
	if err := cmp.Or(checkSpec(spec), isFree(v, name), p.mayAsk(src)); err != nil {
		return vault.Key{}, err
	}
	secret, err := p.newPassphraseFor(ctx, name, src)
	if err != nil {
		return vault.Key{}, err
	}
	defer clear(secret)
	return v.Create(name, spec, secret)
}

// isFree says early whether a key may get this name; the vault decides in the end.
func isFree(v *vault.Vault, name string) error {
	_, err := v.Get(name)
	switch {
	case err == nil:
		return fmt.Errorf("%w: %q", vault.ErrKeyExists, name)
	case errors.Is(err, vault.ErrNoKey):
		return nil
	}
	return err
}

// checkSpec says early whether there is such a kind of key.
func checkSpec(s vault.Spec) error {
	sizes := map[string][]int{"ed25519": {0, 256}, "ecdsa": {0, 256, 384, 521}}
	if s.Type == "rsa" && (s.Bits == 0 || s.Bits >= 3072 && s.Bits <= 16384) || slices.Contains(sizes[s.Type], s.Bits) {
		return nil
	}
	return say.Fail(say.NoSuchKind, vault.ErrBadSpec, "type", s.Type, "bits", strconv.Itoa(s.Bits))
}

// printPublic prints the public line, as it stands in the .pub file.
func (p *program) printPublic(k vault.Key) error {
	if k.Public == nil {
		return say.Fail(say.PublicMissing, nil, "key", k.Name)
	}
	_, err := fmt.Fprintln(p.stdout, publicLine(k))
	return err
}

func publicLine(k vault.Key) string {
	return strings.TrimSpace(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.Public))) + " " + k.Comment)
}
