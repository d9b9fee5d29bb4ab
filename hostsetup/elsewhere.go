package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kagiban/hostsetup/remote"
)

// elsewhereLimit is how long an address that we did not come in by may take to answer.
const elsewhereLimit = 5 * time.Second

// mostListeners is how many are asked: anybody on the server may open ports, under whatever name.
const mostListeners = 32

// endpoint is where a listener is asked.
type endpoint struct {
	listener
	to     netip.AddrPort // as the server has it
	direct string         // as we dial it, "" if only the server itself can
}

// listening asks at every port and address family on which an SSH server listens, besides the one that we came in by.
func (e *exam) listening(ctx context.Context, a *remote.Answer) error {
	e.resolve(ctx)
	all := listeners(a, e.facts.server, e.facts.port)
	if len(all) == 0 {
		e.doubt(problem("listeners-not-seen", "account", e.Target.Account()))
		return nil
	}
	if len(all) > mostListeners {
		e.doubt(problem("listeners-too-many", "count", strconv.Itoa(len(all)), "asked", strconv.Itoa(mostListeners)))
		all = all[:mostListeners]
	}
	for _, l := range all {
		for _, at := range e.endpoints(l, all, addresses(a)) {
			if err := e.askAt(ctx, at); err != nil {
				return err
			}
		}
		if !l.ours && l.openSSH() && l.ownSettings() && !e.told(l) {
			e.doubt(problem("second-server-own-settings", "server", l.name(), "at", l.at.String(), "command", printed(l.command), "stop", l.stop()))
		}
	}
	return nil
}

// told: something was said of that server already.
func (e *exam) told(l listener) bool {
	return slices.ContainsFunc(e.health.Problems, func(p Problem) bool {
		return strings.HasPrefix(p.ID, "second-server") && p.About["server"] == l.name()
	})
}

// endpoints are where a listener can be asked: one address of each family that it serves. own are the server's.
func (e *exam) endpoints(l listener, all []listener, own []netip.Addr) []endpoint {
	reached, err := netip.ParseAddr(e.facts.server)
	if err == nil {
		reached = reached.WithZone("").Unmap()
		own = append([]netip.Addr{reached}, own...)
	}
	addrs := []netip.Addr{l.at.Addr()}
	if l.at.Addr().IsUnspecified() {
		addrs = []netip.Addr{oneOf(own, l.at.Addr().Is4())}
		alone := !slices.ContainsFunc(all, func(x listener) bool { return x.at.Port() == l.at.Port() && x.at.Addr().Is4() })
		if l.at.Addr().Is6() && alone && l.unit != "" && strings.HasSuffix(l.unit, ".socket") {
			addrs = append(addrs, oneOf(own, true)) // systemd's [::] takes both
		}
	}
	var found []endpoint
	for _, addr := range addrs {
		to := netip.AddrPortFrom(addr, l.at.Port())
		came := addr == reached && strconv.Itoa(int(to.Port())) == e.facts.port
		if came || l.ours && addr.IsLoopback() {
			continue // nobody but the server itself comes that way
		}
		found = append(found, endpoint{l, to, e.dials(to, reached)})
	}
	return found
}

// oneOf is an address of that family, the server's own loopback if it has none that others could reach.
func oneOf(own []netip.Addr, is4 bool) netip.Addr {
	for _, addr := range own {
		if addr.Is4() == is4 {
			return addr
		}
	}
	if is4 {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// dials is what to dial from here for an address that the server says is its own, "" if it is asked by way of the login. A server may say what it likes, and
// must not have us knock at somebody else's door: so we dial what its name stands for here, and nothing else. Where ports are forwarded on
// the way, another port may be another machine's.
func (e *exam) dials(to netip.AddrPort, reached netip.Addr) string {
	port := strconv.Itoa(int(to.Port()))
	switch {
	case e.Target.Way != nil, strconv.Itoa(e.Target.Port) != e.facts.port:
		return ""
	case to.Addr() == reached:
		return net.JoinHostPort(e.Target.Address, port)
	case slices.Contains(e.named, to.Addr()):
		return to.String()
	}
	return ""
}

// resolve finds what the server's name stands for here. No answer is no address.
func (e *exam) resolve(ctx context.Context) {
	ctx, done := context.WithTimeout(ctx, elsewhereLimit)
	defer done()
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.Target.Address)
	if err != nil {
		e.Log.Info("the server's name has no address here", "name", e.Target.Address, "error", err)
	}
	for _, addr := range all {
		e.named = append(e.named, addr.Unmap())
	}
}

// askAt asks what the user and root are offered at an endpoint: from here, or else by way of the server.
func (e *exam) askAt(ctx context.Context, at endpoint) error {
	open := map[string]bool{}
	var accounts []string
	from, err := "", error(nil)
	for _, user := range e.users() {
		var offered []string
		if offered, from, err = e.offersAt(ctx, at, user); err != nil {
			break
		}
		if methods := typed(offered); len(methods) > 0 {
			accounts = append(accounts, user)
			for _, m := range methods {
				open[m] = true
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var methods []string
	for _, m := range []string{"none", "password", "keyboard-interactive"} {
		if open[m] {
			methods = append(methods, m)
		}
	}
	about := []string{"server", at.name(), "at", at.to.String(), "methods", strings.Join(methods, ", "), "accounts", strings.Join(accounts, ", "),
		"from", from, "command", printed(at.command), "stop", at.stop(), "reload", reload(e.facts.manner)}
	switch {
	case len(methods) > 0 && at.ours:
		e.open(problem("password-offered-at", about...))
	case len(methods) > 0:
		e.open(problem("second-server-open", about...))
	case err != nil && at.ours: // its files have been judged
		e.note(problem("address-not-reached", append(about, "why", printed(err.Error()))...))
	case err != nil:
		e.doubt(problem("second-server-not-asked", append(about, "why", printed(err.Error()))...))
	case from != "" && !at.to.Addr().IsLoopback():
		e.note(problem("address-from-inside", about...))
	}
	return nil
}

// offersAt asks one account. from says how, where that was not from here.
func (e *exam) offersAt(ctx context.Context, at endpoint, user string) (offered []string, from string, err error) {
	if at.direct != "" {
		dial := net.Dialer{Timeout: elsewhereLimit}
		tcp, err := dial.DialContext(ctx, "tcp", at.direct)
		if err == nil {
			if offered, err = e.offersOver(ctx, tcp, at, user); err == nil {
				return offered, "", nil
			}
		}
	}
	begun, done := context.WithTimeout(ctx, elsewhereLimit)
	defer done()
	tcp, err := e.first.DialContext(begun, "tcp", at.to.String())
	if err != nil {
		return nil, "", fmt.Errorf("by way of the login: %w", err)
	}
	offered, err = e.offersOver(ctx, tcp, at, user)
	return offered, ", asked from the server itself", err
}

// offersOver asks over a connection, and closes it. Nothing is shown to who answers, so a server that is not the one that we came in by may have any host key.
func (e *exam) offersOver(ctx context.Context, tcp net.Conn, at endpoint, user string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, elsewhereLimit)
	defer cancel()
	defer tcp.Close()
	defer context.AfterFunc(ctx, func() { _ = tcp.Close() })()
	id := e.dialer.identity
	if !at.ours {
		var err error
		if id, err = newIdentity(Target{}, HostKeyPolicy{AcceptNew: true}, nil); err != nil {
			return nil, err
		}
	}
	t := e.Target
	t.Address, t.Port = at.to.Addr().String(), int(at.to.Port())
	d := &dialer{target: t, identity: id}
	s := &state{auth: auth{user: user, probe: true}, ctx: ctx, account: user + "@" + at.to.String(), tcp: tcp}
	c, err := d.handshake(tcp, s)
	switch {
	case err == nil:
		_ = c.Close()
		return c.offered, nil
	case errors.Is(err, errAsked):
		return s.offered, nil
	}
	return nil, err
}
