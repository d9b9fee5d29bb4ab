package wire

import (
	"errors"
	"fmt"
)

// ErrUnknown says that a message, a kind of key or a constraint is none that
// this package knows. Errors of Decode wrap it, or ErrMalformed.
var ErrUnknown = errors.New("unknown in the agent protocol")

// Decode reads one message, as Reader.Next gives it. It returns an error that
// wraps ErrMalformed or ErrUnknown, and never a message that it did not
// understand to the last byte.
func Decode(frame []byte) (Message, error) {
	c := &cursor{rest: frame}
	kind := Type(c.byte())
	m, err := decodeBody(kind, c)
	if err != nil {
		return nil, err
	}
	if c.bad || len(c.rest) > 0 {
		return nil, fmt.Errorf("message %d: %w", kind, ErrMalformed)
	}
	return m, nil
}

func decodeBody(kind Type, c *cursor) (Message, error) {
	switch kind {
	case TypeRequestIdentities:
		return &RequestIdentities{}, nil
	case TypeSignRequest:
		return &SignRequest{Blob: c.bytes(), Data: c.bytes(), Flags: c.uint32()}, nil
	case TypeAddIdentity:
		return decodeAdd(c, false)
	case TypeAddIDConstrained:
		return decodeAdd(c, true)
	case TypeRemoveIdentity:
		return &RemoveIdentity{Blob: c.bytes()}, nil
	case TypeRemoveAll:
		return &RemoveAll{}, nil
	case TypeLock:
		return &Lock{Passphrase: c.bytes()}, nil
	case TypeUnlock:
		return &Unlock{Passphrase: c.bytes()}, nil
	case TypeExtension:
		return &Extension{Name: c.string(), Contents: c.all()}, nil
	}
	return decodeAnswer(kind, c)
}

func decodeAnswer(kind Type, c *cursor) (Message, error) {
	switch kind {
	case TypeFailure:
		return &Failure{}, nil
	case TypeSuccess:
		return &Success{}, nil
	case TypeExtensionFailure:
		return &ExtensionFailure{}, nil
	case TypeIdentitiesAnswer:
		return decodeIdentities(c), nil
	case TypeSignResponse:
		return &SignResponse{Signature: c.bytes()}, nil
	}
	if c.bad {
		return nil, fmt.Errorf("empty message: %w", ErrMalformed)
	}
	return nil, fmt.Errorf("message %d: %w", kind, ErrUnknown)
}

func decodeIdentities(c *cursor) *IdentitiesAnswer {
	count := c.uint32()
	answer := &IdentitiesAnswer{Identities: []Identity{}}
	for range count { // a lying count ends at the first row that is not there
		row := Identity{Blob: c.bytes(), Comment: c.string()}
		if c.bad {
			break
		}
		answer.Identities = append(answer.Identities, row)
	}
	return answer
}

func decodeAdd(c *cursor, constrained bool) (Message, error) {
	key, err := decodeKey(c)
	if err != nil {
		return nil, err
	}
	m := &AddIdentity{Key: key, Comment: c.string()}
	if constrained {
		m.Constraints, err = decodeConstraints(c)
	}
	return m, err
}

// curves maps the type of an ECDSA key to the curve it must name
// (RFC 5656 section 3.1).
var curves = map[string]string{
	"ecdsa-sha2-nistp256": "nistp256",
	"ecdsa-sha2-nistp384": "nistp384",
	"ecdsa-sha2-nistp521": "nistp521",
}

func decodeKey(c *cursor) (any, error) {
	kind := c.string()
	switch kind {
	case "ssh-ed25519":
		return &Ed25519Key{Public: c.bytes(), Private: c.bytes()}, nil
	case "ssh-rsa":
		return &RSAKey{N: c.number(), E: c.number(), D: c.number(),
			IQMP: c.number(), P: c.number(), Q: c.number()}, nil
	}
	if c.bad {
		return nil, fmt.Errorf("added key: %w", ErrMalformed)
	}
	curve, ok := curves[kind]
	if !ok {
		return nil, fmt.Errorf("added key of type %q: %w", kind, ErrUnknown)
	}
	key := &ECDSAKey{Curve: c.string(), Point: c.bytes(), D: c.number()}
	if key.Curve != curve {
		return nil, fmt.Errorf("added key of type %q names curve %q: %w", kind, key.Curve, ErrMalformed)
	}
	return key, nil
}

const (
	constrainLifetime  = 1
	constrainConfirm   = 2
	constrainExtension = 255
)

// decodeConstraints reads to the end of the message. One that stands there
// twice is refused as OpenSSH refuses it: which of the two was meant?
func decodeConstraints(c *cursor) (*Constraints, error) {
	limits := &Constraints{}
	for !c.bad && len(c.rest) > 0 {
		switch kind := c.byte(); {
		case kind == constrainLifetime && limits.Lifetime == nil:
			seconds := c.uint32()
			limits.Lifetime = &seconds
		case kind == constrainConfirm && !limits.Confirm:
			limits.Confirm = true
		case kind == constrainExtension:
			limits.Extension = &ConstraintExtension{Name: c.string(), Details: c.all()}
		case kind == constrainLifetime || kind == constrainConfirm:
			return nil, fmt.Errorf("constraint %d given twice: %w", kind, ErrMalformed)
		default:
			return nil, fmt.Errorf("constraint %d: %w", kind, ErrUnknown)
		}
	}
	return limits, nil
}
