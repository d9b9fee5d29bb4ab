package agent

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// fakeHardware stands for devices, which are not to be had here: the programs that
// reach real ones are tested where they are called.
type fakeHardware struct {
	mu     sync.Mutex
	pin    string // "" none
	signed []string
	tokens []*fakeToken
	gate   chan struct{} // if not nil, OpenToken waits until it is closed
}

func (h *fakeHardware) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signed = append(h.signed, fmt.Sprintf(format, args...))
}

func (h *fakeHardware) SignFIDO(_ context.Context, provider string, _, data, pin []byte) ([]byte, error) {
	h.note("%s %s", provider, pin)
	if string(pin) != h.pin {
		return nil, ErrNeedPIN
	}
	return []byte("signed " + string(data)), nil
}

func (h *fakeHardware) CheckProvider(provider string) (string, error) {
	if provider == "/evil" {
		return "", ErrProvider
	}
	return "/real" + provider, nil
}

func (h *fakeHardware) OpenToken(_ context.Context, provider string, pin []byte) (Token, error) {
	if string(pin) != "1234" {
		return nil, errors.New("wrong PIN")
	}
	if h.gate != nil {
		<-h.gate
	}
	t := &fakeToken{closed: make(chan struct{})}
	for range 2 {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		signer, err := ssh.NewSignerFromKey(private)
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, fakeTokenKey{signer})
	}
	h.tokens = append(h.tokens, t)
	return t, nil
}

type fakeToken struct {
	keys   []TokenKey
	closed chan struct{}
}

func (t *fakeToken) Keys() []TokenKey { return t.keys }
func (t *fakeToken) Close()           { close(t.closed) }

type fakeTokenKey struct{ ssh.Signer }

func (k fakeTokenKey) Blob() []byte  { return k.PublicKey().Marshal() }
func (k fakeTokenKey) Label() string { return "card" }
func (k fakeTokenKey) Sign(_ context.Context, data []byte, _ uint32) ([]byte, error) {
	s, err := k.Signer.Sign(nil, data)
	if err != nil {
		return nil, err
	}
	return ssh.Marshal(s), nil
}

func fidoKey(application string) *wire.AddIdentity {
	public := make([]byte, 32)
	public[0] = 1
	return &wire.AddIdentity{Comment: "fido", Key: &wire.SKKey{Public: public, Application: application, Flags: touchNeeded, Handle: []byte("handle"), Reserved: []byte{}}}
}

func (c *client) signOnly(data []byte) wire.Message {
	c.t.Helper()
	list := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
	return c.call(&wire.SignRequest{Blob: list.Identities[0].Blob, Data: data})
}

func TestFIDOKeys(t *testing.T) {
	hardware := &fakeHardware{}
	a := New(Options{Hardware: hardware, LockWork: 1, Web: func(app string) bool { return app == "allowed" }})
	c := connect(t, a)
	login := (&wire.Login{SessionID: []byte("a"), User: "me", Algorithm: "x", Key: []byte("k")}).Data()
	wantFailure(t, connect(t, New(Options{})).call(fidoKey("ssh:"))) // no hardware
	for _, test := range []struct {
		application, provider, with string
		data                        []byte
		signs                       bool
	}{
		{"ssh:", "", "internal ", []byte("x"), true},
		{"ssh:", "internal", "internal ", []byte("x"), true},
		{"ssh:work", "/lib.so", "/real/lib.so ", []byte("x"), true},
		{"webauthn.example", "", "", []byte("x"), false},
		{"webauthn.example", "", "internal ", login, true},
		{"allowed", "", "internal ", []byte("x"), true},
	} {
		m := fidoKey(test.application)
		if test.provider != "" {
			m.Constraints = &wire.Constraints{Provider: test.provider}
		}
		wantSuccess(t, c.call(m))
		wantSuccess(t, c.call(locking)) // there is nothing to seal
		wantSuccess(t, c.call(unlocking))
		hardware.signed = nil
		answer, signs := c.signOnly(test.data).(*wire.SignResponse)
		if signs != test.signs || signs && string(answer.Signature) != "signed "+string(test.data) {
			t.Errorf("%+v: %v", test, answer)
		}
		if test.signs && !slices.Equal(hardware.signed, []string{test.with}) {
			t.Errorf("%+v: %q", test, hardware.signed)
		}
		wantSuccess(t, c.call(&wire.RemoveAll{}))
	}
	m := fidoKey("ssh:")
	m.Constraints = &wire.Constraints{Provider: "/evil"}
	wantFailure(t, c.call(m))
	m = added(t, newEd25519(t), "plain")
	m.Constraints = &wire.Constraints{Provider: "internal"}
	wantFailure(t, c.call(m))
	c.wantList()
}

// TestThePINIsAskedForOnce: a device that wants one gets it, and the person is told.
func TestThePINIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := newAsker()
		a := New(Options{Hardware: &fakeHardware{pin: "right"}, Ask: ask})
		c := connect(t, a)
		wantSuccess(t, c.call(fidoKey("ssh:")))
		for passphrase, good := range map[string]bool{"right": true, "wrong": false} {
			list := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
			answer := c.later(&wire.SignRequest{Blob: list.Identities[0].Blob, Data: []byte("x")})
			q := <-ask.questions
			if !q.prompt.PIN || q.prompt.Comment != "fido" {
				t.Errorf("asked %+v", q.prompt)
			}
			q.answer <- passphrase
			if _, got := (<-answer).(*wire.SignResponse); got != good {
				t.Errorf("PIN %q: %v", passphrase, got)
			}
		}
	})
	c := connect(t, New(Options{Hardware: &fakeHardware{pin: "right"}}))
	wantSuccess(t, c.call(fidoKey("ssh:")))
	wantFailure(t, c.signOnly([]byte("x"))) // nobody can be asked
}

// slowHardware holds a signature until it is taken away.
type slowHardware struct {
	fakeHardware
	began chan struct{}
}

func (h *slowHardware) SignFIDO(ctx context.Context, _ string, _, _, _ []byte) ([]byte, error) {
	h.began <- struct{}{}
	<-ctx.Done()
	return []byte("too late"), nil
}

// TestADeviceIsNotWaitedForAnyMore once the agent was locked or the key removed, be
// it for a touch or for its PIN.
func TestADeviceIsNotWaitedForAnyMore(t *testing.T) {
	ends := map[string]func(t *testing.T, a *Agent){
		"locked":  func(t *testing.T, a *Agent) { wantSuccess(t, connect(t, a).call(locking)) },
		"removed": func(_ *testing.T, a *Agent) { a.RemoveAll() },
	}
	for name, end := range ends {
		t.Run("touch, "+name, func(t *testing.T) {
			hardware := &slowHardware{began: make(chan struct{})}
			a := New(Options{Hardware: hardware, LockWork: 1})
			c := connect(t, a)
			wantSuccess(t, c.call(fidoKey("ssh:")))
			list := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
			answer := c.later(&wire.SignRequest{Blob: list.Identities[0].Blob, Data: []byte("x")})
			<-hardware.began
			end(t, a)
			wantFailure(t, <-answer)
		})
		t.Run("PIN, "+name, func(t *testing.T) {
			ask := newAsker()
			a := New(Options{Hardware: &fakeHardware{pin: "right"}, Ask: ask, LockWork: 1})
			c := connect(t, a)
			wantSuccess(t, c.call(fidoKey("ssh:")))
			list := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
			answer := c.later(&wire.SignRequest{Blob: list.Identities[0].Blob, Data: []byte("x")})
			q := <-ask.questions
			end(t, a)
			<-q.ctx.Done()
			wantFailure(t, <-answer)
		})
	}
}

// TestOneKeyOneDeviceOneAtATime: nobody is asked twice for one PIN.
func TestOneKeyOneDeviceOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := newAsker()
		a := New(Options{Hardware: &fakeHardware{pin: "right"}, Ask: ask})
		c := connect(t, a)
		wantSuccess(t, c.call(fidoKey("ssh:")))
		list := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
		request := &wire.SignRequest{Blob: list.Identities[0].Blob, Data: []byte("x")}
		one, two := connect(t, a).later(request), connect(t, a).later(request)
		q := <-ask.questions
		synctest.Wait()
		select {
		case q := <-ask.questions:
			t.Errorf("asked beside it: %+v", q.prompt)
		default:
		}
		q.answer <- "right"
		(<-ask.questions).answer <- "right"
		for _, answer := range []<-chan wire.Message{one, two} {
			if _, ok := (<-answer).(*wire.SignResponse); !ok {
				t.Error("it does not sign")
			}
		}
	})
}

// TestAKeyOfATokenThatTurnsUpInTheSource is not signed for by a token that is closed.
func TestAKeyOfATokenThatTurnsUpInTheSource(t *testing.T) {
	hardware, source := &fakeHardware{}, &fakeSource{}
	a := New(Options{Hardware: hardware, Source: source})
	c := connect(t, a)
	wantSuccess(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}))
	k := &fakeKey{name: "same", public: hardware.tokens[0].keys[0].(fakeTokenKey).PublicKey()}
	source.set(k)
	c.wantList("same@here", "card")
	wantFailure(t, c.call(signRequest(k)))
}

func TestTokens(t *testing.T) {
	hardware := &fakeHardware{}
	a := New(Options{Hardware: hardware})
	c := connect(t, a)
	wantFailure(t, connect(t, New(Options{})).call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}))
	wantFailure(t, c.call(&wire.AddToken{Provider: "/evil", PIN: []byte("1234")}))
	wantFailure(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("0")}))
	wantFailure(t, c.call(&wire.RemoveToken{Provider: "/lib"}))

	wantSuccess(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}))
	c.wantList("card", "card")
	if c.signAll() != 2 {
		t.Error("they do not sign")
	}
	wantSuccess(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")})) // opened anew
	c.wantList("card", "card")
	<-hardware.tokens[0].closed
	wantSuccess(t, c.call(&wire.RemoveToken{Provider: "/lib"}))
	c.wantList()
	<-hardware.tokens[1].closed

	wantSuccess(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}))
	wantSuccess(t, c.call(&wire.RemoveAll{}))
	<-hardware.tokens[2].closed
}

// TestATokenThatIsNotTakenIn is closed, and the log says what was wrong: with it, or with a certificate that came along.
func TestATokenThatIsNotTakenIn(t *testing.T) {
	const noKey = "no key of use"
	hardware, log := &fakeHardware{}, &ground.Buffer{}
	c := connect(t, New(Options{Hardware: hardware, Log: logTo(log)}))
	for i, certificates := range []*wire.TokenCertificates{
		{Blobs: [][]byte{[]byte("no certificate")}},
		{Only: true, Blobs: [][]byte{}},
	} {
		wantFailure(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234"), Constraints: &wire.Constraints{Certificates: certificates}}))
		<-hardware.tokens[i].closed
		if said := strings.Contains(log.String(), noKey); said != certificates.Only {
			t.Errorf("%+v: the log says %s", certificates, log)
		}
	}
	c.wantList()
}

// TestAKeyIsRemovedOnce: of two who ask for it at once the second hears that it is gone, and its token, which has another
// key, stays open.
func TestAKeyIsRemovedOnce(t *testing.T) {
	a := New(Options{Hardware: &fakeHardware{}})
	c := connect(t, a)
	wantSuccess(t, c.call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}))
	blob := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer).Identities[0].Blob
	e, err := a.find(blob) // and now the other one is faster
	if err != nil {
		t.Fatal(err)
	}
	wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: blob}))
	dropped := a.drop(&binds{}, e, func() error {
		a.removeLocked(e)
		return nil
	})
	if !errors.Is(dropped, ErrNoKey) {
		t.Errorf("removed twice: %v", dropped)
	}
	c.wantList("card")
	a.mu.Lock()
	defer a.mu.Unlock()
	if rest := a.keys.added[0].token.keys; rest != 1 {
		t.Errorf("of the token %d keys are left, and one is listed", rest)
	}
}

// TestWhoMayNameAProvider: nobody from elsewhere, unless the one who started the
// agent said so.
func TestWhoMayNameAProvider(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		a := New(Options{Hardware: &fakeHardware{}, RemoteProviders: allowed})
		c := connectFrom(t, a, newHostKey(t))
		for _, m := range []wire.Message{&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}, &wire.RemoveToken{Provider: "/lib"}} {
			if _, got := c.call(m).(*wire.Success); got != allowed {
				t.Errorf("%T: %v, want %v", m, got, allowed)
			}
		}
		c = connect(t, a)
		m := &wire.AddToken{Provider: "/lib", PIN: []byte("1234"), Constraints: &wire.Constraints{Confirm: true}}
		wantSuccess(t, c.call(m))
		wantSuccess(t, c.call(newHostKey(t).bind(t, "a", true)))
		m.Constraints = nil
		wantFailure(t, c.call(m)) // its limits would be gone
		c.wantList("card", "card")
	}
}
