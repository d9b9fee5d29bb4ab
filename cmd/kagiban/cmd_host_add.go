package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/vault"
)

func hostAddCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.IntFlag{Name: "port", Aliases: []string{"p"}, Usage: "connect to `PORT`"},
		&cli.StringFlag{Name: "identity", Aliases: []string{"i"}, Usage: "log in with the key in `FILE`, which opens the server already (OpenSSH, PuTTY, PEM, PKCS#8)"},
		sshConfigFlag(),
		jumpFlag(),
		&cli.StringFlag{Name: "key", Usage: "install the key `NAME` (without it: this client's)"},
		&cli.StringFlag{Name: "name", Usage: "call the server `ALIAS` here"},
		&cli.StringFlag{Name: "host-key", Usage: "the server's host key is `SHA256:...`"},
		&cli.BoolFlag{Name: "accept-new", Usage: "accept the host key of a server that is not known yet"},
		&cli.StringFlag{Name: "create-user", Usage: "make the user `NAME` on the server, with sudo, and install the key for it: for a server where there is only root"},
		&cli.BoolFlag{Name: "no-root", Usage: "root does not get in by ssh at all any more, once this user was seen to log in and use sudo"},
		&cli.BoolFlag{Name: "no-enforce", Usage: "install and prove the key, leave passwords on"},
		&cli.BoolFlag{Name: "others-lose-password", Usage: "turn passwords off although other people would not get in any more"},
		&cli.DurationFlag{Name: "undo-after", Value: hostsetup.DefaultUndoAfter, Usage: "the server undoes the change by itself after `TIME` without a confirmation: 10s to 10m (2m)"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be changed, change nothing"},
		&cli.BoolFlag{Name: "yes", Usage: "go on with the plan without asking"},
		&cli.StringFlag{Name: "from", Usage: "and the hosts in `FILE` (- is stdin): one a line, an ssh configuration, or an Ansible inventory"},
		&cli.IntFlag{Name: "parallel", Value: 16, Usage: "work on `N` hosts at once (16)"},
		&cli.BoolFlag{Name: "same-password", Usage: "one password, asked for once, is that of all hosts"},
		jsonFlag(),
	}
	flags = append(flags, secretFlags(passphrase, identityPassphrase, password, sudoPassword)...)
	return &cli.Command{
		Name:      "add",
		Usage:     "install this client's key on a server, prove it, and turn passwords off",
		ArgsUsage: "[[USER@]HOST[:PORT]...]",
		Description: "It logs in (with a key if one opens the server, else with the password), shows what it will change and asks. Then it installs\n" +
			"the key, proves it on a new connection, rehearses, arms the undo on the server, turns passwords off, proves all of it again\n" +
			"and confirms. Anything that fails is taken back. A second run checks, and changes nothing.\n" +
			"Where others log in by a password alone (root does not count: who may use it is the owner), it names them and stops.\n" +
			"A server as it is sold has root and a password: with --create-user NAME it makes a user with sudo, proves its login and its\n" +
			"sudo, and goes on as that user. Undone, that user stays, locked. --no-root then shuts root out of ssh; the console is\n" +
			"never touched.\n" +
			"Several hosts are worked on at once; whatever is asked is asked about one at a time. Ctrl-C begins no further host and\n" +
			"takes those back that are under way.\n" +
			"Exit: 0 key-only · 1 failed, nothing changed · 3 the key to install is locked · 4 the key is in, passwords are not off · 5 needs a person · 6 undone.",
		Flags:  flags,
		Action: func(c *cli.Context) error { return p.hostAdd(c) },
	}
}

// added is the line that --json writes for each host.
type added struct {
	Host   string           `json:"host"`
	Result string           `json:"result"`
	Exit   int              `json:"exit"`
	Steps  []hostsetup.Step `json:"steps"`
	Error  *string          `json:"error"`
}

func (p *program) hostAdd(c *cli.Context) error {
	var hosts []wanted
	from, err := sources(c, passphrase, identityPassphrase, password, sudoPassword)
	if err == nil {
		hosts, err = p.hostsToAdd(c, from)
	}
	if err == nil {
		err = p.checkHostAdd(c, len(hosts))
	}
	var base hostsetup.Options
	if err == nil {
		base, err = p.hostOptions(c, from)
	}
	if err != nil {
		return p.noneAdded(c, hosts, err)
	}
	return p.newAdding(c, hosts, base, from).all(c.Context, c.Int("parallel"))
}

// noneAdded ends a call that did not come as far as a host: with --json each host has its line nevertheless.
func (p *program) noneAdded(c *cli.Context, hosts []wanted, err error) error {
	id, fields := say.Of(err)
	for _, host := range hosts {
		if !c.Bool("json") {
			break
		}
		if err := writeJSON(p.stdout, added{Host: host.called(), Result: string(hostsetup.Failed), Exit: say.ExitCode(id), Error: some(say.Text(id, fields))}); err != nil {
			return err
		}
	}
	return err
}

var fingerprints = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// checkHostAdd refuses what cannot go well, before any connection: a plan that nobody can be asked about, too.
func (p *program) checkHostAdd(c *cli.Context, hosts int) error {
	after, pin := c.Duration("undo-after"), c.String("host-key")
	switch {
	case c.Bool("no-root") && c.Bool("no-enforce"):
		return say.Fail(say.OneOfFlags, nil, "first", "--no-root", "second", "--no-enforce")
	case pin != "" && !fingerprints.MatchString(pin):
		return say.Fail(say.BadHostKey, nil, "value", pin)
	case c.IsSet("port") && (c.Int("port") < 1 || c.Int("port") > 65535):
		return say.Fail(say.BadPort, nil, "value", strconv.Itoa(c.Int("port")))
	case hosts > 1 && c.String("name") != "":
		return say.Fail(say.OneHostOnly, nil, "flag", "--name")
	case hosts > 1 && c.String("host-key") != "":
		return say.Fail(say.OneHostOnly, nil, "flag", "--host-key")
	case c.Int("parallel") < 1 || c.Int("parallel") > mostAtOnce:
		return say.Fail(say.BadParallel, nil, "value", strconv.Itoa(c.Int("parallel")), "max", strconv.Itoa(mostAtOnce), "command", "kagiban host add")
	case after < hostsetup.MinUndoAfter || after > hostsetup.MaxUndoAfter:
		return say.Fail(say.BadUndoAfter, nil, "value", after.String(), "min", hostsetup.MinUndoAfter.String(), "max", hostsetup.MaxUndoAfter.String())
	case !c.Bool("yes") && !c.Bool("dry-run") && !p.ask.CanAsk():
		return say.Fail(say.PlanUnasked, prompt.ErrCannotAsk)
	}
	if c.IsSet("create-user") {
		if err := hostsetup.CheckUserName(c.String("create-user")); err != nil {
			return err
		}
	}
	if name := c.String("name"); name != "" {
		return checkAlias(name)
	}
	return nil
}

// hostOptions is what all hosts of one call share: above all the key, whose passphrase is asked for once.
func (p *program) hostOptions(c *cli.Context, from map[secret]prompt.Source) (hostsetup.Options, error) {
	o := hostsetup.Options{CreateUser: c.String("create-user"), NoRoot: c.Bool("no-root"), NoEnforce: c.Bool("no-enforce"), OthersLose: c.Bool("others-lose-password"), DryRun: c.Bool("dry-run"), UndoAfter: c.Duration("undo-after"), Now: p.now, Log: p.log,
		HostKeys: hostsetup.HostKeyPolicy{AcceptNew: c.Bool("accept-new"), Pin: c.String("host-key")}}
	var err error
	if o.Book, err = p.book(); err != nil {
		return o, err
	}
	key, err := p.defaultKey(c.String("key"))
	if err != nil {
		return o, err
	}
	o.KeyName, o.Comment = key.Name, key.Comment
	if file := c.String("identity"); file != "" {
		signer, err := p.identity(c.Context, file, from[identityPassphrase])
		if err != nil {
			return o, err
		}
		o.Logins = append(o.Logins, signer)
	}
	if o.Key, err = p.signer(c.Context, key.Name, from[passphrase]); err != nil {
		return o, err
	}
	o.Logins = append(o.Logins, p.agentSigners()...)
	return o, nil
}

// identity opens a private key file of the user's, of any format that is taken in, by its passphrase if it has one.
func (p *program) identity(ctx context.Context, file string, src prompt.Source) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, say.Fail(say.IdentityUnread, err, "error", err.Error())
	}
	defer clear(text)
	key, err := vault.OpenLoose(text, nil)
	if errors.Is(err, vault.ErrNeedPassphrase) {
		question := func() string { return say.Text(say.AskFile, say.Fields{"file": file}) + " " }
		err = p.opening(ctx, src, question, func(answer []byte) (err error) {
			key, err = vault.OpenLoose(text, answer)
			return err
		})
	}
	if err == nil {
		return key.Signer()
	}
	switch id, _ := say.Of(err); id {
	case say.NotAKeyFile, say.CipherUnread, say.KeyFileCost, say.PuTTYUnread, say.KeyTypeUnkept: // which say what to do with it
		return nil, say.ForFile(file, err)
	case say.WrongPassphrase, say.BrokenKey, say.WeakKey:
		return nil, say.Fail(say.IdentityUnread, err, "error", fmt.Sprintf("%s: %v", file, err))
	}
	return nil, unasked(err, "passphrase of "+file, identityPassphrase)
}

// maxIdentities keeps the keys of ssh's configuration from using up the server's patience (MaxAuthTries is 6).
const maxIdentities = 2

// plainIdentities opens those of ssh's IdentityFiles that need no passphrase; all else about them is ssh's business.
func plainIdentities(files []string) []ssh.Signer {
	var signers []ssh.Signer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || len(signers) == maxIdentities {
			continue
		}
		if key, err := vault.OpenLoose(text, nil); err == nil {
			if signer, err := key.Signer(); err == nil {
				signers = append(signers, signer)
			}
		}
		clear(text)
	}
	return signers
}
