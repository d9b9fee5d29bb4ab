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
	case TypeAddToken:
		return decodeAddToken(c, false)
	case TypeAddTokenLimited:
		return decodeAddToken(c, true)
	case TypeRemoveToken:
		return &RemoveToken{Provider: c.string(), PIN: c.bytes()}, nil
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
	case TypeExtensionResponse:
		return decodeNames(c), nil
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

func decodeNames(c *cursor) *ExtensionNames {
	answer := &ExtensionNames{}
	c.bad = c.bad || c.string() != ExtensionQuery
	for !c.bad && len(c.rest) > 0 {
		answer.Names = append(answer.Names, c.string())
	}
	return answer
}

func decodeAdd(c *cursor, constrained bool) (Message, error) {
	m := &AddIdentity{}
	if err := decodeKey(c, m); err != nil {
		return nil, err
	}
	m.Comment = c.string()
	var err error
	if constrained {
		m.Constraints, err = decodeConstraints(c)
	}
	return m, err
}

func decodeAddToken(c *cursor, constrained bool) (Message, error) {
	m := &AddToken{Provider: c.string(), PIN: c.bytes()}
	var err error
	if constrained {
		m.Constraints, err = decodeConstraints(c)
	}
	return m, err
}
