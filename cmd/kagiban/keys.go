package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"kagiban/agent"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

// vault opens the folder of the user's keys.
func (p *program) vault() (*vault.Vault, error) {
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	return vault.Open(h.Keys(), vault.Options{Now: p.now})
}

// defaultKey is the key called name. Without a name it is this client's key, the
// one named as config.toml names the client; else the only key there is.
func (p *program) defaultKey(name string) (vault.Key, error) {
	v, err := p.vault()
	if err != nil {
		return vault.Key{}, err
	}
	if name != "" {
		return v.Get(name)
	}
	h, err := p.home()
	if err != nil {
		return vault.Key{}, err
	}
	config, err := h.LoadConfig()
	if err != nil {
		return vault.Key{}, err
	}
	keys, err := v.List()
	if err != nil {
		return vault.Key{}, err
	}
	var names []string
	for _, k := range keys {
		if k.Name == config.Client || len(keys) == 1 {
			return k, nil
		}
		names = append(names, k.Name)
	}
	if len(keys) == 0 {
		return vault.Key{}, say.Fail(say.NoKeys, nil)
	}
	return vault.Key{}, say.Fail(say.NameAKey, nil, "keys", strings.Join(names, ", "), "first", names[0])
}

// attempts is how often a person may type one passphrase.
const attempts = 3

// opening gets a passphrase and gives it to try, which must not keep it. A person
// whose passphrase was wrong is asked again; a file or a command is read once.
func (p *program) opening(ctx context.Context, src prompt.Source, question func() string, try func([]byte) error) error {
	for n := 1; ; n++ {
		answer, err := p.secret(ctx, src, question())
		if err != nil {
			return err
		}
		err = try(answer)
		clear(answer)
		if !isWrong(err) || src.Given() || n == attempts {
			return err
		}
		p.tell(say.WrongPassphraseAgain)
	}
}

func isWrong(err error) bool {
	return errors.Is(err, vault.ErrWrongPassphrase) || errors.Is(err, agent.ErrWrongPassphrase)
}

// openKey opens a key of the vault in this process.
func (p *program) openKey(ctx context.Context, v *vault.Vault, name string, src prompt.Source) (*vault.Private, error) {
	var private *vault.Private
	err := p.opening(ctx, src, askFor(name), func(answer []byte) (err error) {
		private, err = v.Unlock(name, answer)
		return err
	})
	return private, err
}

// passphraseOf is the passphrase of a key, proved by opening it. The caller
// clears it.
func (p *program) passphraseOf(ctx context.Context, v *vault.Vault, name string, src prompt.Source) ([]byte, error) {
	var right []byte
	err := p.opening(ctx, src, askFor(name), func(answer []byte) error {
		_, err := v.Unlock(name, answer)
		if err == nil {
			right = bytes.Clone(answer)
		}
		return err
	})
	return right, err
}

// askFor is the question for the passphrase of a key.
func askFor(key string) func() string {
	return func() string { return say.Text(say.AskPassphrase, say.Fields{"key": key}) + " " }
}

// newPassphraseFor asks for the passphrase that a key is to have.
func (p *program) newPassphraseFor(ctx context.Context, key string, src prompt.Source) ([]byte, error) {
	f := say.Fields{"key": key}
	return p.newSecret(ctx, src, say.Text(say.AskNewPassphrase, f)+" ", say.Text(say.AskAgain, f)+" ")
}

// mayAsk says early that secrets which are not given could not be asked for.
func (p *program) mayAsk(wanted ...prompt.Source) error {
	if p.ask.CanAsk() || !slices.ContainsFunc(wanted, func(src prompt.Source) bool { return !src.Given() }) {
		return nil
	}
	return unanswered(prompt.ErrCannotAsk, wanted...)
}
