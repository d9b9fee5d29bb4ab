package wire

import "fmt"

// The extensions that are understood here.
const (
	ExtensionQuery       = "query"                    // RFC 9987 section 5.8.1
	ExtensionSessionBind = "session-bind@openssh.com" // PROTOCOL.agent of OpenSSH
)

// SessionBind says over which SSH connection the requests that follow come: its
// session identifier (RFC 4253 section 7.2), which the server's host key has
// signed. Forwarding says that they come from that server, else that they are to
// log in to it.
type SessionBind struct {
	HostKey, SessionID, Signature []byte
	Forwarding                    bool
}

// Bounds, in bytes: of a session identifier as in OpenSSH (ssh-agent.c), and of a host key, of
// which one with a certificate for a hundred names is a half.
const (
	maxSessionID = 128
	maxHostKey   = 16 << 10
)

// DecodeSessionBind reads the contents of such an Extension. The error wraps
// ErrMalformed.
func DecodeSessionBind(contents []byte) (*SessionBind, error) {
	c := &cursor{rest: contents}
	b := &SessionBind{HostKey: c.bytes(), SessionID: c.bytes(), Signature: c.bytes(), Forwarding: c.byte() != 0}
	if c.bad || len(c.rest) > 0 || len(b.SessionID) == 0 || len(b.SessionID) > maxSessionID {
		return nil, fmt.Errorf("session bind: %w", ErrMalformed)
	}
	if len(b.HostKey) > maxHostKey {
		return nil, fmt.Errorf("session bind: %w: a host key of more than %d bytes", ErrMalformed, maxHostKey)
	}
	return b, nil
}

// Contents is what DecodeSessionBind reads.
func (b *SessionBind) Contents() []byte {
	dst := appendBytes(appendBytes(appendBytes(nil, b.HostKey), b.SessionID), b.Signature)
	return append(dst, truth(b.Forwarding))
}

// Login is what is signed to log in to a server with a key (RFC 4252 section 7).
type Login struct {
	SessionID []byte
	User      string
	Algorithm string
	Key       []byte // blob
	HostKey   []byte // of the server (publickey-hostbound-v00@openssh.com), or nil
}

const (
	userauthRequest = 50 // RFC 4250 section 4.1.2
	methodPublicKey = "publickey"
	methodHostBound = "publickey-hostbound-v00@openssh.com"
)

// ParseLogin reads data that is to be signed. ok is false for what is not, to the
// last byte, the request of a login by public key.
func ParseLogin(data []byte) (l *Login, ok bool) {
	c := &cursor{rest: data}
	l = &Login{SessionID: c.bytes()}
	request := c.byte()
	l.User = c.string()
	service, method, signed := c.string(), c.string(), c.byte()
	l.Algorithm, l.Key = c.string(), c.bytes()
	if method == methodHostBound {
		l.HostKey = c.bytes()
	}
	ok = !c.bad && len(c.rest) == 0 && len(l.SessionID) > 0 && request == userauthRequest &&
		service == "ssh-connection" && (method == methodPublicKey || method == methodHostBound) && signed == 1
	if !ok {
		return nil, false
	}
	return l, true
}

// Data is what ParseLogin reads.
func (l *Login) Data() []byte {
	dst := append(appendBytes(nil, l.SessionID), userauthRequest)
	dst = appendBytes(appendBytes(dst, l.User), "ssh-connection")
	method := methodPublicKey
	if l.HostKey != nil {
		method = methodHostBound
	}
	dst = append(appendBytes(dst, method), 1)
	dst = appendBytes(appendBytes(dst, l.Algorithm), l.Key)
	if l.HostKey != nil {
		dst = appendBytes(dst, l.HostKey)
	}
	return dst
}

// sshsigMagic begins what is signed for a file (PROTOCOL.sshsig).
const sshsigMagic = "SSHSIG"

// ParseFile reads data that is to be signed. ok is false for what is not, to the
// last byte, a signature over a file; namespace says what it is for.
func ParseFile(data []byte) (namespace string, ok bool) {
	c := &cursor{rest: data}
	magic := string(c.take(uint32(len(sshsigMagic))))
	namespace = c.string()
	c.bytes() // reserved
	c.string()
	hash := c.bytes()
	ok = !c.bad && len(c.rest) == 0 && magic == sshsigMagic && namespace != "" && len(hash) > 0
	if !ok {
		return "", false
	}
	return namespace, true
}
