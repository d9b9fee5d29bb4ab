package agent

import (
	"context"
	"crypto/cipher"
	"crypto/dsa" //lint:ignore SA1019 the keys of old servers
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"
)

// ErrAgentLocked says that a client has locked the agent (RFC 9987 section 5.7).
var ErrAgentLocked = errors.New("the agent is locked by ssh-add -x")

var (
	errNotLocked = errors.New("the agent is not locked")
	errEmptyLock = errors.New("an empty passphrase locks nothing")
)

// seal is the state of an agent that a client has locked: what it held open lies
// in memory encrypted under the passphrase of the lock, and nowhere else.
type seal struct {
	salt  []byte
	proof []byte // nothing, encrypted: tells the right passphrase
	ready bool   // false while the encryption is under way
}

func (s *seal) cipher(passphrase []byte, work int) (cipher.AEAD, error) {
	key, err := scrypt.Key(passphrase, s.salt, 1<<work, 8, 1, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return chacha20poly1305.NewX(key)
}

func sealed(c cipher.AEAD, plain []byte) []byte {
	nonce := make([]byte, c.NonceSize(), c.NonceSize()+len(plain)+c.Overhead())
	rand.Read(nonce)
	return c.Seal(nonce, nonce, plain, nil)
}

func unsealed(c cipher.AEAD, box []byte) ([]byte, error) {
	return c.Open(nil, box[:c.NonceSize()], box[c.NonceSize():], nil)
}

// lock does what a lock request does. From its beginning on no key is used, and
// each question that is open is taken away. The keys stay where they are until the
// encryption has its turn: another lock that comes before finds and drops them.
func (a *Agent) lock(ctx context.Context, passphrase []byte) error {
	if len(passphrase) == 0 {
		return errEmptyLock
	}
	s := &seal{salt: make([]byte, 16)}
	rand.Read(s.salt)
	if err := a.beginSeal(s); err != nil {
		return err
	}
	defer a.memory.giveBackSoon()
	defer a.breakSeal(s)
	return a.work.guess(ctx, func() error {
		c, err := s.cipher(passphrase, a.o.LockWork)
		if err != nil {
			return err
		}
		s.proof = sealed(c, nil)
		boxes, err := a.boxes(c)
		if err == nil {
			a.endSeal(s, boxes)
		}
		return err
	})
}

func (a *Agent) beginSeal(s *seal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seal != nil {
		return ErrAgentLocked
	}
	a.locks++
	a.seal = s
	for _, e := range a.keys.all() {
		e.endQuestions()
	}
	return nil
}

// boxes encrypts all private halves that are here. What lies in a device stays there.
func (a *Agent) boxes(c cipher.AEAD) (map[*signer][]byte, error) {
	boxes := map[*signer][]byte{}
	a.mu.Lock()
	for _, e := range a.keys.all() {
		if e.signer != nil && e.signer.device == nil {
			boxes[e.signer] = nil
		}
	}
	a.mu.Unlock()
	for signer := range boxes {
		plain, err := signer.marshal()
		if err != nil {
			return nil, err
		}
		boxes[signer] = sealed(c, plain)
		clear(plain)
	}
	return boxes, nil
}

// endSeal puts the boxes in the places of what is still there: the time of some may
// have ended meanwhile. Nothing comes in while the agent is being locked.
func (a *Agent) endSeal(s *seal, boxes map[*signer][]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.keys.all() {
		if e.signer != nil && e.signer.device == nil {
			e.signer, e.box = nil, boxes[e.signer]
		}
	}
	s.ready = true
}

// breakSeal lets go what could not be locked, whatever the reason.
func (a *Agent) breakSeal(s *seal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !s.ready {
		a.seal = nil
	}
}

// unlock does what an unlock request does. Of wrong guesses there are at most two
// a second.
func (a *Agent) unlock(ctx context.Context, passphrase []byte) error {
	a.mu.Lock()
	s, boxes := a.seal, map[*entry][]byte{}
	for _, e := range a.keys.all() {
		if e.box != nil {
			boxes[e] = e.box
		}
	}
	if s == nil || !s.ready {
		a.mu.Unlock()
		return errNotLocked
	}
	a.mu.Unlock()

	err := a.work.guess(ctx, func() error {
		c, err := s.cipher(passphrase, a.o.LockWork)
		if err != nil {
			return err
		}
		if _, err := unsealed(c, s.proof); err != nil {
			return ErrWrongPassphrase
		}
		signers := map[*entry]*signer{}
		for e, box := range boxes {
			if signers[e], err = openBox(c, box); err != nil {
				return err
			}
		}
		return a.endUnseal(s, signers)
	})
	a.memory.giveBackSoon()
	return err
}

func (a *Agent) endUnseal(s *seal, signers map[*entry]*signer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seal != s {
		return errNotLocked // somebody else was faster
	}
	a.sweepLocked()
	a.seal = nil
	for e, signer := range signers {
		if e.box != nil { // else its time has ended
			e.signer = signer.as(e.public)
		}
	}
	for _, e := range a.keys.all() {
		e.box = nil // one that came to another entry meanwhile opens never more
	}
	a.usedLocked()
	return nil
}

// marshal is the private half: PKCS #8, or of a DSA key its numbers.
func (s *signer) marshal() ([]byte, error) {
	if key, ok := s.private.(*dsa.PrivateKey); ok {
		return asn1.Marshal(*key)
	}
	return x509.MarshalPKCS8PrivateKey(s.private)
}

func openBox(c cipher.AEAD, box []byte) (*signer, error) {
	plain, err := unsealed(c, box)
	if err != nil {
		return nil, fmt.Errorf("what was locked: %w", err)
	}
	defer clear(plain)
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		key := new(dsa.PrivateKey)
		if _, err := asn1.Unmarshal(plain, key); err != nil {
			return nil, fmt.Errorf("what was locked: %w", err)
		}
		private = key
	}
	return assemble(private)
}
