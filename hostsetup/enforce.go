package hostsetup

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

// reloadLimit is how long a reloading sshd may still answer with what it had before.
const reloadLimit = 5 * time.Second

// rehearse tries the configuration as it will be, without touching what sshd reads: sshd judges it, and then an sshd that runs it, on
// nothing but our own connection, must offer publickey alone and let the new identity in.
func (s *setup) rehearse(ctx context.Context) error {
	if err := s.stage(ctx); err != nil {
		return err
	}
	offered, err := s.rehearseLogin(ctx)
	if err != nil {
		return fmt.Errorf("rehearsal: %w", err)
	}
	if open := typed(offered); len(open) > 0 {
		return &StillOpenError{s.Target.Account() + " (rehearsal)", open}
	}
	s.step("rehearse", "an sshd with the new configuration offers publickey alone and lets this key in")
	return nil
}

// stage puts on the server what the change takes, once, and has sshd judge the configuration as it will be, for every account that is there by now.
func (s *setup) stage(ctx context.Context) error {
	var a *remote.Answer
	var err error
	if s.token != "" {
		a, err = s.root.do(ctx, s.first, remote.Rehearse, s.token, s.facts.user, s.facts.client)
	} else {
		a, err = s.put(ctx)
	}
	if err != nil || !s.result.Plan.DropIn {
		return err
	}
	if a.Get("sound") != "0" {
		tested, _ := a.Text("tested")
		return fmt.Errorf("sshd would refuse the new configuration: %s", firstLine(tested))
	}
	for who, effective := range effectives(a) {
		if open := effective.Typed(); len(open) > 0 {
			return &StillOpenError{cmp.Or(who, "everybody") + "@" + s.Target.Name + " (rehearsal)", open}
		}
	}
	if root := effectives(a)["root"]; s.result.Plan.NoRoot && !root.RootShut() {
		return &RootOpenError{"root@" + s.Target.Name + " (rehearsal)", "sshd says PermitRootLogin " + quoted(root.Get("permitrootlogin"))}
	}
	s.sshd = a.Get("sshd")
	return nil
}

func (s *setup) put(ctx context.Context) (*remote.Answer, error) {
	s.token = remote.Nonce()
	text, where := sshd.Ours(s.facts.block, s.facts.shutsRoot(&s.Options)), "drop-in"
	if s.facts.block {
		where = "block"
	}
	config := sshd.Rehearse(s.facts.files, remote.KeyOnly(s.token), text)
	if !s.result.Plan.DropIn {
		where = "nowhere"
	}
	a, err := s.root.do(ctx, s.first, remote.Stage, s.token, config, text, remote.UndoScript(), s.facts.user, s.facts.client, where)
	if failure := (*remote.Failure)(nil); errors.As(err, &failure) {
		s.token = "" // it gave way before it had put anything there
	}
	return a, err
}

// errRehearsalEnded means that the sshd of the rehearsal ended, or stood still, before it let anybody in.
var errRehearsalEnded = errors.New("its sshd did not come as far as the login")

// rehearseLogin speaks SSH to `sshd -i` through root's shell on the first connection.
func (s *setup) rehearseLogin(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	x, err := s.root.through(ctx, s.first, s.sshd+" -i -f "+remote.Rehearsal(s.token))
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = x.Close() })()
	st := &state{auth: s.by(s.Key), ctx: ctx, account: s.Target.Account(), tcp: channelConn{x}}
	c, err := s.dialer.handshake(st.tcp, st)
	if err != nil {
		_ = x.Close() // and with it all that was complained of is there
		if gone := (*UnreachableError)(nil); errors.As(err, &gone) {
			err = errRehearsalEnded
		}
		if text := x.p.talk.text(); text != "" {
			err = fmt.Errorf("%w (%s)", err, text)
		}
		return nil, err
	}
	defer c.Close()
	_, err = who(ctx, c)
	return c.offered, err
}

// channelConn is a passage as the library wants a connection. Deadlines are the context's, which closes it.
type channelConn struct{ *passage }

func (channelConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv6loopback} }
func (channelConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv6loopback} }
func (channelConn) SetDeadline(time.Time) error      { return nil }
func (channelConn) SetReadDeadline(time.Time) error  { return nil }
func (channelConn) SetWriteDeadline(time.Time) error { return nil }

// enforce starts the undo switch and then puts the change in force. From here on the server goes back by itself unless it is told
// not to.
func (s *setup) enforce(ctx context.Context) error {
	if err := s.rootsKey(ctx); err != nil {
		return err
	}
	if !s.armed {
		s.deadline()
	}
	a, err := s.root.do(ctx, s.first, remote.Enforce, s.token, seconds(s.UndoAfter), s.facts.user, s.facts.server, s.facts.port)
	if err := s.sawArmed(a, err); err != nil {
		return err
	}
	s.rootLogin = a.Get("rootlogin")
	s.step("enforce", s.facts.place()+": written; "+effect(s.facts.manner))
	return nil
}

// deadline: the server counts from a moment after this one, so ours is the earlier.
func (s *setup) deadline() {
	s.until = time.Now().Add(s.UndoAfter - s.undoMargin())
}

func (s *setup) undoMargin() time.Duration { return min(10*time.Second, s.UndoAfter/4) }

// sawArmed tells from an answer whether the undo switch is on.
func (s *setup) sawArmed(a *remote.Answer, err error) error {
	var failure *remote.Failure
	var refused *RootError
	switch {
	case s.armed, errors.As(err, &refused): // it did not even begin
	case errors.As(err, &failure):
		s.armed = a.Has("armed")
	default:
		s.armed = true // a link that broke may have armed it
	}
	if a != nil && a.Has("armed") {
		s.step("arm", fmt.Sprintf("undone in %.0f s unless confirmed; then the server must offer %s again", s.UndoAfter.Seconds(), a.Get("armed")))
	}
	return err
}

// proveAgain is the proof that counts: new connections, after the change. The server offers publickey alone, to the user and to root, and
// the key opens it.
func (s *setup) proveAgain(ctx context.Context) error {
	old := time.Now().Add(reloadLimit)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		c, err := s.dialBy(ctx, s.Key, s.until) // that it runs commands is proved by the one that confirms
		if err != nil {
			return err
		}
		open := typed(c.offered)
		if len(open) == 0 {
			s.again = c
			break
		}
		_ = c.Close() // it was answered with the old configuration
		if time.Now().After(old) {
			return &StillOpenError{s.Target.Account(), open}
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
	if err := patiently(ctx, s.until, func() error { return s.closedToRoot(ctx) }); err != nil {
		return err
	}
	who := s.facts.user
	if who != "root" {
		who += " and root"
	}
	detail := "new connections: publickey alone is offered to " + who + "; this key logs in"
	if s.result.Plan.NoRoot {
		shut, err := s.proveRootShut(ctx)
		if err != nil {
			return err
		}
		detail += "; " + shut
	}
	s.step("prove-again", detail)
	return nil
}

// confirm makes the change lasting, over the very login that it left possible. Where the answer is lost, taking the
// change back is what tells how it ended.
func (s *setup) confirm(ctx context.Context) error {
	if time.Now().After(s.until) {
		return &remote.Failure{Verb: remote.Confirm.String(), What: "toolate", Detail: "it took too long to prove"}
	}
	blob := base64.StdEncoding.EncodeToString(s.Key.PublicKey().Marshal())
	c := s.again
	if c == nil {
		c = s.proved // sshd itself was not changed
	}
	if _, err := s.onRoot(c).do(ctx, c, remote.Confirm, s.token, s.result.Plan.File, blob); err != nil {
		return err
	}
	s.step("confirm", "confirmed over that login; the undo is off")
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
