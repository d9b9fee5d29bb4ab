package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

func keyExportCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "format", Value: "openssh", Usage: "as `FORMAT`: openssh, ppk (PuTTY's), ppk2 (the same for PuTTY before 0.75), pkcs8, or pem (for old programs)"},
		&cli.IntFlag{Name: "ppk-version", Value: 3, Usage: "of ppk, `N`: 3, or 2 (which is ppk2)"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "into `FILE`, which must not exist"},
	}
	flags = append(flags, passphrase.flags()...)
	return &cli.Command{
		Name:      "export",
		Usage:     "write a key to a file for other programs, always under a passphrase",
		ArgsUsage: "NAME",
		Description: "--passphrase-file is for the passphrase that the key has, --new-passphrase-file for the one that the file gets.\n" +
			"What is not given is asked for.",
		Flags: append(flags, newPassphrase.flags()...),
		Action: func(c *cli.Context) error {
			src, err := sources(c, passphrase, newPassphrase)
			if err != nil {
				return err
			}
			if c.String("output") == "" {
				return say.Fail(say.MissingFlag, nil, "flag", "--output", "command", "kagiban key export")
			}
			format, err := exportFormat(c)
			if err != nil {
				return err
			}
			return p.keyExport(c.Context, c.Args().First(), c.String("output"), format, src)
		},
	}
}

// exportFormat is the vault's name of a format.
func exportFormat(c *cli.Context) (string, error) {
	format, version := c.String("format"), c.Int("ppk-version")
	switch {
	case format != "ppk" && c.IsSet("ppk-version"):
		return "", say.Fail(say.OneOfFlags, nil, "first", "--ppk-version", "second", "--format "+format)
	case format == "ppk" && version != 3:
		return fmt.Sprint(format, version), nil
	}
	return format, nil
}

func (p *program) keyExport(ctx context.Context, name, file, format string, src map[secret]prompt.Source) error {
	v, err := p.vault()
	if err != nil {
		return err
	}
	if _, err := v.Export(name, nil, nil, format); !errors.Is(err, vault.ErrEmptyPassphrase) {
		return err // the passphrases are not all that is missing
	}
	key, err := v.Get(name)
	if err != nil {
		return err
	}
	if err := mayBeMade(file); err != nil {
		return err
	}
	old, fresh, err := p.oldAndNew(ctx, v, name, src)
	if err != nil {
		return err
	}
	defer clear(old)
	defer clear(fresh)
	text, err := v.Export(name, old, fresh, format)
	if err != nil {
		return err
	}
	if err := safefile.WriteNew(file, text, 0o600); err != nil {
		return unwritten(file, err)
	}
	done := say.KeyExported
	if format == "pem" || format == "ppk2" {
		done = say.KeyExportedWeakly
	}
	p.tellKey(done, key, "file", file)
	return nil
}

// mayBeMade says early what would stop a file from being made in the end.
func mayBeMade(file string) error {
	if file == "-" {
		return say.Fail(say.OutputToFile, nil)
	}
	if _, err := os.Lstat(file); err == nil {
		return unwritten(file, fs.ErrExist)
	}
	folder := filepath.Dir(file)
	switch info, err := os.Stat(folder); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return say.Fail(say.NoFolderForFile, err, "file", file, "folder", folder)
	case err != nil:
		return unwritten(file, err)
	}
	return nil
}

// unwritten says why a file could not be written. The name in err may be that of what was made beside it.
func unwritten(file string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return say.Fail(say.FileExists, err, "file", file)
	}
	if id, _ := say.Of(err); id != say.Failed {
		return err
	}
	why, path := err, new(fs.PathError)
	if errors.As(err, &path) {
		why = path.Err
	}
	return say.Fail(say.FileUnwritten, err, "file", file, "error", why.Error())
}
