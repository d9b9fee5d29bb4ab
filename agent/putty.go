package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// The extensions of PuTTY's agent, by which pageant(1) and PuTTY's other programs hand
// over key files as they are, locked ones too, and see which are open. They are there
// where Options.PPK is.

var (
	// errExtension says that the extension is known and failed (RFC 9987 section 5.8).
	errExtension = errors.New("not done")
	errNoFile    = errors.New("nothing could open the key again")
)

// puttyExtensions are the names of those that s answers.
func (s *session) puttyExtensions() []string {
	if s.agent.o.PPK == nil || s.scope != nil {
		return nil
	}
	return []string{wire.ExtensionAddPPK, wire.ExtensionReencrypt, wire.ExtensionReencryptAll, wire.ExtensionListExtended}
}

// putty does one of them. From another computer a list may be had, and nothing more.
func (s *session) putty(ctx context.Context, m *wire.Extension) (answer wire.Message, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w: %w", m.Name, errExtension, err)
		}
	}()
	a := s.agent
	var said []byte
	switch m.Name {
	case wire.ExtensionAddPPK, wire.ExtensionReencrypt:
		if said, err = wire.DecodeString(m.Contents); err != nil {
			return nil, err
		}
	default:
		if len(m.Contents) > 0 {
			return nil, wire.ErrMalformed
		}
	}
	if m.Name == wire.ExtensionListExtended {
		return a.listExtended(&s.binds), nil
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	switch {
	case s.binds.remote():
		return nil, errRemote
	case m.Name == wire.ExtensionReencryptAll:
		return a.closeAll(&s.binds)
	case m.Name == wire.ExtensionReencrypt:
		return &wire.Success{}, a.closeKey(&s.binds, said)
	}
	return &wire.Success{}, s.addPPK(ctx, said)
}

// listExtended is list with what is known of each key.
func (a *Agent) listExtended(b *binds) *wire.KeyList {
	a.refresh()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	answer := &wire.KeyList{}
	if a.seal != nil {
		return answer
	}
	const flags = 4 + 4 // with their length
	listed, _ := a.keys.listed(func(e *entry) bool { return !b.mayList(e.limits.destinations, a.o.Now()) }, nil, flags)
	for _, e := range listed {
		row := wire.ListedKey{Identity: wire.Identity{Blob: e.blob, Comment: e.comment}}
		if e.atRest() != nil {
			row.Flags |= wire.FlagHasFile
		}
		if e.signer == nil {
			row.Flags |= wire.FlagIsClosed
		}
		answer.Keys = append(answer.Keys, row)
	}
	return answer
}

// addPPK takes in a key file. One that is in the clear is a key like any that is added;
// a locked one is kept as it is, and opened at its first use.
func (s *session) addPPK(ctx context.Context, file []byte) error {
	a := s.agent
	key, encrypted, err := a.o.PPK(bytes.Clone(file)) // the frame is wiped
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errUnsound, err)
	case key.Public() == nil:
		return unsound("no public half")
	case strings.ContainsRune(key.Comment(), 0): // it would end there for programs in C
		return unsound("a zero byte in the comment")
	case encrypted:
		return s.keepFile(key)
	}
	var open *signer
	err = a.work.compute(ctx, key.Public().Type() == ssh.KeyAlgoRSA, func() error {
		private, err := a.callOpen(key, nil)
		if err == nil {
			open, err = newSigner(private)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !open.is(key.Public()):
		return errWrongKey
	}
	_, err = s.keep(open, key.Comment(), a.until(open, &wire.Constraints{}), limitsOfKey{})
	return err
}

// keepFile keeps a key that a passphrase opens. A key of the Source has a file of its
// own, and needs no other; it is only shown again.
func (s *session) keepFile(key LockedKey) error {
	a := s.agent
	a.refresh()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	if err := s.mayKeepLocked(); err != nil {
		return err
	}
	blob := key.Public().Marshal()
	e := a.keys.byBlob[string(blob)]
	switch {
	case e != nil && !s.binds.mayList(e.limits.destinations, a.o.Now()):
		return elsewhere("and here already")
	case e != nil && e.locked != nil:
		e.hidden, a.keys.list = false, nil
		return nil
	case e != nil && (e.token != nil || e.signer != nil && e.signer.device != nil):
		return errors.New("the key is here already, in a device")
	case e == nil:
		if !a.keys.hasRoom(wire.Identity{Blob: blob, Comment: key.Comment()}) {
			return errFull
		}
		e = &entry{}
		e.setPublic(key.Public())
		if a.o.Life > 0 {
			e.until = a.in(a.o.Life)
		}
		a.keys.add(e)
	}
	e.file, e.comment, a.keys.list = key, key.Comment(), nil
	a.armLocked()
	return nil
}

// closeAgain is close for what can be opened again.
func (e *entry) closeAgain() error {
	if e.atRest() == nil {
		return errNoFile
	}
	e.close()
	return nil
}

// closeKey drops the private half of a key that can be opened again.
func (a *Agent) closeKey(b *binds, blob []byte) error {
	e, err := a.find(blob)
	if err != nil {
		return err
	}
	return a.drop(b, e, e.closeAgain)
}

// closeAll does so with all keys, and says how many stay open. As Pageant has it, it
// fails if that is all of them: then nothing was changed. As removeAll, it does not wait
// for the Source before it closes anything.
func (a *Agent) closeAll(b *binds) (wire.Message, error) {
	_, _ = a.closeKnown(b)
	a.refresh()
	return a.closeKnown(b)
}

func (a *Agent) closeKnown(b *binds) (wire.Message, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	open, closed := &wire.OpenKeys{}, 0
	listed, _ := a.keys.listed(func(e *entry) bool { return !b.mayList(e.limits.destinations, a.o.Now()) }, nil, 0)
	for _, e := range listed {
		if e.closeAgain() == nil {
			closed++
		} else {
			open.Count++
		}
	}
	if closed == 0 && open.Count > 0 {
		return nil, errNoFile
	}
	a.armLocked()
	a.memory.giveBackSoon()
	return open, nil
}
