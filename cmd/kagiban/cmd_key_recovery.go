package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

func keyRecoveryCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "make it in `FILE`, which is never overwritten"},
		sshConfigFlag(),
	}
	return &cli.Command{
		Name:      "recovery",
		Usage:     "a key to keep off this computer, let in on servers and proved",
		ArgsUsage: "HOST...",
		Description: "It makes a key of its own in FILE, an OpenSSH private key under its own passphrase, lets it in on each HOST and logs in with it.\n" +
			"The other keys here stay here: this one is made to be kept elsewhere, for the day when this computer is lost.\n" +
			"Where a host fails the file stays, and a second run with the same FILE goes on with the same key.\n" +
			"--passphrase-file is for this computer's key, --new-passphrase-file for the one in FILE. What is not given is asked for.\n" +
			"Exit: 0 it opens every HOST, proved · 1 it failed on some, FILE stays · 5 needs a person · 6 undone.",
		Flags:  append(flags, secretFlags(passphrase, newPassphrase)...),
		Action: func(c *cli.Context) error { return p.keyRecovery(c) },
	}
}

func (p *program) keyRecovery(c *cli.Context) error {
	v, err := p.visitsBy(c, passphrase, newPassphrase)
	if err != nil {
		return err
	}
	if c.String("output") == "" {
		return say.Fail(say.MissingFlag, nil, "flag", "--output", "command", "kagiban key recovery")
	}
	v.yes = true // to name a host is to say so; what is changed there is shown
	file := c.String("output")
	pages, err := v.pages(c.Args().Slice())
	if err != nil {
		return err
	}
	there := false
	if _, err := os.Lstat(file); err == nil {
		there = true
	} else if err := mayBeMade(file); err != nil {
		return err
	}
	for _, page := range pages { // no key is made that could not be let in
		if _, err := v.signer(c.Context, page.Key); err != nil {
			return say.ForHost(page.Name, err)
		}
	}
	key, err := v.recoveryKey(c.Context, pages, file, there)
	if err != nil {
		return err
	}
	return p.letIn(c.Context, v, pages, key, file)
}

// recoveryMark begins the comment of every recovery key.
const recoveryMark = "recovery-"

// recoveryKey makes the key in file, or opens the one that an earlier run made there.
func (v *visits) recoveryKey(ctx context.Context, pages []book.Host, file string, there bool) (*vault.Private, error) {
	p, src := v.p, v.from[newPassphrase]
	if there {
		key, err := p.openRecovery(ctx, file, src)
		if err == nil {
			p.tell(say.RecoveryAgain, "file", file, "fingerprint", key.Key.Fingerprint)
		}
		return key, err
	}
	f := say.Fields{"file": file}
	secret, err := p.newSecret(ctx, src, say.Text(say.AskRecovery, f)+" ", say.Text(say.AskAgain, f)+" ")
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	comment := v.recoveryName(ctx, pages)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	text, err := vault.NewLoose(comment, secret)
	if err != nil {
		return nil, err
	}
	if err := safefile.WriteNew(file, text, 0o600); err != nil {
		return nil, unwritten(file, err)
	}
	again, err := readSmall(file)
	if err == nil {
		var key *vault.Private
		if key, err = vault.OpenLoose(again, secret); err == nil {
			p.tell(say.RecoveryMade, "file", file, "fingerprint", key.Key.Fingerprint)
			return key, nil
		}
	}
	return nil, say.Fail(say.RecoveryUnread, err, "file", file, "error", err.Error())
}

// recoveryName is a name that no key has on the servers, as far as they can be asked: two may be made on one day, and revoke knows them by it.
func (v *visits) recoveryName(ctx context.Context, pages []book.Host) string {
	found := make([][]hostsetup.Client, len(pages))
	several(ctx, make([]string, len(pages)), recoveriesAtOnce, func(i int, _ string) int {
		o, err := v.to(ctx, pages[i])
		if err == nil {
			o.Steps = nil
			var access hostsetup.Access
			access, err = hostsetup.Clients(ctx, o)
			found[i] = access.Clients
		}
		if err != nil {
			v.p.log.Info("a server was not asked which names are taken", "host", pages[i].Name, "error", err)
		}
		return 0
	})
	day := recoveryMark + v.p.now().Format("2006-01-02")
	name, taken := day, map[string]bool{}
	for _, client := range slices.Concat(found...) {
		taken[client.Comment] = true
	}
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", day, n)
	}
	return name
}

// openRecovery opens a recovery key that is there already. No other file is taken for one: not one without a passphrase, and no key that
// somebody uses every day.
func (p *program) openRecovery(ctx context.Context, file string, src prompt.Source) (*vault.Private, error) {
	text, err := readSmall(file)
	if err != nil {
		return nil, say.Fail(say.FileUnread, err, "error", err.Error())
	}
	none := say.Fail(say.NotRecovery, fs.ErrExist, "file", file)
	if _, err := vault.OpenLoose(text, nil); !errors.Is(err, vault.ErrNeedPassphrase) {
		return nil, none
	}
	var key *vault.Private
	question := func() string { return say.Text(say.AskFile, say.Fields{"file": file}) + " " }
	err = p.opening(ctx, src, question, func(answer []byte) (err error) {
		key, err = vault.OpenLoose(text, answer)
		return err
	})
	switch {
	case err != nil:
		return nil, say.ForFile(file, fmt.Errorf("%s: %w", file, err))
	case !strings.HasPrefix(key.Key.Comment, recoveryMark):
		return nil, none
	}
	return key, nil
}

// recoveriesAtOnce is on how many hosts a recovery key is let in at the same time.
const recoveriesAtOnce = 16

// letIn lets the recovery key in on each host, and says what to do with it then.
func (p *program) letIn(ctx context.Context, v *visits, pages []book.Host, key *vault.Private, file string) error {
	names := make([]string, len(pages))
	for i, page := range pages {
		names[i] = page.Name
	}
	b := newBoard(p, names, false)
	v.floor.board = b
	end := b.live(ctx)
	opens := make([]bool, len(pages))
	codes := several(ctx, names, recoveriesAtOnce, func(i int, _ string) int {
		b.begin(i)
		id, err := v.letInOne(ctx, pages[i], key, func(s hostsetup.Step) { b.step(i, s) })
		if err != nil {
			b.end(i, string(hostsetup.Failed), say.ExitCode(err.ID))
			b.say(p.stderr, renderAmong(len(names), names[i], err))
			return say.ExitCode(err.ID)
		}
		opens[i] = true
		b.end(i, string(hostsetup.Installed), say.ExitDone)
		b.say(p.stdout, say.Text(id, say.Fields{"host": names[i]}))
		return say.ExitDone
	})
	end()
	p.tellRecovery(pages, opens, say.Quote(file))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.endOfSeveral(codes)
}

// tellRecovery says what to do with the file, and where it does not open yet.
func (p *program) tellRecovery(pages []book.Host, opens []bool, file string) {
	opened, left := "", ""
	for i, page := range pages {
		if opens[i] {
			opened = cmp.Or(opened, wayTo(page))
		} else {
			left += page.Name + " "
		}
	}
	if left != "" {
		p.tellNext("kagiban key recovery " + left + "-o " + file + "   (goes on with this key)")
	}
	if opened != "" {
		p.tell(say.RecoveryKeep, "file", file)
		p.tellNext("ssh -i "+file+" "+opened+"   (on the day, from any computer)",
			"kagiban host add -i "+file+" "+opened+"   (on a new computer, after kagiban init: it lets that one's own key in)")
	}
}

func (v *visits) letInOne(ctx context.Context, page book.Host, key *vault.Private, steps func(hostsetup.Step)) (say.ID, *say.Error) {
	leave, err := v.enter(ctx, page)
	if err != nil {
		return "", say.ForHost(page.Name, err)
	}
	defer leave()
	o, err := v.to(ctx, page)
	if err != nil {
		return "", say.ForHost(page.Name, err)
	}
	o.Comment, o.Steps = key.Key.Comment, steps
	proof, err := key.Signer()
	if err != nil {
		return "", say.ForHost(page.Name, err)
	}
	r, err := hostsetup.Admit(ctx, hostsetup.AdmitOptions{Options: o, Guest: key.Key.Public, Proof: proof})
	if err != nil {
		return "", notLetIn(page, err)
	}
	if err := v.p.owedNoMore(ctx, v.book, v.floor.board, page.Name, key.Key.Public); err != nil {
		return "", say.ForHost(page.Name, err)
	}
	if r.Verdict == hostsetup.Unchanged {
		return say.RecoveryInBefore, nil
	}
	return say.RecoveryIn, nil
}
