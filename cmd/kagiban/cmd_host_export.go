package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/hostsetup/export"
	"kagiban/vault/safefile"
)

func hostExportCommand(p *program) *cli.Command {
	hosts := &cli.StringSliceFlag{Name: "hosts", Usage: "only `A,B` of the book (without it: all)"}
	file := &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "into `FILE` (without it: stdout)"}
	folder := &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "into the folder `DIR`"}
	return group("export", "write the servers of the book down for other programs: nothing secret",
		&cli.Command{
			Name:  "ansible",
			Usage: "an inventory, and a playbook that leads to the same end as host add",
			Description: "DIR gets inventory.yml and playbook.yml. What an earlier export wrote there is written anew; nothing else is\n" +
				"overwritten. Then: ansible-playbook -i DIR/inventory.yml DIR/playbook.yml   (-K where sudo asks for a password)",
			Flags:  []cli.Flag{hosts, folder, sshConfigFlag()},
			Action: func(c *cli.Context) error { return p.exportAnsible(c) },
		},
		&cli.Command{
			Name:  "cloud-init",
			Usage: "a user-data that makes a new server key-only from its birth",
			Description: "It makes the accounts that the servers of the book have, or --user, with the keys that open them, and no password for any. It is no more\n" +
				"for one server than for another. When the server is up: kagiban host add USER@HOST   (it checks, and takes it into the book)",
			Flags: append([]cli.Flag{hosts, file, sshConfigFlag(),
				&cli.StringFlag{Name: "user", Usage: "the account `NAME` with this client's key, in place of those of the book"},
				&cli.StringFlag{Name: "key", Usage: "with --user: the key `NAME` (without it: this client's)"}}, secretFlags(passphrase)...),
			Action: func(c *cli.Context) error { return p.exportCloudInit(c) },
		},
		&cli.Command{
			Name:        "ssh-config",
			Usage:       "Host blocks, so that ssh knows the servers by their names here",
			Description: "Written to a file with -o, and named by an Include at the top of ~/.ssh/config, it serves ssh, scp, rsync and git.",
			Flags:       []cli.Flag{hosts, file, sshConfigFlag()},
			Action:      func(c *cli.Context) error { return p.exportSSHConfig(c) },
		})
}

func (p *program) exportAnsible(c *cli.Context) error {
	folder := c.String("output")
	if folder == "" {
		return say.Fail(say.MissingFlag, nil, "flag", "-o DIR", "command", "kagiban host export ansible")
	}
	hosts, err := p.exported(c)
	if err != nil {
		return err
	}
	files, err := export.Ansible(hosts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { // nothing secret is in it
		return unwritten(folder, err)
	}
	for _, f := range files {
		if err := mayBeWritten(filepath.Join(folder, f.Name)); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := writeExport(filepath.Join(folder, f.Name), f.Text); err != nil {
			return err
		}
	}
	p.tell(say.Exported, "what", "servers", "count", strconv.Itoa(len(hosts)), "path", folder)
	return nil
}

func (p *program) exportCloudInit(c *cli.Context) error {
	var accounts []export.Account
	if user := c.String("user"); user != "" {
		if !export.FitsUser(user) {
			return say.Fail(say.BadAccount, nil, "name", user)
		}
		key, err := p.ownKey(c)
		if err != nil {
			return err
		}
		accounts = []export.Account{{User: user, Keys: []export.Key{key}}}
	} else {
		hosts, err := p.exported(c)
		if err != nil {
			return err
		}
		accounts = export.Accounts(hosts)
	}
	text, err := export.CloudInit(accounts)
	if err != nil {
		return err
	}
	return p.endOfExport(c, text, "accounts", len(accounts))
}

// ownKey is this client's key, by its private half.
func (p *program) ownKey(c *cli.Context) (export.Key, error) {
	from, err := sources(c, passphrase)
	if err != nil {
		return export.Key{}, err
	}
	key, err := p.defaultKey(c.String("key"))
	if err != nil {
		return export.Key{}, err
	}
	signer, err := p.signer(c.Context, key.Name, from[passphrase])
	if err != nil {
		return export.Key{}, err
	}
	return export.Key{Name: key.Name, Public: signer.PublicKey(), Comment: key.Comment}, nil
}

func (p *program) exportSSHConfig(c *cli.Context) error {
	hosts, err := p.exported(c)
	if err != nil {
		return err
	}
	text, err := export.SSHConfig(hosts)
	if err != nil {
		return err
	}
	return p.endOfExport(c, text, "servers", len(hosts))
}

func (p *program) endOfExport(c *cli.Context, text, what string, count int) error {
	file := c.String("output")
	if file == "" || file == "-" {
		_, err := fmt.Fprint(p.stdout, text)
		return err
	}
	if err := mayBeWritten(file); err != nil {
		return err
	}
	if err := writeExport(file, text); err != nil {
		return err
	}
	p.tell(say.Exported, "what", what, "count", strconv.Itoa(count), "path", file)
	return nil
}

// exported are the servers that --hosts names, with the way that ssh knows and the key that the book has for them.
func (p *program) exported(c *cli.Context) ([]export.Host, error) {
	b, err := p.book()
	if err != nil {
		return nil, err
	}
	pages, err := (&visits{p: p, book: b}).pages(c.StringSlice("hosts"))
	if err != nil {
		return nil, err
	}
	var hosts []export.Host
	for _, page := range pages {
		h, err := p.exportedHost(c.Context, b, page, c.String("ssh-config"))
		if err != nil {
			return nil, say.ForHost(page.Name, err)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func (p *program) exportedHost(ctx context.Context, b book.Book, page book.Host, config string) (export.Host, error) {
	h := export.Host{Name: page.Name, Address: page.Address, Port: page.Port, User: page.User, KnownAs: page.KnownAs, Jump: page.Jump}
	t, _, err := p.target(ctx, b, page.Name, config, 0)
	if err != nil {
		return h, err
	}
	if t.Way != nil {
		h.Jump, h.ByName = t.Way.Jump, t.Way.Jump == ""
	}
	v, err := p.vault()
	if err != nil {
		return h, err
	}
	key, err := v.Get(page.Key)
	if err != nil {
		return h, err
	}
	if key.Public == nil || key.Fingerprint != page.Fingerprint { // the book's was seen to open the server
		return h, say.Fail(say.ExportOtherKey, nil, "key", page.Key, "host", page.Name, "fingerprint", page.Fingerprint)
	}
	h.Key = export.Key{Name: key.Name, Public: key.Public, Comment: key.Comment}
	return h, nil
}

// mayBeWritten refuses to overwrite what no export wrote.
func mayBeWritten(path string) error {
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unwritten(path, err)
	}
	if lines := strings.SplitN(string(text), "\n", 3); strings.HasPrefix(lines[0], export.Mark) || len(lines) > 1 && strings.HasPrefix(lines[1], export.Mark) {
		return nil
	}
	return unwritten(path, fs.ErrExist)
}

func writeExport(path, text string) error {
	if err := safefile.WriteFile(path, []byte(text), 0o644); err != nil {
		return unwritten(path, err)
	}
	return nil
}
