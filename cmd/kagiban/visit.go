package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

// visits are the logins of one command to servers of the book: each key is opened once, and one question is open at a time.
type visits struct {
	p      *program
	config string // -F
	yes    bool   // --yes
	dryRun bool   // --dry-run
	json   bool   // --json: stdout is for scripts
	from   map[secret]prompt.Source
	book   book.Book
	floor  *floor

	signers map[string]ssh.Signer // by the name of the key; for who has the floor

	mu      sync.Mutex
	servers map[string]chan struct{} // by address and port: holds one token while a page of that server is worked on
}

// enter waits until no other page of the book's is worked on at the same server: two names may lead to one account, and to one file.
func (v *visits) enter(ctx context.Context, page book.Host) (leave func(), err error) {
	v.mu.Lock()
	at := net.JoinHostPort(page.Address, strconv.Itoa(page.Port))
	if v.servers == nil {
		v.servers = map[string]chan struct{}{}
	}
	turn := v.servers[at]
	if turn == nil {
		turn = make(chan struct{}, 1)
		v.servers[at] = turn
	}
	v.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// visitFlags are the flags of a command that logs in to servers of the book.
func visitFlags() []cli.Flag {
	return append([]cli.Flag{sshConfigFlag()}, secretFlags(passphrase, password, sudoPassword)...)
}

// newVisits reads the flags of visitFlags; yes, dryRun and json are for the command to set.
func (p *program) newVisits(c *cli.Context) (*visits, error) {
	return p.visitsBy(c, passphrase, password, sudoPassword)
}

// visitsBy is newVisits for a command that has only the flags of these secrets, and -F.
func (p *program) visitsBy(c *cli.Context, secrets ...secret) (*visits, error) {
	from, err := sources(c, secrets...)
	if err != nil {
		return nil, err
	}
	b, err := p.book()
	if err != nil {
		return nil, err
	}
	return &visits{p: p, config: c.String("ssh-config"), from: from, book: b, floor: newFloor(), signers: map[string]ssh.Signer{}}, nil
}

// to is what a login to a server of the book takes: by the key that the book has for it, or else by what ssh would show there.
func (v *visits) to(ctx context.Context, page book.Host) (hostsetup.Options, error) {
	o := hostsetup.Options{Book: v.book, KeyName: page.Key, DryRun: v.dryRun, Now: v.p.now, Log: v.p.log}
	var err error
	if o.Target, _, err = v.p.target(ctx, v.book, page.Name, v.config, 0); err != nil {
		return o, say.ForHost(page.Name, err)
	}
	if o.Key, err = v.signer(ctx, page.Key); err != nil {
		return o, err
	}
	o.Logins = append(v.p.agentSigners(), plainIdentities(o.Target.Identities)...)
	o.Person = &person{p: v.p, host: page.Name, yes: v.yes, dryRun: v.dryRun, json: v.json, password: v.from[password], sudo: v.from[sudoPassword], floor: v.floor}
	o.Words, o.Silent = say.Cause, func(back time.Time) {
		_, line := silence(page.Name, back)
		fmt.Fprintln(v.p.stderr, line)
	}
	o.Steps = func(s hostsetup.Step) { fmt.Fprintln(v.p.stderr, say.Step(s.Name, s.OK, s.Detail)) }
	return o, nil
}

// signer opens a key of the vault, once for all servers.
func (v *visits) signer(ctx context.Context, name string) (ssh.Signer, error) {
	release, err := v.floor.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if v.signers[name] == nil {
		opened, err := v.p.signer(ctx, name, v.from[passphrase])
		if err != nil {
			return nil, err
		}
		v.signers[name] = opened
	}
	return v.signers[name], nil
}

// pages are the hosts of the book that names name, all if there are none. Errors: [say.NoHosts] where the book is empty.
func (v *visits) pages(names []string) ([]book.Host, error) {
	hosts, err := v.book.Hosts()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && len(hosts) == 0 {
		return nil, say.Fail(say.NoHosts, nil)
	}
	if len(names) == 0 {
		return hosts, nil
	}
	var pages []book.Host
	for _, name := range names {
		page, err := v.book.Find(name)
		if err != nil {
			return nil, say.ForHost(name, err)
		}
		if !slices.ContainsFunc(pages, func(x book.Host) bool { return x.Name == page.Name }) {
			pages = append(pages, page)
		}
	}
	return pages, nil
}
