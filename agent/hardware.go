package agent

import (
	"context"
	"errors"
)

// Errors of Hardware that the agent acts on.
var (
	// ErrNeedPIN says that a device wants its PIN, or another one than it got.
	ErrNeedPIN = errors.New("the device wants its PIN")
	// ErrProvider says that a provider is not one that may be used.
	ErrProvider = errors.New("this provider of keys is not allowed")
)

// Hardware reaches keys that live in a device, by way of other programs: what
// talks to the device is loaded there and never here. Its methods may take as
// long as a person needs to find the device and touch it; they end with ctx.
type Hardware interface {
	// SignFIDO signs data with a FIDO key. key is its private half as
	// PROTOCOL.u2f gives it, type first: it holds no secret but a handle for the
	// device. provider is what middleware talks to it: "internal", or a path.
	// pin is nil where none is known. It returns the encoded signature (PROTOCOL.u2f).
	SignFIDO(ctx context.Context, provider string, key, data, pin []byte) (signature []byte, err error)
	// OpenToken gives the keys of a PKCS#11 token by the provider at that path.
	OpenToken(ctx context.Context, provider string, pin []byte) (Token, error)
	// CheckProvider returns the path of provider as the file system has it, or an
	// error that wraps ErrProvider.
	CheckProvider(provider string) (path string, err error)
}

// Token is a PKCS#11 token that is open.
type Token interface {
	Keys() []TokenKey // in the order in which they are to be listed
	Close()           // ends it; its keys sign no more
}

// TokenKey is one key of a token.
type TokenKey interface {
	Blob() []byte  // the public half
	Label() string // what the token calls it
	// Sign returns the encoded signature (RFC 4253 section 6.6); flags are those of a sign request
	// (RFC 9987 section 8.3).
	Sign(ctx context.Context, data []byte, flags uint32) (signature []byte, err error)
}
