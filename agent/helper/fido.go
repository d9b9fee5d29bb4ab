package helper

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// The protocol of ssh-sk-helper (ssh-sk.h), the same from OpenSSH 8.4 to 10.6.
const (
	skVersion = 5
	skError   = 0
	skSign    = 1

	logErrors = 2 // what it logs: errors, on its standard error
)

// Errors that it answers with, by their numbers there (ssherr.h).
const (
	errWrongPassphrase = 43 // that is to say: the PIN is wrong, or wanted
	errUnsupported     = 59
	errDeviceNotFound  = 60
	errPINNotSet       = 61
)

// SignFIDO signs data with a FIDO key, and returns the encoded signature. key is the
// private half as ssh-agent gets it (PROTOCOL.u2f), type first; it holds a handle and
// no secret. pin is nil where none is known, and is not kept. It takes as long as a
// person needs to touch the device. Errors wrap ErrNeedPIN, ErrNotAllowed, ErrNoHelper.
func (h *Hardware) SignFIDO(ctx context.Context, provider string, key, data, pin []byte) ([]byte, error) {
	provider, err := h.CheckProvider(provider)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(pin, 0) >= 0 {
		return nil, fmt.Errorf("%w: no PIN has a zero byte", ErrNeedPIN)
	}
	var kind struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(key, &kind); err != nil {
		return nil, fmt.Errorf("FIDO key: %w", err)
	}
	path, err := find(h.sk, "ssh-sk-helper")
	if err != nil {
		return nil, err
	}
	p, err := start(path, h.env)
	if err != nil {
		return nil, err
	}
	defer p.end()
	defer context.AfterFunc(ctx, p.end)()
	defer time.AfterFunc(h.patience, p.end).Stop()
	answer, err := p.exchange(skRequest(provider, key, data, pin))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var signature []byte
	if err == nil {
		signature, err = skAnswer(answer, strings.Replace(kind.Type, "-cert-v01@", "@", 1))
	}
	if err != nil {
		p.end()
		h.log.Debug("ssh-sk-helper made no signature", "err", err, "said", p.complaint())
	}
	return signature, err
}

// skRequest asks for a signature, length first. It is made in one piece, so that no
// copy of the PIN stays behind.
func skRequest(provider string, key, data, pin []byte) []byte {
	size := 4 + 1 + 4 + 1 + 4 + 4 + len(key) + 4 + len(provider) + 4 + len(data) + 4 + 4 + 4 + len(pin)
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(size-4))
	b = append(b, skVersion)
	b = binary.BigEndian.AppendUint32(b, skSign)
	b = append(b, 1) // logs go to its standard error
	b = binary.BigEndian.AppendUint32(b, logErrors)
	b = appendString(b, key)
	b = appendString(b, provider)
	b = appendString(b, data)
	b = appendString(b, "")                 // algorithm: the key says it
	b = binary.BigEndian.AppendUint32(b, 0) // no old errors to make again
	return appendString(b, pin)
}

// skAnswer gives the signature from an answer, which must be of the algorithm.
func skAnswer(answer []byte, algorithm string) ([]byte, error) {
	var head struct {
		Version byte
		Kind    uint32
		Rest    []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(answer, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	if head.Version != skVersion {
		return nil, fmt.Errorf("%w: it speaks version %d of its protocol, and only %d is known here", errGone, head.Version, skVersion)
	}
	switch head.Kind {
	case skError:
		var body struct{ Code uint32 }
		if err := ssh.Unmarshal(head.Rest, &body); err != nil {
			return nil, fmt.Errorf("%w: %w", errGone, err)
		}
		return nil, skErrorOf(body.Code)
	case skSign:
		var body struct{ Signature []byte }
		var signature ssh.Signature
		if err := errors.Join(ssh.Unmarshal(head.Rest, &body), ssh.Unmarshal(body.Signature, &signature)); err != nil {
			return nil, fmt.Errorf("%w: %w", errGone, err)
		}
		if signature.Format != algorithm {
			return nil, fmt.Errorf("%w: a signature of kind %q for a key of kind %q", errGone, signature.Format, algorithm)
		}
		return body.Signature, nil
	}
	return nil, fmt.Errorf("%w: an answer of kind %d", errGone, head.Kind)
}

func skErrorOf(code uint32) error {
	switch code {
	case errWrongPassphrase:
		return ErrNeedPIN
	case errUnsupported:
		return errors.New("the FIDO device cannot do what this key asks for")
	case errDeviceNotFound:
		return errors.New("no FIDO device with this key was found: is it plugged in?")
	case errPINNotSet:
		return errors.New("the key asks for a PIN, and the FIDO device has none set")
	}
	return fmt.Errorf("the FIDO device made no signature (error %d of ssh-sk-helper): it is not plugged in, was not touched in time, or did not make this key", code)
}

func appendString[T ~[]byte | string](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
