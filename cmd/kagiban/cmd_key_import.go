package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func keyImportCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "call the key `NAME` (without it: as the file is called)"},
	}
	flags = append(flags, passphrase.flags()...)
	return &cli.Command{
		Name:      "import",
		Usage:     "take in a private key: OpenSSH, PuTTY (.ppk), PEM or PKCS#8",
		ArgsUsage: "FILE",
		Description: "--passphrase-file is for the passphrase that the file has, if it has one; --new-passphrase-file for the one\n" +
			"that the key gets here. What is not given is asked for; Enter keeps the file's own passphrase.\n" +
			"The file stays where and as it is.",
		Flags: append(flags, newPassphrase.flags()...),
		Action: func(c *cli.Context) error {
			src, err := sources(c, passphrase, newPassphrase)
			if err != nil {
				return err
			}
			return p.keyImport(c.Context, c.Args().First(), c.String("name"), src)
		},
	}
}

func (p *program) keyImport(ctx context.Context, file, name string, src map[secret]prompt.Source) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(file), ".ppk")
	}
	text, err := readSmall(file)
	if err != nil {
		return say.Fail(say.FileUnread, err, "error", err.Error())
	}
	defer clear(text)
	i := importing{p: p, vault: v, name: name, file: file, text: text}
	if err := isFree(v, name); err != nil {
		return err
	}
	key, err := i.run(ctx, src[passphrase], src[newPassphrase])
	if err != nil {
		return say.ForFile(file, fmt.Errorf("%s: %w", file, err))
	}
	p.tellKey(say.KeyImported, key, "file", file)
	return p.printPublic(key)
}

// importing is one key on its way in.
type importing struct {
	p          *program
	vault      *vault.Vault
	name, file string
	text       []byte
}

// run finds out first whether the file can be taken in at all, and under which
// passphrase it lies; then it asks for the new one.
func (i *importing) run(ctx context.Context, src, newSrc prompt.Source) (vault.Key, error) {
	var old []byte
	defer func() { clear(old) }()
	err := i.try(nil)
	locked := errors.Is(err, vault.ErrNeedPassphrase)
	if locked {
		if err := i.p.mayAsk(src, newSrc); err != nil {
			return vault.Key{}, err
		}
		question := func() string { return say.Text(say.AskFile, say.Fields{"file": i.file}) + " " }
		err = i.p.opening(ctx, src, question, func(answer []byte) error {
			old = bytes.Clone(answer)
			return i.try(answer)
		})
	}
	if err != nil {
		return vault.Key{}, err
	}
	fresh, err := i.newPassphrase(ctx, newSrc, locked, old)
	if err != nil {
		return vault.Key{}, err
	}
	defer clear(fresh)
	return i.vault.Import(i.name, i.text, old, fresh)
}

// try reads the file without taking it in. The vault asks for the new passphrase
// last, so that it is all that is missing from a file that can be read.
func (i *importing) try(old []byte) error {
	_, err := i.vault.Import(i.name, i.text, old, nil)
	if errors.Is(err, vault.ErrEmptyPassphrase) {
		return nil
	}
	return err
}

// newPassphrase asks for the passphrase that the key is to have here; for a file
// that has one, an empty answer keeps it.
func (i *importing) newPassphrase(ctx context.Context, src prompt.Source, locked bool, old []byte) ([]byte, error) {
	if src.Given() || !locked {
		return i.p.newPassphraseFor(ctx, i.name, src)
	}
	f := say.Fields{"key": i.name}
	fresh, err := i.p.newSecret(ctx, src, say.Text(say.AskKeepOrNew, f)+" ", say.Text(say.AskAgain, f)+" ")
	if errors.Is(err, prompt.ErrEmpty) {
		return bytes.Clone(old), nil
	}
	return fresh, err
}

// maxKeyFile is more than any key needs; the vault draws its own line.
const maxKeyFile = 1 << 20

func readSmall(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file", path) // to open a pipe is to wait for who writes into it
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}
