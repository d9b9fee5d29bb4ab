package helper

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// The protocol of ssh-pkcs11-helper: messages of the agent protocol, some with
// other contents (RFC 9987 section 5).
const (
	askAdd     = 20
	askSign    = 13
	failed     = 5
	maxRequest = 10240 // in bytes; it ends when one is longer
)

// What the number in a refusal says (ssh-pkcs11.h). Not every version of the helper
// keeps the number: a wrong PIN may look like a token without keys.
const (
	loginFailed = 2
	pinRequired = 4
	pinLocked   = 5
)

// Token is a PKCS#11 token that is open, and the program that holds it. Its methods
// may be called at the same time; what it does itself, it does one by one.
type Token struct {
	process  *process
	patience time.Duration
	turn     chan struct{} // full while somebody is being served
	keys     []*Key
}

// Key is a key of a token, whose signatures are valid.
type Key struct {
	token  *Token
	public ssh.PublicKey
	blob   []byte
	label  string
	whole  bool // the helper signs the data themselves, not a digest of them
}

// OpenToken gives the keys of the tokens that the provider at that path finds. Each
// key makes one signature. pin is nil where none is known, and is not kept. It ends
// with ctx, which the token outlives. Errors wrap ErrNeedPIN, ErrNotAllowed, ErrNoHelper.
func (h *Hardware) OpenToken(ctx context.Context, provider string, pin []byte) (*Token, error) {
	provider, err := h.checkPath(provider)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(pin, 0) >= 0 {
		return nil, fmt.Errorf("%w: no PIN has a zero byte", ErrNeedPIN)
	}
	path, err := find(h.pkcs11, "ssh-pkcs11-helper")
	if err != nil {
		return nil, err
	}
	p, err := start(path, h.env)
	if err != nil {
		return nil, err
	}
	t := &Token{process: p, patience: h.patience, turn: make(chan struct{}, 1)}
	if err := h.load(ctx, t, provider, pin); err != nil {
		p.end()
		return nil, err
	}
	return t, nil
}

func (h *Hardware) load(ctx context.Context, t *Token, provider string, pin []byte) error {
	answer, err := t.call(ctx, addRequest(provider, pin))
	if err != nil {
		return err
	}
	listed, err := identities(answer)
	if err != nil {
		return err
	}
	for _, row := range listed {
		k, err := t.prove(ctx, row)
		if errors.Is(err, errGone) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			h.log.Warn("a key of a token is left out", "provider", provider, "label", row.Comment, "err", err)
			continue
		}
		t.keys = append(t.keys, k)
	}
	if len(t.keys) == 0 {
		return errors.New("the token has no key of use: RSA, ECDSA or Ed25519, that signs without being asked for its PIN each time")
	}
	return nil
}

// addRequest is made in one piece, so that no copy of the PIN stays behind.
func addRequest(provider string, pin []byte) []byte {
	size := 4 + 1 + 4 + len(provider) + 4 + len(pin)
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(size-4))
	b = appendString(append(b, askAdd), provider)
	return appendString(b, pin)
}

func identities(answer []byte) ([]wire.Identity, error) {
	if answer[0] == failed {
		return nil, refusal(answer[1:])
	}
	m, err := wire.Decode(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	list, ok := m.(*wire.IdentitiesAnswer)
	if !ok {
		return nil, fmt.Errorf("%w: an answer of type %d", errGone, answer[0])
	}
	return list.Identities, nil
}

func refusal(body []byte) error {
	if len(body) == 4 {
		switch binary.BigEndian.Uint32(body) {
		case loginFailed, pinRequired:
			return ErrNeedPIN
		case pinLocked:
			return errors.New("the PIN of the token is locked: too many wrong ones were given")
		}
	}
	return errors.New("the provider gives no keys: the PIN is wrong, no token is there, or none has keys")
}

// Keys are those that were found sound when the token was opened.
func (t *Token) Keys() []*Key { return t.keys }

// Close ends the program that holds the token. Calls that wait get an error. It may
// be called again.
func (t *Token) Close() { t.process.close() }

// call takes its turn and asks. Who gives up waiting (ctx) does so alone: what was
// asked goes on until it is answered, as answers bear no name, and the next one waits
// for that.
func (t *Token) call(ctx context.Context, request []byte) ([]byte, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		clear(request)
		return nil, context.Cause(ctx)
	}
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	go func() {
		late := time.AfterFunc(t.patience, t.process.end)
		answer, err := t.process.exchange(request)
		late.Stop()
		<-t.turn
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
