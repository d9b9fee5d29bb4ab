package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

func agentSocketAddCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "open a narrower socket, for good, and print its path",
		ArgsUsage: "NAME",
		Description: "Who uses it lists and signs, with the keys named, for the purposes named, and logs in to the hosts named; nothing else. It limits\n" +
			"only programs that cannot reach the agent's other sockets: a container that sees its folder, and nothing above that. The keys of a\n" +
			"host are those known now. A locked key is not opened from there. The same command once more opens it anew.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "keys", Usage: "only keys `K,..`: names, or fingerprints of keys that ssh-add added"},
			&cli.StringSliceFlag{Name: "purpose", Usage: "only for `P,..`: login, git (commits and tags), file (whatever ssh-keygen -Y signs)"},
			&cli.StringSliceFlag{Name: "host", Usage: "logins only to `[USER@]HOST,..`: of the list of servers, or known to ssh; without --purpose nothing but logins"},
			&cli.BoolFlag{Name: "confirm", Usage: "a person is asked about each use"},
			sshConfigFlag(),
		},
		Action: func(c *cli.Context) error { return p.agentSocketAdd(c) },
	}
}

func (p *program) agentSocketAdd(c *cli.Context) error {
	s := agent.Scope{Name: c.Args().First(), Keys: sorted(c.StringSlice("keys")), Purposes: sorted(c.StringSlice("purpose")), Confirm: c.Bool("confirm")}
	hosts := sorted(c.StringSlice("host"))
	if err := checkScope(s, hosts); err != nil {
		return err
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	a, err := p.control()
	if err != nil {
		return err
	}
	defer a.Close()
	if err := knowsKeys(a, s.Keys); err != nil {
		return err
	}
	for _, name := range hosts {
		host, err := p.scopeHost(c.Context, name, c.String("ssh-config"))
		if err != nil {
			return err
		}
		s.Hosts = append(s.Hosts, host)
	}
	if err := a.AddSocket(s); err != nil {
		return socketError(err, s.Name)
	}
	fmt.Fprintln(p.stdout, h.NarrowSocket(s.Name))
	p.tell(say.SocketAdded, "name", s.Name, "what", scopeText(s))
	if dir := h.NarrowDir(s.Name); dir != "" {
		p.tell(say.SocketLimits, "folder", dir)
	} else {
		p.tell(say.PipeLimits)
	}
	if status, err := a.Status(); err == nil && status.Activated {
		p.tell(say.SocketUnheld)
	}
	return nil
}

// sorted is each value once, in order.
func sorted(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// checkScope says what is wrong with what was typed.
func checkScope(s agent.Scope, hosts []string) error {
	if err := vault.CheckName(s.Name); err != nil {
		return say.Fail(say.BadSocketName, err, "name", s.Name)
	}
	if len(s.Keys)+len(s.Purposes)+len(hosts) == 0 {
		return say.Fail(say.SocketNotNarrower, nil)
	}
	for _, purpose := range s.Purposes {
		if !slices.Contains([]string{agent.UseLogin, agent.UseGit, agent.UseFile}, purpose) {
			return say.Fail(say.BadPurpose, nil, "purpose", purpose)
		}
	}
	if len(hosts) > 0 && len(s.Purposes) > 0 && !slices.Contains(s.Purposes, agent.UseLogin) {
		return say.Fail(say.HostsNeedLogin, nil)
	}
	return nil
}

// knowsKeys says whether the agent has them.
func knowsKeys(c *control.Client, keys []string) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	for _, name := range keys {
		if !slices.ContainsFunc(status.Keys, func(k agent.KeyStatus) bool { return name != "" && (name == k.Name || name == k.Fingerprint) }) {
			return fmt.Errorf("the agent has no key %q: %w", name, agent.ErrNoKey)
		}
	}
	return nil
}

// scopeHost is a host by all host keys of it that are known: those in the list of servers, or else in ssh's known_hosts; and by the
// authorities that known_hosts has for it.
func (p *program) scopeHost(ctx context.Context, name, config string) (agent.ScopeHost, error) {
	h := agent.ScopeHost{Name: withoutUser(name)}
	if h.Name != name {
		h.User = strings.TrimSuffix(name, "@"+h.Name)
		if err := hostsetup.CheckUser(h.User); err != nil {
			return h, err
		}
	}
	b, err := p.book()
	if err != nil {
		return h, err
	}
	page, err := b.Find(h.Name)
	switch {
	case err == nil:
		h.KnownAs = page.KnownAs
		h.Keys, h.Authorities = keysOfPage(page)
	case !errors.Is(err, book.ErrNoHost):
		return h, err
	default:
		if h, err = p.knownHost(ctx, newKnownServers(), h, config); err != nil {
			return h, err
		}
	}
	h.KnownAs = strings.ToLower(withoutPort(h.KnownAs)) // as a certificate names it
	if len(h.Keys)+len(h.Authorities) == 0 {
		return h, say.Fail(say.NoHostKeys, nil, "host", h.Name)
	}
	return h, nil
}

// keysOfPage are the host keys of a server of the list, but those that known_hosts has taken back, and its authorities there.
func keysOfPage(page book.Host) (keys, authorities []string) {
	known := newKnownServers()
	known.read(append(usualHosts(), page.KnownHosts...))
	_, authorities = known.keysOf(page.KnownAs)
	return slices.DeleteFunc(slices.Clone(page.HostKeys), known.isRevoked), authorities
}

// knownHost is a host that the list of servers does not have.
func (p *program) knownHost(ctx context.Context, known knownServers, h agent.ScopeHost, config string) (agent.ScopeHost, error) {
	r, err := p.resolver(config, "")
	if err != nil {
		return h, err
	}
	t, err := r.Resolve(ctx, h.Name, 0)
	if err != nil {
		return h, err
	}
	known.read(t.KnownHosts)
	h.KnownAs = t.KnownAs
	h.Keys, h.Authorities = known.keysOf(h.KnownAs)
	if bare := withoutPort(h.KnownAs); len(h.Keys)+len(h.Authorities) == 0 { // ssh looks there, too
		h.Keys, h.Authorities = known.keysOf(bare)
	}
	return h, nil
}

// socketError says which socket was not added or removed, and why.
func socketError(err error, name string) error {
	switch {
	case errors.Is(err, control.ErrSocketThere):
		return say.Fail(say.SocketThere, err, "name", name)
	case errors.Is(err, control.ErrNoSocket):
		return say.Fail(say.NoSocket, err, "name", name)
	case errors.Is(err, control.ErrNotRunning):
		return err
	}
	return say.Fail(say.SocketUnchanged, err, "name", name, "error", err.Error())
}
