package agent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// errWeb: a browser asks FIDO devices for signatures, too. A key that was made for
// a web site must not sign what a web site would have it sign.
var errWeb = errors.New("a FIDO key that was not made for SSH signs logins and files only")

// internal is the provider that comes with OpenSSH (ssh-add(1), -S).
const internal = "internal"

// What a FIDO device does before it signs (PROTOCOL.u2f).
const touchNeeded = 1

// fido is a key that lives in a FIDO device.
type fido struct {
	hardware Hardware
	provider string
	key      *wire.SKKey
	turn     turn // of who has the device sign with this key, or gives its PIN
}

func (f *fido) sign(ctx context.Context, data []byte, _ uint32, pin []byte) ([]byte, error) {
	return f.hardware.SignFIDO(ctx, f.provider, f.key.Private(), data, pin)
}

// acceptFIDO takes in the handle of a FIDO key. Whether device and handle belong
// together only a touch could tell.
func (a *Agent) acceptFIDO(sk *wire.SKKey, blob []byte, provider string) (*signer, error) {
	if a.o.Hardware == nil {
		return nil, fmt.Errorf("FIDO key: %w", errNotDone)
	}
	if provider == "" || strings.EqualFold(provider, internal) {
		provider = internal
	} else {
		path, err := a.o.Hardware.CheckProvider(provider)
		if err != nil {
			return nil, err
		}
		provider = path
	}
	certificate, err := parseCertificate(blob)
	if err != nil {
		return nil, err
	}
	if certificate != nil && sk.Public == nil { // it stands in the certificate alone
		var body struct {
			Type, Curve string
			Point       []byte
			Application string
		}
		if err := ssh.Unmarshal(certificate.Key.Marshal(), &body); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnsound, err)
		}
		sk.Public = body.Point
	}
	public, err := ssh.ParsePublicKey(sk.Blob())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsound, err)
	}
	s := &signer{public: public, device: &fido{a.o.Hardware, provider, cloneSK(sk), make(turn, 1)}}
	return s.certified(certificate)
}

// cloneSK is a copy that outlives the frame it was read from.
func cloneSK(sk *wire.SKKey) *wire.SKKey {
	c := *sk
	c.Public, c.Handle, c.Reserved = bytes.Clone(sk.Public), bytes.Clone(sk.Handle), bytes.Clone(sk.Reserved)
	return &c
}

// byDevice has a device sign, and a person touch it or give its PIN where it wants
// that. What a lock, a removal or the end of its time takes away, it takes away
// from there, too.
func (u *signing) byDevice(ctx context.Context, d device) ([]byte, error) {
	a := u.agent
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q := &question{cancel: cancel}
	a.begin(u.entry, q)
	defer a.end(u.entry, q)
	f, isFIDO := d.(*fido)
	if isFIDO {
		if err := f.turn.take(ctx); err != nil {
			return nil, err
		}
		defer f.turn.give()
		app := f.key.Application
		if u.use().Purpose == UseOther && !strings.HasPrefix(app, "ssh:") && (a.o.Web == nil || !a.o.Web(app)) {
			return nil, errWeb
		}
		u.touch = f.key.Flags&touchNeeded != 0
		if u.touch && a.o.Ask != nil {
			p := u.prompt()
			go func() {
				defer a.Survive("showing that a device waits")
				a.o.Ask.Notify(ctx, p)
			}()
		}
	}
	signature, err := u.try(ctx, nil)
	if errors.Is(err, ErrNeedPIN) {
		signature, err = u.withPIN(ctx)
	}
	if err != nil {
		u.touch = u.touch || !isFIDO // a token does not say whether it waited for one
		return nil, err
	}
	_, err = u.key() // after all that time
	return signature, err
}

// try has the device sign, if the key may still be used.
func (u *signing) try(ctx context.Context, pin []byte) ([]byte, error) {
	s, err := u.key()
	if err != nil {
		return nil, err
	}
	if s.device == nil {
		return nil, errLocked // another one meanwhile
	}
	return s.device.sign(ctx, u.request.Data, u.request.Flags, pin)
}

func (u *signing) withPIN(ctx context.Context) (signature []byte, err error) {
	a := u.agent
	if u.scope != nil {
		return nil, errScopePIN
	}
	if a.o.Ask == nil || !a.o.Ask.CanAsk() {
		return nil, ErrCannotAsk
	}
	p := u.prompt()
	p.PIN, p.Attempt = true, 1
	a.mu.Lock()
	again := a.wasCancelledLocked(u.entry, p)
	a.mu.Unlock()
	if again {
		return nil, errAgain
	}
	pin, err := a.askOnce(ctx, &question{}, func(ctx context.Context) ([]byte, error) { return a.o.Ask.AskPassphrase(ctx, p) })
	defer clear(pin)
	if err == nil {
		u.asked = true
		return u.try(ctx, pin)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noteLocked(u.entry, p, err)
	return nil, err
}

// begin notes that a device is at work with e, so that it can be taken away.
func (a *Agent) begin(e *entry, q *question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.devices = append(e.devices, q)
}

func (a *Agent) end(e *entry, q *question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.devices = slices.DeleteFunc(e.devices, func(other *question) bool { return other == q })
}

// token is a PKCS#11 token whose keys are here. It is closed when the last of them
// is gone.
type token struct {
	Token
	provider string
	keys     int // guarded by Agent.mu
	once     sync.Once
}

// release is called for each key that goes. Closing ends another process, so it
// is done aside.
func (t *token) release() {
	if t == nil {
		return
	}
	if t.keys--; t.keys == 0 {
		go t.once.Do(t.Close)
	}
}

// inToken is a key of a token.
type inToken struct{ TokenKey }

func (k inToken) sign(ctx context.Context, data []byte, flags uint32, _ []byte) ([]byte, error) {
	return k.Sign(ctx, data, flags)
}

// addToken keeps all keys of a token, and the certificates for them that came along.
func (s *session) addToken(ctx context.Context, m *wire.AddToken) error {
	a := s.agent
	limits := cmp.Or(m.Constraints, &wire.Constraints{})
	if a.o.Hardware == nil || limits.Provider != "" {
		return errNotDone
	}
	if err := checkHosts(limits.Destinations); err != nil {
		return err
	}
	path, err := a.o.Hardware.CheckProvider(m.Provider)
	if err != nil {
		return err
	}
	if s.binds.remote() && a.hasToken(path) {
		return fmt.Errorf("%w: the token is here already, and its limits would be gone", errRemote)
	}
	s.conn.watch()
	opened, err := a.o.Hardware.OpenToken(ctx, path, m.PIN)
	if err != nil {
		return fmt.Errorf("open the token: %w", err)
	}
	t := &token{Token: opened, provider: path}
	signers, labels, err := signersOf(opened, limits.Certificates)
	if err == nil && len(signers) == 0 {
		err = errors.New("the token has no key of use")
	}
	if err != nil {
		opened.Close()
		return err
	}
	a.forgetToken(path) // as it was opened before
	for i, key := range signers {
		if err := s.keepOf(t, key, labels[i], a.until(key, limits), limitsOfKey{limits.Confirm, limits.Destinations}); err != nil {
			a.forgetToken(path)
			t.once.Do(t.Close)
			return err
		}
	}
	if !a.hasToken(path) { // all of its keys are open by other ways
		t.once.Do(t.Close)
	}
	return nil
}

func (a *Agent) hasToken(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.keys.added, func(e *entry) bool { return e.token != nil && e.token.provider == path })
}

// signersOf makes signers of a token's keys, and of the certificates for them.
func signersOf(t Token, certificates *wire.TokenCertificates) (signers []*signer, labels []string, err error) {
	for _, key := range t.Keys() {
		public, err := ssh.ParsePublicKey(key.Blob())
		if err != nil {
			continue // of a kind that we cannot use
		}
		s := &signer{public: public, device: inToken{key}}
		if certificates == nil || !certificates.Only {
			signers, labels = append(signers, s), append(labels, key.Label())
		}
		if certificates == nil {
			continue
		}
		for _, blob := range certificates.Blobs {
			certificate, err := parseCertificate(blob)
			if err != nil {
				return nil, nil, err
			}
			if s.is(certificate.Key) {
				signers, labels = append(signers, s.as(certificate)), append(labels, key.Label())
			}
		}
	}
	return signers, labels, nil
}

func (s *session) keepOf(t *token, key *signer, label string, until deadline, limits limitsOfKey) error {
	if label == "" {
		label = t.provider
	}
	a := s.agent
	e, err := s.keep(key, label, until, limits)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !e.gone && e.locked == nil {
		e.token.release()
		e.token = t
		t.keys++
	}
	return nil
}

// removeToken does what a request to remove a token does.
func (a *Agent) removeToken(provider string) error {
	if a.o.Hardware == nil {
		return errNotDone
	}
	path, err := a.o.Hardware.CheckProvider(provider)
	if err != nil {
		return err
	}
	if !a.forgetToken(path) {
		return ErrNoKey
	}
	return nil
}

// forgetToken forgets the keys of the token that the provider at path gave, if
// there are any.
func (a *Agent) forgetToken(path string) (found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range slices.Clone(a.keys.added) {
		if e.token != nil && e.token.provider == path {
			a.keys.dropAdded(e)
			found = true
		}
	}
	a.armLocked()
	return found
}
