package agent

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// hostKey is that of a server.
type hostKey struct {
	ssh.Signer
	certificate *ssh.Certificate
}

func newHostKey(t testing.TB) *hostKey {
	t.Helper()
	return &hostKey{Signer: ground.Signer(t)}
}

// certified is k with a certificate by authority.
func (k *hostKey) certified(t testing.TB, authority *hostKey, change func(*ssh.Certificate)) *hostKey {
	t.Helper()
	c := &ssh.Certificate{Key: k.PublicKey(), CertType: ssh.HostCert, KeyId: "host", ValidBefore: ssh.CertTimeInfinity}
	change(c)
	if err := c.SignCert(rand.Reader, authority.Signer); err != nil {
		t.Fatal(err)
	}
	return &hostKey{k.Signer, c}
}

func (k *hostKey) blob() []byte {
	if k.certificate != nil {
		return k.certificate.Marshal()
	}
	return k.PublicKey().Marshal()
}

// bind is the request that binds a connection to a session with this server.
func (k *hostKey) bind(t testing.TB, session string, forwarding bool) *wire.Extension {
	t.Helper()
	signature, err := k.Sign(rand.Reader, []byte(session))
	if err != nil {
		t.Fatal(err)
	}
	b := &wire.SessionBind{HostKey: k.blob(), SessionID: []byte(session), Signature: ssh.Marshal(signature), Forwarding: forwarding}
	return &wire.Extension{Name: wire.ExtensionSessionBind, Contents: b.Contents()}
}

// connectFrom connects from that host, as ssh -A does for what asks there.
func connectFrom(t testing.TB, a *Agent, host *hostKey) *client {
	t.Helper()
	c := connect(t, a)
	wantSuccess(t, c.call(host.bind(t, "a", true)))
	return c
}

func wantExtensionFailure(t testing.TB, m wire.Message) {
	t.Helper()
	if _, ok := m.(*wire.ExtensionFailure); !ok {
		t.Errorf("answer is %#v, want that of an extension that failed", m)
	}
}

func TestSessionBinds(t *testing.T) {
	one, two := newHostKey(t), newHostKey(t)
	c := connect(t, New(Options{}))
	wantSuccess(t, c.call(one.bind(t, "a", true)))
	wantSuccess(t, c.call(one.bind(t, "a", true)))          // known
	wantExtensionFailure(t, c.call(two.bind(t, "a", true))) // one session, two hosts
	wantSuccess(t, c.call(one.bind(t, "b", true)))          // one host, two sessions
	wantSuccess(t, c.call(two.bind(t, "c", false)))
	wantExtensionFailure(t, c.call(two.bind(t, "d", true)))  // after a login
	wantExtensionFailure(t, c.call(two.bind(t, "d", false))) // after a login

	forged := two.bind(t, "e", true)
	forged.Contents[len(forged.Contents)-2] ^= 1 // in the signature
	wantExtensionFailure(t, connect(t, New(Options{})).call(forged))

	c = connect(t, New(Options{}))
	for i := range maxBinds {
		wantSuccess(t, c.call(one.bind(t, fmt.Sprint(i), true)))
	}
	wantExtensionFailure(t, c.call(one.bind(t, "one more", true)))

	names, ok := c.call(&wire.Extension{Name: "query"}).(*wire.ExtensionNames)
	if !ok || len(names.Names) != 1 || names.Names[0] != "session-bind@openssh.com" {
		t.Errorf("query is answered by %#v", names)
	}
	wantFailure(t, c.call(&wire.Extension{Name: "moon@example.com"}))
}

// TestAForwardedConnectionChangesNothing: whoever sits on the server that it comes
// from may list, sign, query and bind.
func TestAForwardedConnectionChangesNothing(t *testing.T) {
	broken := func(b *wire.Extension) *wire.Extension {
		b.Contents = b.Contents[:len(b.Contents)-1]
		return b
	}
	hosts := map[string]func(t *testing.T, c *client){
		"forwarding": func(t *testing.T, c *client) { wantSuccess(t, c.call(newHostKey(t).bind(t, "a", true))) },
		"forwarding, then a login from there": func(t *testing.T, c *client) {
			wantSuccess(t, c.call(newHostKey(t).bind(t, "a", true)))
			wantSuccess(t, c.call(newHostKey(t).bind(t, "b", false)))
		},
		"a bind that was refused": func(t *testing.T, c *client) {
			wantExtensionFailure(t, c.call(broken(newHostKey(t).bind(t, "a", true))))
		},
	}
	for name, bind := range hosts {
		t.Run(name, func(t *testing.T) {
			log := &ground.Buffer{}
			k, ask := newFakeKey(t, "open"), newAsker()
			locked := newFakeKey(t, "locked")
			a := New(Options{Source: sourceOf(k, locked), Ask: ask, Log: logTo(log), LockWork: 1})
			mustUnlock(t, a, "open")
			c := connect(t, a)
			bind(t, c)
			for _, m := range []wire.Message{
				added(t, newEd25519(t), "x"), &wire.RemoveIdentity{Blob: k.public.Marshal()}, &wire.RemoveAll{},
				&wire.Lock{Passphrase: []byte("x")}, &wire.Unlock{Passphrase: []byte("x")}, &wire.AddToken{Provider: "/x"}, &wire.RemoveToken{Provider: "/x"},
			} {
				wantFailure(t, c.call(m))
			}
			c.wantList("open@here", "locked@here")
			wantSignature(t, c.call(signRequest(k)), k)
			wantFailure(t, c.call(signRequest(locked))) // and nobody is asked: the asker would block
			if got := strings.Count(log.String(), "refused to a forwarded connection"); got != 8 {
				t.Errorf("%d refusals in the log: %s", got, log)
			}
			wantSuccess(t, connect(t, a).call(&wire.RemoveAll{})) // from here all of it goes
		})
	}
}

// forwardedKey is a key that forwarded connections may have opened.
type forwardedKey struct{ *fakeKey }

func (forwardedKey) ForForwarded() bool { return true }

func TestALockedKeyMayBeOpenedFromElsewhereIfItSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		a := New(Options{Source: &fakeSource{keys: []LockedKey{forwardedKey{k}}}, Ask: ask})
		c := connectFrom(t, a, newHostKey(t))
		answer := c.later(signRequest(k))
		q := <-ask.questions
		if !q.prompt.Use.Forwarded || q.prompt.Use.HostKey == "" {
			t.Errorf("asked %+v", q.prompt)
		}
		q.answer <- "right"
		wantSignature(t, <-answer, k)
	})
}

func TestWhatASignatureIsFor(t *testing.T) {
	host, other, named := newHostKey(t), newHostKey(t), newHostKey(t)
	login := &wire.Login{SessionID: []byte("a"), User: "me", Algorithm: "ssh-ed25519", Key: []byte("k"), HostKey: host.blob()}
	toNamed, plain := *login, *login
	toNamed.HostKey, plain.HostKey = named.blob(), nil
	file := []byte("SSHSIG\x00\x00\x00\x03git\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x01h")
	print, hop := ssh.FingerprintSHA256(host.PublicKey()), ssh.FingerprintSHA256(other.PublicKey())
	known := func(k ssh.PublicKey) string {
		return map[string]string{string(named.blob()): "vps1"}[string(k.Marshal())]
	}
	tests := []struct {
		name  string
		binds []*wire.Extension
		data  []byte
		want  Use
	}{
		{"login", nil, login.Data(), Use{Purpose: UseLogin, User: "me"}},
		{"login, bound", []*wire.Extension{host.bind(t, "a", false)}, login.Data(), Use{Purpose: UseLogin, User: "me", HostKey: print}},
		{"login to another session", []*wire.Extension{host.bind(t, "b", false)}, login.Data(), Use{Purpose: UseLogin, User: "me"}},
		{"login from a server", []*wire.Extension{other.bind(t, "b", true), host.bind(t, "a", false)}, login.Data(), Use{Purpose: UseLogin, User: "me", HostKey: print, Forwarded: true, Via: hop}},
		{"login that names another host key", []*wire.Extension{named.bind(t, "a", false)}, login.Data(), Use{Purpose: UseLogin, User: "me"}},
		{"login that names another host key, from a server", []*wire.Extension{other.bind(t, "b", true), other.bind(t, "a", false)}, login.Data(), Use{Purpose: UseLogin, User: "me", Forwarded: true, Via: hop}},
		{"login without a host key", []*wire.Extension{host.bind(t, "a", false)}, plain.Data(), Use{Purpose: UseLogin, User: "me", HostKey: print}},
		{"login without a host key, from a server", []*wire.Extension{other.bind(t, "b", true), host.bind(t, "a", false)}, plain.Data(), Use{Purpose: UseLogin, User: "me", Forwarded: true, Via: hop}},
		{"login to a server with a name", []*wire.Extension{named.bind(t, "a", false)}, toNamed.Data(), Use{Purpose: UseLogin, User: "me", HostKey: ssh.FingerprintSHA256(named.PublicKey()), Server: "vps1"}},
		{"login to another session of a server with a name", []*wire.Extension{named.bind(t, "b", false)}, login.Data(), Use{Purpose: UseLogin, User: "me"}},
		{"login from a server by way of one with a name", []*wire.Extension{named.bind(t, "c", true), other.bind(t, "b", true), host.bind(t, "a", false)}, login.Data(), Use{Purpose: UseLogin, User: "me", HostKey: print, Forwarded: true, Via: "vps1, then " + hop}},
		{"file", nil, file, Use{Purpose: UseFile, Namespace: "git"}},
		{"file from a server", []*wire.Extension{host.bind(t, "a", true)}, file, Use{Purpose: UseFile, Namespace: "git", HostKey: print, Forwarded: true, Via: print}},
		{"anything", nil, []byte("x"), Use{Purpose: UseOther}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b binds
			for _, m := range test.binds {
				if err := b.add(m.Contents); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.use(test.data, known); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// limit is a hop to a limit: "", a host key's name.
func limit(user, host string, keys ...*hostKey) wire.Hop {
	h := wire.Hop{User: user, Host: host}
	for _, k := range keys {
		h.Keys = append(h.Keys, wire.HopKey{Blob: k.blob()})
	}
	return h
}

// TestDestinations is restrict-destination of PROTOCOL.agent, by its rules.
func TestDestinations(t *testing.T) {
	k := newEd25519(t)
	blob := newPublic(t, k).Marshal()
	a, b, evil := newHostKey(t), newHostKey(t), newHostKey(t)
	authority := newHostKey(t)
	certified := b.certified(t, authority, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"*.example.org"} })
	toA := wire.Destination{To: limit("", "a", a)}
	aToB := wire.Destination{From: limit("", "a", a), To: limit("git*", "b", b)}
	byCA := wire.Destination{To: wire.Hop{Host: "b.example.org", Keys: []wire.HopKey{{Blob: authority.blob(), CA: true}}}}
	login := func(session, user string, host *hostKey) []byte {
		l := &wire.Login{SessionID: []byte(session), User: user, Algorithm: "ssh-ed25519", Key: blob}
		if host != nil {
			l.HostKey = host.blob()
		}
		return l.Data()
	}
	type step = *wire.Extension
	tests := []struct {
		name   string
		limits []wire.Destination
		binds  []step
		data   []byte
		lists  bool
		signs  bool
	}{
		{"no limits", nil, nil, []byte("x"), true, true},
		{"no limits, from a server", nil, []step{evil.bind(t, "e", true)}, []byte("x"), true, true},
		{"here, not bound", []wire.Destination{toA}, nil, login("a", "me", nil), true, false},
		{"there", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, login("a", "me", nil), true, true},
		{"there, host-bound", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, login("a", "me", a), true, true},
		{"there, bound to another host key", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, login("a", "me", b), true, false},
		{"there, another session", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, login("z", "me", nil), true, false},
		{"there, a file", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, []byte("SSHSIG\x00\x00\x00\x03git\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x01h"), true, false},
		{"there, with another key", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, (&wire.Login{SessionID: []byte("a"), User: "me", Algorithm: "ssh-ed25519", Key: evil.blob()}).Data(), true, false},
		{"there, by another algorithm", []wire.Destination{toA}, []step{a.bind(t, "a", false)}, (&wire.Login{SessionID: []byte("a"), User: "me", Algorithm: "ssh-rsa", Key: blob}).Data(), true, false},
		{"elsewhere", []wire.Destination{toA}, []step{evil.bind(t, "e", false)}, login("e", "me", evil), false, false},
		{"from there, no further", []wire.Destination{toA}, []step{a.bind(t, "a", true)}, login("a", "me", a), false, false},
		{"from there to b", []wire.Destination{toA, aToB}, []step{a.bind(t, "a", true), b.bind(t, "b", false)}, login("b", "git1", b), true, true},
		{"from there, asked on the way", []wire.Destination{toA, aToB}, []step{a.bind(t, "a", true)}, login("a", "git", a), true, false},
		{"from there to b, not host-bound", []wire.Destination{toA, aToB}, []step{a.bind(t, "a", true), b.bind(t, "b", false)}, login("b", "git", nil), true, false},
		{"from there to b, another user", []wire.Destination{toA, aToB}, []step{a.bind(t, "a", true), b.bind(t, "b", false)}, login("b", "root", b), true, false},
		{"from there to elsewhere", []wire.Destination{toA, aToB}, []step{a.bind(t, "a", true), evil.bind(t, "e", false)}, login("e", "git", evil), false, false},
		{"to b, but not by a", []wire.Destination{toA, aToB}, []step{b.bind(t, "b", false)}, login("b", "git", b), false, false},
		{"from elsewhere to b", []wire.Destination{toA, aToB}, []step{evil.bind(t, "e", true), b.bind(t, "b", false)}, login("b", "git", b), false, false},
		{"by a only", []wire.Destination{aToB}, []step{a.bind(t, "a", true), b.bind(t, "b", false)}, login("b", "git", b), false, false},
		{"a certified host", []wire.Destination{byCA}, []step{certified.bind(t, "b", false)}, login("b", "me", certified), true, true},
		{"the same host, plain", []wire.Destination{byCA}, []step{b.bind(t, "b", false)}, login("b", "me", b), false, false},
		{"a certificate where a plain key is meant", []wire.Destination{{To: limit("", "b", b)}}, []step{certified.bind(t, "b", false)}, login("b", "me", certified), false, false},
		{"certified by what is meant as a host", []wire.Destination{{To: limit("", "b.example.org", authority)}}, []step{certified.bind(t, "b", false)}, login("b", "me", certified), false, false},
		{"a host that is meant as an authority", []wire.Destination{{To: wire.Hop{Host: "b", Keys: []wire.HopKey{{Blob: b.blob(), CA: true}}}}}, []step{b.bind(t, "b", false)}, login("b", "me", b), false, false},
		{"certified by another", []wire.Destination{byCA}, []step{b.certified(t, evil, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"b.example.org"} }).bind(t, "b", false)}, login("b", "me", nil), false, false},
		{"certified under another name", []wire.Destination{byCA}, []step{b.certified(t, authority, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"c.example.org"} }).bind(t, "b", false)}, login("b", "me", nil), false, false},
		{"certified without a name", []wire.Destination{byCA}, []step{b.certified(t, authority, func(*ssh.Certificate) {}).bind(t, "b", false)}, login("b", "me", nil), false, false},
		{"certified as a user", []wire.Destination{byCA}, []step{b.certified(t, authority, func(c *ssh.Certificate) { c.CertType, c.ValidPrincipals = ssh.UserCert, []string{"b.example.org"} }).bind(t, "b", false)}, login("b", "me", nil), false, false},
		{"certified until yesterday", []wire.Destination{byCA}, []step{b.certified(t, authority, func(c *ssh.Certificate) {
			c.ValidBefore, c.ValidPrincipals = uint64(time.Now().Add(-24*time.Hour).Unix()), []string{"b.example.org"}
		}).bind(t, "b", false)}, login("b", "me", nil), false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			agent := New(Options{})
			m := added(t, k, "mine")
			m.Constraints = &wire.Constraints{Destinations: test.limits}
			wantSuccess(t, connect(t, agent).call(m))
			c := connect(t, agent)
			for _, b := range test.binds {
				wantSuccess(t, c.call(b))
			}
			if got := len(c.comments()) == 1; got != test.lists {
				t.Errorf("listed: %v, want %v", got, test.lists)
			}
			if _, got := c.call(&wire.SignRequest{Blob: blob, Data: test.data}).(*wire.SignResponse); got != test.signs {
				t.Errorf("signs: %v, want %v", got, test.signs)
			}
		})
	}
}

func TestAfterABindThatWasRefusedALimitedKeyIsHidden(t *testing.T) {
	agent, host := New(Options{}), newHostKey(t)
	m := added(t, newEd25519(t), "limited")
	m.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: limit("", "host", host)}}}
	c := connect(t, agent)
	wantSuccess(t, c.call(m))
	wantSuccess(t, c.call(added(t, newEd25519(t), "free")))
	forged := host.bind(t, "a", false)
	forged.Contents[len(forged.Contents)-2] ^= 1
	wantExtensionFailure(t, c.call(forged))
	c.wantList("free")
}

// TestWhatWasRefusedIsNotForgotten: a server that brings it about that the bind of
// the way to it is refused, and binds anew as it likes, is still not from here.
func TestWhatWasRefusedIsNotForgotten(t *testing.T) {
	there := newHostKey(t)
	agent := New(Options{})
	m := added(t, newEd25519(t), "limited")
	m.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: limit("", "there", there)}}}
	c := connect(t, agent)
	wantSuccess(t, c.call(m))
	forged := newHostKey(t).bind(t, "a", true)
	forged.Contents[len(forged.Contents)-2] ^= 1
	wantExtensionFailure(t, c.call(forged))
	wantSuccess(t, c.call(there.bind(t, "b", false)))
	c.wantList()
	wantFailure(t, c.call(&wire.RemoveAll{}))
	connect(t, agent).wantList("limited")
}

func TestAHostCertificateIsCheckedWhenItIsBound(t *testing.T) {
	host, authority := newHostKey(t), newHostKey(t)
	c := connect(t, New(Options{}))
	good := host.certified(t, authority, func(c *ssh.Certificate) { c.ValidPrincipals = make([]string, maxNames) })
	wantSuccess(t, c.call(good.bind(t, "a", true)))
	good.certificate.Signature.Blob[0] ^= 1
	wantExtensionFailure(t, c.call(good.bind(t, "b", true)))
	many := host.certified(t, authority, func(c *ssh.Certificate) { c.ValidPrincipals = make([]string, maxNames+1) })
	wantExtensionFailure(t, c.call(many.bind(t, "c", true)))
}

func TestAHiddenKeyCannotBeRemoved(t *testing.T) {
	k, here, there := newEd25519(t), newHostKey(t), newHostKey(t)
	agent := New(Options{})
	m := added(t, k, "mine")
	m.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: limit("", "here", here)}}}
	wantSuccess(t, connect(t, agent).call(m))
	c := connect(t, agent)
	wantSuccess(t, c.call(there.bind(t, "s", false)))
	wantFailure(t, c.call(&wire.RemoveIdentity{Blob: newPublic(t, k).Marshal()}))
	wantFailure(t, c.call(added(t, k, "without limits"))) // nor replaced
	connect(t, agent).wantList("mine")
	c.wantList()
}

func TestALimitThatNamesNoHostKeyIsRefused(t *testing.T) {
	m := added(t, newEd25519(t), "mine")
	m.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: wire.Hop{Host: "h", Keys: []wire.HopKey{{Blob: []byte("nonsense")}}}}}}
	c := connect(t, New(Options{}))
	wantFailure(t, c.call(m))
	c.wantList()
}
