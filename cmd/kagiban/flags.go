package main

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

// secret is the name of a secret as flags know it: --NAME-file, --NAME-command.
type secret string

const (
	passphrase    secret = "passphrase"
	newPassphrase secret = "new-passphrase"
	// identityPassphrase is that of a private key file besides the vault's keys.
	identityPassphrase secret = "identity-passphrase"
	password           secret = "password"
	sudoPassword       secret = "sudo-password"
)

// flags are the ways in which a script hands the secret over.
func (s secret) flags() []cli.Flag {
	f := []cli.Flag{&cli.StringFlag{
		Name: string(s) + "-file", Usage: "read the " + s.words() + " from the first line of `FILE` (- is stdin)",
	}}
	if s.byCommand() {
		f = append(f, &cli.StringFlag{
			Name: string(s) + "-command", Usage: "read the " + s.words() + " from the first line that `COMMAND` prints",
		})
	}
	return f
}

// secretFlags are the flags of several secrets.
func secretFlags(secrets ...secret) []cli.Flag {
	var flags []cli.Flag
	for _, s := range secrets {
		flags = append(flags, s.flags()...)
	}
	return flags
}

// byCommand tells whether a program may be asked for it: those that keep passphrases.
func (s secret) byCommand() bool { return strings.HasSuffix(string(s), "passphrase") }

func (s secret) words() string {
	return map[secret]string{
		passphrase: "passphrase", newPassphrase: "new passphrase", identityPassphrase: "passphrase of -i's FILE", password: "password", sudoPassword: "password that sudo, doas or su asks for",
	}[s]
}

// source is the place that the user named for the secret, if any.
func (s secret) source(c *cli.Context) (prompt.Source, error) {
	src := prompt.Source{Flag: "--" + string(s) + "-file", File: c.String(string(s) + "-file")}
	if !s.byCommand() {
		return src, nil
	}
	src.Command = c.String(string(s) + "-command")
	if src.Command == "" {
		return src, nil
	}
	if src.File != "" {
		return src, say.Fail(say.TwoSources, nil, "first", src.Flag, "second", "--"+string(s)+"-command")
	}
	src.Flag = "--" + string(s) + "-command"
	return src, nil
}

// sources are the places named for several secrets of one command; only one of
// them may be stdin.
func sources(c *cli.Context, secrets ...secret) (map[secret]prompt.Source, error) {
	all := map[secret]prompt.Source{}
	stdin := false
	for _, s := range secrets {
		src, err := s.source(c)
		if err != nil {
			return nil, err
		}
		if src.Stdin() && stdin {
			return nil, say.Fail(say.StdinTwice, nil)
		}
		stdin = stdin || src.Stdin()
		all[s] = src
	}
	return all, nil
}

// secret reads an existing secret from the place that the user named, else asks
// for it. The caller clears it.
func (p *program) secret(ctx context.Context, src prompt.Source, question string) ([]byte, error) {
	if src.Given() {
		return src.Read(ctx, p.stdin, p.stderr)
	}
	answer, err := p.ask.Secret(ctx, question)
	return answer, unanswered(err, src)
}

// unanswered names the flags of the secrets that were to be asked for, where they cannot be.
func unanswered(err error, wanted ...prompt.Source) error {
	var flags []string
	for _, src := range wanted {
		if src.Flag != "" && !src.Given() {
			flags = append(flags, src.Flag+" FILE")
		}
	}
	if errors.Is(err, prompt.ErrCannotAsk) {
		return say.Unasked(err, flags...)
	}
	return err
}

// unasked says which secret could not be asked for, where that is the error, and the flag that it can come by.
func unasked(err error, what string, s secret) error {
	if errors.Is(err, prompt.ErrCannotAsk) {
		return say.Fail(say.SecretUnasked, err, "what", what, "flag", "--"+string(s)+"-file", "ways", say.NoWays())
	}
	return err
}

// newSecret is secret for a passphrase that is to be set: asked twice, and again
// when the two differ, three times in all.
func (p *program) newSecret(ctx context.Context, src prompt.Source, question, again string) ([]byte, error) {
	if src.Given() {
		return src.Read(ctx, p.stdin, p.stderr)
	}
	var err error
	for range 3 {
		var answer []byte
		if answer, err = p.ask.NewSecret(ctx, question, again); !errors.Is(err, prompt.ErrDiffer) {
			return answer, unanswered(err, src)
		}
		p.tell(say.SecretsDiffer)
	}
	return nil, err
}
