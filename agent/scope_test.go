package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// connectAt is connect to a narrower socket. Connections to the same one share s.
func connectAt(t testing.TB, a *Agent, s *scope) *client {
	t.Helper()
	near, far := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.serveConn(context.Background(), far, Peer{UID: "1000", PID: 42, Program: "/usr/bin/agentic"}, s)
	}()
	t.Cleanup(func() {
		near.Close()
		<-ended
	})
	return &client{t, near, wire.NewReader(near)}
}

func mustBegin(t testing.TB, s Scope) *scope {
	t.Helper()
	one, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func line(k *hostKey) string { return string(ssh.MarshalAuthorizedKey(k.PublicKey())) }

func fileOf(namespace string) []byte {
	return fmt.Appendf(nil, "SSHSIG\x00\x00\x00%c%s\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x01h", len(namespace), namespace)
}

func loginOf(k *fakeKey, session, user string, host *hostKey) []byte {
	l := &wire.Login{SessionID: []byte(session), User: user, Algorithm: "ssh-ed25519", Key: k.public.Marshal()}
	if host != nil {
		l.HostKey = host.blob()
	}
	return l.Data()
}

// TestNarrowerSockets: rows are what a socket is for, and what comes there. First the
// list, by names; then what may be signed, of all that is tried.
func TestNarrowerSockets(t *testing.T) {
	k, other := newFakeKey(t, "ci"), newFakeKey(t, "laptop")
	here, there, authority := newHostKey(t), newHostKey(t), newHostKey(t)
	certified := here.certified(t, authority, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"h.example"} })
	elsewhere := there.certified(t, authority, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"other.example"} })
	toHere := []ScopeHost{{Name: "h", KnownAs: "h.example", Keys: []string{line(here)}}}
	toDeploy := []ScopeHost{{Name: "deploy@h", User: "deploy", KnownAs: "h.example", Keys: []string{line(here)}}}
	byCA := []ScopeHost{{Name: "h", KnownAs: "h.example", Authorities: []string{line(authority)}}}
	forged := here.bind(t, "s", false)
	forged.Contents[len(forged.Contents)-2] ^= 1

	data := []struct {
		name string
		data []byte
	}{
		{"login", loginOf(k, "s", "me", here)}, {"deploy", loginOf(k, "s", "deploy", here)}, {"certified", loginOf(k, "s", "me", certified)},
		{"no host key", loginOf(k, "s", "me", nil)}, {"another session", loginOf(k, "t", "me", here)},
		{"another's login", loginOf(other, "s", "me", here)}, {"git", fileOf("git")}, {"file", fileOf("file")}, {"other", []byte("anything")},
	}
	const logins = "login, deploy, certified, no host key, another session"
	const all = logins + ", git, file, other"
	tests := []struct {
		name         string
		scope        Scope
		binds        []*wire.Extension
		lists, signs string
	}{
		{"a key", Scope{Keys: []string{"ci"}}, nil, "ci@here", all},
		{"a key by its fingerprint", Scope{Keys: []string{ssh.FingerprintSHA256(k.public)}}, nil, "ci@here", all},
		{"a key that is not there", Scope{Keys: []string{"gone"}}, nil, "", ""},
		{"logins", Scope{Purposes: []string{UseLogin}}, nil, "ci@here laptop@here", logins},
		{"git", Scope{Purposes: []string{UseGit}}, nil, "ci@here laptop@here", "git"},
		{"files", Scope{Purposes: []string{UseFile}}, nil, "ci@here laptop@here", "git, file"},
		{"git and logins of another key", Scope{Purposes: []string{UseGit, UseLogin}, Keys: []string{"laptop"}}, nil, "laptop@here", ""},
		{"git, bound", Scope{Purposes: []string{UseGit}}, []*wire.Extension{here.bind(t, "s", false)}, "", "git"},
		{"a host, not bound", Scope{Hosts: toHere}, nil, "ci@here laptop@here", ""},
		{"a host, bound", Scope{Hosts: toHere}, []*wire.Extension{here.bind(t, "s", false)}, "ci@here laptop@here", "login, deploy"},
		{"a host, bound to another", Scope{Hosts: toHere}, []*wire.Extension{there.bind(t, "s", false)}, "", ""},
		{"a host, bound to another in its session", Scope{Hosts: toHere}, []*wire.Extension{here.bind(t, "t", false)}, "ci@here laptop@here", "another session"},
		{"a host and git, bound to another", Scope{Hosts: toHere, Purposes: []string{UseLogin, UseGit}}, []*wire.Extension{there.bind(t, "s", false)}, "", "git"},
		{"a user there", Scope{Hosts: toDeploy}, []*wire.Extension{here.bind(t, "s", false)}, "ci@here laptop@here", "deploy"},
		{"an authority", Scope{Hosts: byCA}, []*wire.Extension{certified.bind(t, "s", false)}, "ci@here laptop@here", "certified"},
		{"an authority, another name", Scope{Hosts: byCA}, []*wire.Extension{elsewhere.bind(t, "s", false)}, "", ""},
		{"an authority, no certificate", Scope{Hosts: byCA}, []*wire.Extension{here.bind(t, "s", false)}, "", ""},
		{"forwarded", Scope{Keys: []string{"ci"}}, []*wire.Extension{here.bind(t, "s", true)}, "", ""},
		{"forwarded by the host", Scope{Hosts: toHere}, []*wire.Extension{here.bind(t, "s", true), there.bind(t, "u", false)}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := New(Options{Source: sourceOf(k, other)})
			mustUnlock(t, a, "ci", "laptop")
			c := connectAt(t, a, mustBegin(t, test.scope))
			for _, b := range test.binds {
				wantSuccess(t, c.call(b))
			}
			if got := strings.Join(c.comments(), " "); got != test.lists {
				t.Errorf("listed: %s, want %s", got, test.lists)
			}
			var signed []string
			for _, d := range data {
				if _, ok := c.call(&wire.SignRequest{Blob: k.public.Marshal(), Data: d.data}).(*wire.SignResponse); ok {
					signed = append(signed, d.name)
				}
			}
			if got := strings.Join(signed, ", "); got != test.signs {
				t.Errorf("signed: %s, want %s", got, test.signs)
			}
		})
	}
	t.Run("the reason names the hosts", func(t *testing.T) {
		j := &fakeJournal{}
		a := New(Options{Source: sourceOf(k), Journal: j})
		mustUnlock(t, a, "ci")
		c := connectAt(t, a, mustBegin(t, Scope{Hosts: []ScopeHost{{Name: "h", User: "deploy", Keys: []string{line(here)}}}}))
		wantSuccess(t, c.call(here.bind(t, "s", false)))
		wantFailure(t, c.call(&wire.SignRequest{Blob: k.public.Marshal(), Data: loginOf(k, "s", "me", here)}))
		j.want(t, RequestSign, Refused, "logins only to deploy@h, ")
	})
	t.Run("a bind that was refused", func(t *testing.T) {
		a := New(Options{Source: sourceOf(k)})
		mustUnlock(t, a, "ci")
		c := connectAt(t, a, mustBegin(t, Scope{Keys: []string{"ci"}}))
		wantExtensionFailure(t, c.call(forged))
		c.wantList()
		wantFailure(t, c.call(&wire.SignRequest{Blob: k.public.Marshal(), Data: loginOf(k, "s", "me", nil)}))
	})
}

// TestANarrowerSocketChangesNothing: all that there is beside lists, signatures, binds
// and queries is refused, and recorded.
func TestANarrowerSocketChangesNothing(t *testing.T) {
	k, journal := newFakeKey(t, "ci"), &fakeJournal{}
	a := New(Options{Source: sourceOf(k), LockWork: 1, Journal: journal, PPK: func([]byte) (LockedKey, bool, error) { return k, true, nil }})
	mustUnlock(t, a, "ci")
	c := connectAt(t, a, mustBegin(t, Scope{Name: "box", Keys: []string{"ci"}}))
	for _, m := range []wire.Message{
		added(t, newEd25519(t), "x"), added(t, k.private, "the same"), &wire.RemoveIdentity{Blob: k.public.Marshal()}, &wire.RemoveAll{},
		&wire.Lock{Passphrase: []byte("x")}, &wire.Unlock{Passphrase: []byte("x")}, &wire.AddToken{Provider: "/x"}, &wire.RemoveToken{Provider: "/x"},
	} {
		wantFailure(t, c.call(m))
		forgetRefused(a)
		if all := journal.taken(); len(all) != 1 || all[0].Socket != "box" || all[0].Request != RequestChange || all[0].Decision != Refused {
			t.Errorf("%T: recorded %+v", m, all)
		}
	}
	for _, name := range []string{wire.ExtensionAddPPK, wire.ExtensionReencrypt, wire.ExtensionReencryptAll, wire.ExtensionListExtended} {
		wantFailure(t, c.call(&wire.Extension{Name: name}))
	}
	names, ok := c.call(&wire.Extension{Name: wire.ExtensionQuery}).(*wire.ExtensionNames)
	if !ok || len(names.Names) != 1 {
		t.Errorf("query is answered by %+v", names)
	}
	wantSignature(t, c.call(signRequest(k)), k)
	connect(t, a).wantList("ci@here")
}

// TestNobodyOpensAKeyFromANarrowerSocket: not even where a person could be asked.
func TestNobodyOpensAKeyFromANarrowerSocket(t *testing.T) {
	k, ask := newFakeKey(t, "ci"), newAsker()
	t.Cleanup(func() { close(ask.questions) })
	go func() {
		for q := range ask.questions {
			t.Errorf("asked %+v", q.prompt)
			q.answer <- ""
		}
	}()
	a := New(Options{Source: sourceOf(k), Ask: ask})
	c := connectAt(t, a, mustBegin(t, Scope{Name: "box", Keys: []string{"ci"}, Confirm: true}))
	wantFailure(t, c.call(signRequest(k)))
	if s := keyStatus(t, a, "ci"); !s.Locked || s.Refused == nil || s.Refused.Peer.Program != "/usr/bin/agentic" || s.Refused.Socket != "box" {
		t.Errorf("%+v", s)
	}
	hardware := &fakeHardware{pin: "1234"}
	b := New(Options{Ask: ask, Hardware: hardware})
	wantSuccess(t, connect(t, b).call(fidoKey("ssh:")))
	c = connectAt(t, b, mustBegin(t, Scope{Purposes: []string{UseFile}}))
	wantFailure(t, c.signOnly(fileOf("file")))
	wantFailure(t, c.signOnly(fileOf("file"))) // and the device does not blink all the time
	if len(hardware.signed) != 1 {
		t.Errorf("the device was asked: %q", hardware.signed)
	}
}

// TestANarrowerSocketAsks: each use, one question at a time; and who gets no yes does not
// ask again for a while, whatever they call themselves and whatever they want.
func TestANarrowerSocketAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "ci"), newConfirmer()
		a := New(Options{Source: sourceOf(k), Ask: ask})
		mustUnlock(t, a, "ci")
		s := mustBegin(t, Scope{Name: "box", Keys: []string{"ci"}, Confirm: true})
		sign := func(data string) <-chan wire.Message {
			return connectAt(t, a, s).later(&wire.SignRequest{Blob: k.public.Marshal(), Data: []byte(data)})
		}
		noQuestion := func() {
			t.Helper()
			synctest.Wait()
			select {
			case q := <-ask.questions:
				t.Fatalf("asked %+v", q.prompt)
			default:
			}
		}
		c := connectAt(t, a, s)
		one := c.later(signRequest(k))
		q := <-ask.questions
		if q.prompt.Use.Socket != "box" {
			t.Errorf("asked %+v", q.prompt)
		}
		two := sign("another")
		noQuestion() // it waits
		q.answer <- nil
		wantSignature(t, <-one, k)
		(<-ask.questions).answer <- errRefused
		wantFailure(t, <-two)

		pause := afterCancel
		for range 9 {
			time.Sleep(pause - time.Second)
			three := sign("more")
			noQuestion()
			wantFailure(t, <-three)
			time.Sleep(2 * time.Second)
			gone := connectAt(t, a, s)
			gone.send(signRequest(k))
			<-ask.questions
			gone.Close() // to hang up is no yes, and no way to come again at once
			synctest.Wait()
			pause = min(2*pause, maxQuiet)
		}
		local := connect(t, a).later(signRequest(k)) // which needs no yes
		wantSignature(t, <-local, k)
		time.Sleep(maxQuiet)
		five := sign("data")
		(<-ask.questions).answer <- nil
		wantSignature(t, <-five, k)
		six := sign("again")
		(<-ask.questions).answer <- errRefused
		wantFailure(t, <-six)
		time.Sleep(afterCancel + time.Second) // after a yes it is short again
		seven := sign("data")
		(<-ask.questions).answer <- nil
		wantSignature(t, <-seven, k)
	})
}

// TestANoAtANarrowerSocketSilencesNobodyElse: the program calls itself what it likes.
func TestANoAtANarrowerSocketSilencesNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "ci"), newConfirmer()
		a := New(Options{Ask: ask})
		confirming(t, a, k)
		near, far := net.Pipe()
		go a.serveConn(t.Context(), far, Peer{UID: "1000", PID: 42, Program: "/usr/bin/ssh"}, mustBegin(t, Scope{Name: "box", Purposes: []string{UseFile}}))
		c := &client{t, near, wire.NewReader(near)}
		there := c.later(&wire.SignRequest{Blob: k.public.Marshal(), Data: fileOf("file")})
		q := <-ask.questions
		if q.prompt.Holds {
			t.Error("a yes would hold for whatever calls itself so")
		}
		q.answer <- ErrCancelled
		wantFailure(t, <-there)
		near.Close()
		here := connect(t, a).later(signRequest(k))
		(<-ask.questions).answer <- nil
		wantSignature(t, <-here, k)
	})
}

// TestANarrowerSocketTakesNoPlaceOfOthers: it has its own number of connections.
func TestANarrowerSocketTakesNoPlaceOfOthers(t *testing.T) {
	a := New(Options{})
	s := mustBegin(t, Scope{Purposes: []string{UseGit}})
	l := &pipeListener{conns: make(chan net.Conn), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.serve(ctx, l, func(net.Conn) (Peer, error) { return Peer{}, nil }, s) }()
	for range maxScopeConns {
		c := l.dial(t)
		c.wantList()
	}
	if n := len(a.conns); n != 0 {
		t.Errorf("%d places of the agent are taken", n)
	}
	near, far := net.Pipe()
	l.conns <- far
	near.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("one more is served: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestANarrowerSocketTakesOneHeavyPlace: whatever is asked for there, others wait for one signature at most.
func TestANarrowerSocketTakesOneHeavyPlace(t *testing.T) {
	k := newFakeRSA(t, "rsa")
	a := New(Options{Source: sourceOf(k)})
	mustUnlock(t, a, "rsa")
	s := mustBegin(t, Scope{Keys: []string{"rsa"}})
	for range cap(a.work.heavy) {
		a.work.heavy <- struct{}{}
	}
	one, two := connectAt(t, a, s).later(signRequest(k)), connectAt(t, a, s).later(signRequest(k))
	release := sync.OnceFunc(func() {
		for range cap(a.work.heavy) {
			<-a.work.heavy
		}
	})
	defer release()
	ground.Until(t, "a signature from there waits", func() bool { return len(s.heavy) == 1 })
	release()
	wantSignature(t, <-one, k)
	wantSignature(t, <-two, k)
}

// pipeListener gives out what the test sends it.
type pipeListener struct {
	conns chan net.Conn
	ended chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.ended); return nil }
func (l *pipeListener) Addr() net.Addr { return nil }

func (l *pipeListener) dial(t *testing.T) *client {
	near, far := net.Pipe()
	l.conns <- far
	t.Cleanup(func() { near.Close() })
	return &client{t, near, wire.NewReader(near)}
}

func TestScopesThatDoNotHoldTogether(t *testing.T) {
	host := ScopeHost{Name: "h", KnownAs: "h", Keys: []string{line(newHostKey(t))}}
	for name, s := range map[string]Scope{
		"nothing":             {Name: "x"},
		"a yes alone":         {Confirm: true},
		"no such purpose":     {Purposes: []string{"moon"}},
		"hosts and no logins": {Purposes: []string{UseGit}, Hosts: []ScopeHost{host}},
		"a host without keys": {Hosts: []ScopeHost{{Name: "h"}}},
		"a key that is none":  {Hosts: []ScopeHost{{Name: "h", Keys: []string{"ssh-ed25519 AAAA"}}}},
	} {
		if err := s.Check(); !errors.Is(err, ErrScope) {
			t.Errorf("%s: %v", name, err)
		}
		near, _ := net.Pipe()
		l := &pipeListener{conns: make(chan net.Conn), ended: make(chan struct{})}
		if err := New(Options{}).ServeScoped(t.Context(), l, nil, s); !errors.Is(err, ErrScope) {
			t.Errorf("%s: served: %v", name, err)
		}
		near.Close()
	}
	if err := (Scope{Hosts: []ScopeHost{host}}).Check(); err != nil {
		t.Error(err)
	}
}
