package wire

// Type is the first byte of a message (RFC 9987 section 8.1).
type Type byte

// The message numbers that are understood here.
const (
	TypeFailure           Type = 5
	TypeSuccess           Type = 6
	TypeRequestIdentities Type = 11
	TypeIdentitiesAnswer  Type = 12
	TypeSignRequest       Type = 13
	TypeSignResponse      Type = 14
	TypeAddIdentity       Type = 17
	TypeRemoveIdentity    Type = 18
	TypeRemoveAll         Type = 19
	TypeAddToken          Type = 20
	TypeRemoveToken       Type = 21
	TypeLock              Type = 22
	TypeUnlock            Type = 23
	TypeAddIDConstrained  Type = 25
	TypeAddTokenLimited   Type = 26
	TypeExtension         Type = 27
	TypeExtensionFailure  Type = 28
	TypeExtensionResponse Type = 29
)

// Flags of a sign request (RFC 9987 section 8.3). They mean something for RSA
// keys only; OpenSSH ignores them for every other kind.
const (
	FlagRSASHA256 uint32 = 2
	FlagRSASHA512 uint32 = 4
)

// Message is one message of the protocol: one of the types of this file.
type Message interface{ append(dst []byte) []byte }

// Failure says no to any request (RFC 9987 section 5.1).
type Failure struct{}

// Success says yes to a request that has no answer of its own (section 5.1).
type Success struct{}

// ExtensionFailure says that an extension is known and did not succeed
// (section 5.8). For an unknown one the answer is Failure.
type ExtensionFailure struct{}

// ExtensionNames answers ExtensionQuery with the names of all other extensions
// (section 5.8.1).
type ExtensionNames struct{ Names []string }

// RequestIdentities asks for the list of keys (section 5.5).
type RequestIdentities struct{}

// IdentitiesAnswer is the list of keys (section 5.5).
type IdentitiesAnswer struct{ Identities []Identity }

// Identity is one row of the list: a public key blob and its comment.
type Identity struct {
	Blob    []byte
	Comment string
}

// SignRequest asks for a signature over Data by the key with that public blob
// (section 5.6).
type SignRequest struct {
	Blob, Data []byte
	Flags      uint32
}

// SignResponse carries an encoded signature (section 5.6, RFC 4253 section 6.6).
type SignResponse struct{ Signature []byte }

// AddIdentity hands over a private key (section 5.2). Key is one of *Ed25519Key,
// *ECDSAKey, *RSAKey, *DSAKey and *SKKey. With Constraints nil it is message 17,
// else message 25.
//
// With a Certificate it is the key of that certificate, a blob as in
// PROTOCOL.certkeys; of RSA, DSA and ECDSA keys the public half then stands in
// it alone, and their public fields are nil.
type AddIdentity struct {
	Certificate []byte // nil: a plain key
	Key         any
	Comment     string
	Constraints *Constraints
}

// AddToken asks for the keys of a PKCS#11 token (section 5.2.6). Provider is the
// path of a library. With Constraints nil it is message 20, else message 26.
type AddToken struct {
	Provider    string
	PIN         []byte
	Constraints *Constraints
}

// RemoveToken asks that the keys of a token be forgotten (section 5.4).
type RemoveToken struct {
	Provider string
	PIN      []byte
}

// RemoveIdentity asks that one key be forgotten (section 5.4).
type RemoveIdentity struct{ Blob []byte }

// RemoveAll asks that all keys be forgotten (section 5.4).
type RemoveAll struct{}

// Lock asks that the agent be locked under a passphrase (section 5.7).
type Lock struct{ Passphrase []byte }

// Unlock takes back a Lock (section 5.7).
type Unlock struct{ Passphrase []byte }

// Extension is a request that the RFC does not define (section 5.8). Contents
// is all that follows the name.
type Extension struct {
	Name     string
	Contents []byte
}
