package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

// adding is one call of host add, over one host or many.
type adding struct {
	p      *program
	base   hostsetup.Options // what all of them share
	config string            // -F
	jump   string            // -J
	port   int
	alias  string // --name
	yes    bool
	json   bool
	from   map[secret]prompt.Source
	hosts  []*adds
	board  *board
	floor  *floor
	same   *samePassword

	mu     sync.Mutex
	broken error // stdout does not take what --json says
}

// adds is one host of them, and what became of it.
type adds struct {
	wanted
	target hostsetup.Target
	err    *say.Error
	result added
	said   say.ID // the verdict, where all went well
	begun  bool
	named  bool // here otherwise than on the network, so ssh does not know it by that name
	sole   bool // no other key was seen to open it
}

func (p *program) newAdding(c *cli.Context, hosts []wanted, base hostsetup.Options, from map[secret]prompt.Source) *adding {
	a := &adding{p: p, base: base, config: c.String("ssh-config"), jump: c.String("jump"), port: c.Int("port"), alias: c.String("name"), yes: c.Bool("yes"), json: c.Bool("json"), from: from, floor: newFloor()}
	for _, w := range hosts {
		a.hosts = append(a.hosts, &adds{wanted: w, result: added{Host: w.called(), Result: string(hostsetup.Failed), Steps: []hostsetup.Step{}}})
	}
	if c.Bool("same-password") {
		a.same = newSamePassword()
	}
	return a
}

// all adds them, at most so many at once, and tells how they ended. Its error is an exit status, or that of stdout.
func (a *adding) all(ctx context.Context, parallel int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.resolve(ctx, parallel)
	names := make([]string, len(a.hosts))
	for i, h := range a.hosts {
		names[i] = h.result.Host
	}
	a.board = newBoard(a.p, names, a.json || a.p.verbose.Level() < 0)
	a.floor.many, a.floor.board, a.floor.stop = len(names) > 1, a.board, stop
	end := a.board.live(ctx)
	several(ctx, names, parallel, func(i int, _ string) int { return a.one(ctx, i) })
	end()
	codes, sole, named := make([]int, len(a.hosts)), []string{}, ""
	for i, h := range a.hosts {
		if !h.begun {
			a.notBegun(h)
		}
		a.verdict(h)
		codes[i] = h.result.Exit
		if h.sole {
			sole = append(sole, h.result.Host)
		}
		if h.named && (h.said == say.HostKeyOnly || h.said == say.HostInstalled || h.said == say.HostInstalledAs) {
			named = cmp.Or(named, h.result.Host)
		}
	}
	a.p.saySole(sole)
	if named != "" {
		a.p.tellNext("kagiban host export ssh-config -o FILE   (with an Include of FILE at the top of ~/.ssh/config: ssh " + named + ")")
	}
	if a.broken != nil {
		return a.broken
	}
	return a.p.endOfSeveral(codes)
}

// resolve asks ssh where each host is. One that stands there twice is done once; a name that would stand for two servers is refused.
func (a *adding) resolve(ctx context.Context, parallel int) {
	names := make([]string, len(a.hosts))
	several(ctx, names, parallel, func(i int, _ string) int {
		h := a.hosts[i]
		var err error
		if h.target, err = a.find(ctx, h); err != nil {
			h.err = say.ForHost(h.result.Host, err)
		}
		return 0
	})
	var each []*adds
	for _, h := range a.hosts {
		if h.err != nil || h.target.Name == "" { // the latter was not asked about any more
			each = append(each, h)
			continue
		}
		same := func(x *adds) bool { return place(x.target) == place(h.target) && x.target.Way.Is(h.target.Way) }
		if slices.ContainsFunc(each, same) {
			continue
		}
		if i := slices.IndexFunc(each, func(x *adds) bool { return x.target.Name == h.target.Name }); i >= 0 {
			h.err = say.Fail(say.AliasTaken, nil, "host", h.target.Name, "address", place(each[i].target))
		}
		each = append(each, h)
	}
	a.hosts = each
}

// place is where a server is, and whose account it is there.
func place(t hostsetup.Target) string { return t.User + "@" + t.Address + ":" + strconv.Itoa(t.Port) }

// find is the host's target, with the name that it shall have.
func (a *adding) find(ctx context.Context, h *adds) (hostsetup.Target, error) {
	t, page, err := a.p.targetBy(ctx, a.base.Book, h.Destination, h.config, a.jump, a.port)
	if err != nil {
		return t, err
	}
	name := cmp.Or(a.alias, h.Name, t.Name)
	h.named = name != t.Name
	t.Name, t.Further = name, furtherHosts(t.KnownHosts)
	h.result.Host = t.Name
	if a.base.NoRoot && cmp.Or(a.base.CreateUser, t.User) == "root" {
		return t, say.Fail(say.NoRootAsRoot, nil, "host", t.Name)
	}
	err = a.p.keepWay(ctx, a.config, &t)
	if err == nil && (page == nil || page.Name != t.Name) {
		t := t
		t.User = cmp.Or(a.base.CreateUser, t.User) // whom the page will name
		err = aliasIsFree(a.base.Book, t)
	}
	return t, err
}

// one runs the whole of it on one host.
func (a *adding) one(ctx context.Context, i int) int {
	h := a.hosts[i]
	h.begun = true
	a.board.begin(i)
	defer a.same.over(h.result.Host)
	if h.err == nil {
		r, err := hostsetup.Add(ctx, a.options(i))
		h.result.Result, h.result.Steps, h.said = string(r.Verdict), r.Steps, verdict(r, a.base)
		h.sole = r.KeyOnly && len(r.Proved) == 1
		if err == nil && !a.base.DryRun {
			err = a.p.owedNoMore(ctx, a.base.Book, a.board, h.target.Name, a.base.Key.PublicKey())
		}
		if err != nil {
			h.err = say.ForHost(h.target.Name, err)
		}
	}
	if h.err != nil {
		h.result.Exit, h.result.Error = say.ExitCode(h.err.ID), some(say.Text(h.err.ID, h.err.Fields))
	}
	a.board.end(i, h.result.Result, h.result.Exit)
	if a.json {
		a.line(h)
	}
	return h.result.Exit
}

// options are what one host adds to what all share.
func (a *adding) options(i int) hostsetup.Options {
	o, h := a.base, a.hosts[i]
	o.Target = h.target
	o.Logins = append(slices.Clip(o.Logins), plainIdentities(h.target.Identities)...)
	o.Person = &person{p: a.p, host: h.target.Name, yes: a.yes, dryRun: o.DryRun, json: a.json, password: a.from[password], sudo: a.from[sudoPassword], floor: a.floor, same: a.same}
	o.Words, o.Silent = say.Cause, func(back time.Time) { a.board.silent(i, back) }
	o.Steps = func(s hostsetup.Step) {
		a.same.heard(h.target.Name, s)
		a.board.step(i, s)
	}
	return o
}

// notBegun is for a host that an interrupt kept from its turn.
func (a *adding) notBegun(h *adds) {
	h.err, h.said = nil, say.HostNotBegun
	h.result.Exit, h.result.Error = say.ExitInterrupted, some(say.Text(say.Interrupted, nil))
	if a.json {
		a.line(h)
	}
}

// line is what --json tells of a host.
func (a *adding) line(h *adds) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := writeJSON(a.p.stdout, h.result); err != nil {
		a.broken = err
	}
}

// verdict tells how a host ended: what went wrong on stderr, and the verdict on stdout.
func (a *adding) verdict(h *adds) {
	fields := say.Fields{"host": h.result.Host, "result": h.result.Result, "exit": strconv.Itoa(h.result.Exit)}
	one := len(a.hosts) == 1
	if h.err != nil {
		fmt.Fprintln(a.p.stderr, renderAmong(len(a.hosts), h.result.Host, h.err))
		h.said = say.HostEnded
	}
	if !a.json && (!one || h.err == nil) {
		fmt.Fprintln(a.p.stdout, say.Text(h.said, fields))
	}
}

func verdict(r hostsetup.Result, o hostsetup.Options) say.ID {
	switch {
	case r.Verdict == hostsetup.KeyOnly:
		return say.HostKeyOnly
	case r.KeyOnly:
		return say.HostAlready
	case o.DryRun:
		return say.HostDryRun
	case !r.Typed:
		return say.HostInstalledAs
	}
	return say.HostInstalled
}

// aliasIsFree refuses to let one name stand for two servers.
func aliasIsFree(b book.Book, t hostsetup.Target) error {
	if err := checkAlias(t.Name); err != nil {
		return err
	}
	hosts, err := b.Hosts()
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if h.Name == t.Name && (h.Address != t.Address || h.Port != t.Port || h.User != t.User) {
			return say.Fail(say.AliasTaken, nil, "host", t.Name, "address", h.User+"@"+h.Address+":"+strconv.Itoa(h.Port))
		}
	}
	return nil
}

// checkAlias refuses what cannot be a server's name in the book.
func checkAlias(name string) error {
	if err := vault.CheckName(name); err != nil {
		return say.Fail(say.BadAlias, err, "name", name)
	}
	return nil
}
