package agent

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Errors that a caller acts on.
var (
	// ErrNoKey says that no key of that name or public half is here.
	ErrNoKey = errors.New("no such key")
	// ErrWrongPassphrase says that the key is fine and the passphrase is not.
	// LockedKey.Open must wrap it for a wrong passphrase.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrCannotAsk says that a passphrase is needed, or a yes, and nobody can be
	// asked for it.
	ErrCannotAsk = errors.New("nobody can be asked")
	// ErrCancelled says that the person took the question away.
	ErrCancelled = errors.New("the question was cancelled")
)

// LockedKey is a key at rest.
type LockedKey interface {
	// Name is what people call the key. It is unique within a Source.
	Name() string
	// Public is the public half, or nil while it is not known.
	Public() ssh.PublicKey
	Comment() string
	// Open returns the private half: ed25519.PrivateKey (or a pointer to one),
	// *ecdsa.PrivateKey or *rsa.PrivateKey. It may take seconds and much memory;
	// it is called outside every lock; where it derives a key, one call at a time in the
	// whole agent. For a wrong passphrase its error wraps ErrWrongPassphrase.
	Open(passphrase []byte) (private any, err error)
}

// ForwardedKey is a LockedKey that says whether a forwarded connection may have
// its passphrase asked for. Those that are none say no.
type ForwardedKey interface{ ForForwarded() bool }

// LateKey is a LockedKey that says whether it is listed behind all others, those
// that were added over the socket too. Keys that are none say no.
type LateKey interface{ Late() bool }

// Source is where keys at rest come from.
type Source interface {
	// Keys returns all keys, in the order in which they are to be listed. It is
	// called for each list, from any goroutine, so it should be cheap when nothing
	// has changed; it says that nothing has by returning the very slice that it
	// returned before. After an error the keys that it returned last are kept.
	Keys() ([]LockedKey, error)
}

// Asker reaches a person, who is asked one question at a time. Each returns soon after ctx
// ends, and is taken away then. An error means that the request is refused; it wraps
// ErrCannotAsk or ErrCancelled where that is the reason.
type Asker interface {
	// CanAsk says whether there is a way to ask now. It must not block.
	CanAsk() bool
	// AskPassphrase asks for the passphrase of one key, or, where p.PIN says so,
	// for the PIN of the device that holds it. The answer is wiped by the caller.
	AskPassphrase(ctx context.Context, p Prompt) ([]byte, error)
	// Confirm asks whether a key may be used as p.Use says.
	Confirm(ctx context.Context, p Prompt) (Consent, error)
	// Notify shows, where it can, that a device waits to be touched. It returns
	// when ctx ends, or at once where nothing can be shown.
	Notify(ctx context.Context, p Prompt)
}

// Prompt is what a person is told who is asked about a key.
type Prompt struct {
	Key, Fingerprint, Comment string // Key is "" for a key that was added
	Peer                      Peer   // who asked first
	Origin                    Origin // of the program
	Use                       Use    // what for
	Holds                     bool   // a yes may hold beyond one use: see Consent
	PIN                       bool   // the PIN of a device is wanted, not a passphrase
	Attempt                   int    // 1, and one more after each wrong answer
}

// Use is what a signature is for, as far as what is to be signed and the
// connection say it.
type Use struct {
	Purpose   string // UseLogin, UseFile or UseOther
	User      string // of a login: the account
	Server    string // of a login: the server's name, by Servers or in the key's constraint; ""
	HostKey   string // fingerprint of the host key that the connection was bound to last, or ""
	Namespace string // of a file: what the signature is for, such as "git" (PROTOCOL.sshsig)
	Forwarded bool   // the request came from another computer, over a forwarded connection
	Via       string // the servers that forwarded it, the nearest first: their names, else their host keys' fingerprints
	Socket    string // the narrower socket that it came by, or ""
}

// What a signature can be for.
const (
	UseLogin = "login" // user authentication (RFC 4252 section 7)
	UseFile  = "file"  // a signature over a file or a commit (PROTOCOL.sshsig)
	UseOther = "other"
)

// Peer is the program at the other end of a connection, as far as the system
// knows it. The fields are those of door.Caller, so that one converts to the other.
type Peer struct {
	UID     string // the user: a decimal uid, or a SID on Windows
	PID     int    // 0 when not known
	Program string // path of its executable; "" when not known
}

// Options are what New needs. Every field may be left out.
type Options struct {
	Source Source           // nil: no keys but those that are added
	Ask    Asker            // nil: nobody can be asked
	Now    func() time.Time // nil: time.Now
	// AfterFunc runs f in a goroutine of its own after d, unless stop is called
	// before; nil: time.AfterFunc.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
	// Uptime is a clock that never goes back and does not stand still while the
	// computer sleeps; nil: the system's (CLOCK_BOOTTIME on Linux).
	Uptime func() time.Duration
	Log    *slog.Logger // nil: no log

	Ties     Ties     // nil: every server is offered every key
	Hardware Hardware // nil: no keys that live in devices
	Journal  Journal  // nil: no account is kept of what was asked of the keys
	Servers  Servers  // nil: no server has a name
	// Origin says where a program comes from that wants a signature; nil: nobody knows. It is
	// called outside every lock.
	Origin func(Peer, Use) Origin
	// LimitedFiles says of a namespace (PROTOCOL.sshsig) whether keys that are limited to
	// destinations sign for it, too, where the request comes from this computer: over a
	// connection that is bound to nothing. nil: never, as in OpenSSH.
	LimitedFiles func(namespace string) bool
	// Legacy does what only servers and clients of long ago want, as OpenSSH's agent
	// does to this day: DSA keys are taken in, and an RSA key signs with SHA-1 where
	// a request asks for no better (RFC 9987 section 5.6.1).
	Legacy bool
	// Life is how long keys that are added without a lifetime are kept; 0: always.
	Life time.Duration
	// Idle is how long nobody may use a key until all are locked; 0: for ever.
	Idle time.Duration
	// LockWork is the work factor of what lies in memory while the agent is
	// locked by a client (scrypt, N = 2^LockWork); 0: 16.
	LockWork int
	// PPK reads a PuTTY key file that a client hands over whole; encrypted says
	// whether the key needs a passphrase to be opened. nil: none is taken in.
	PPK func(file []byte) (key LockedKey, encrypted bool, err error)
	// RemoteProviders lets forwarded connections name a provider of keys.
	RemoteProviders bool
	// Web says whether a FIDO key of this application, one that does not begin
	// with "ssh:", may sign anything at all; nil: none may, only what no browser
	// would ask for.
	Web func(application string) bool
	// Fingerprint is how a person who is asked is told of a key; nil:
	// ssh.FingerprintSHA256.
	Fingerprint func(ssh.PublicKey) string
}

// Agent is a running agent. Its methods may be called from any goroutine.
type Agent struct {
	o      Options // what New was given, and has filled in
	limits limits
	work   workplaces
	memory *memory
	conns  chan struct{} // one token per connection
	asking turn          // of one: a person is asked something

	mu        sync.Mutex
	keys      keyring
	expiry    expiry
	idle      idle
	locks     uint64                   // how often all keys were locked or removed: what was begun before keeps nothing
	seal      *seal                    // not nil: locked by a client, or about to be
	cancelled map[questioner]time.Time // until when a question is not put again

	telling, counting sync.Mutex // in this order; the first is held by who records what was counted
	refusals          refusals
}

// New returns an agent that holds nothing yet. It starts no goroutine.
func New(o Options) *Agent {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Uptime == nil {
		o.Uptime = uptime
	}
	if o.Fingerprint == nil {
		o.Fingerprint = ssh.FingerprintSHA256
	}
	if o.LockWork == 0 {
		o.LockWork = 16
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	a := &Agent{
		o:         o,
		limits:    defaultLimits,
		conns:     make(chan struct{}, maxConns),
		asking:    make(turn, 1),
		keys:      keyring{byBlob: map[string]*entry{}},
		cancelled: map[questioner]time.Time{},
	}
	a.o.AfterFunc = func(d time.Duration, f func()) func() bool {
		return o.AfterFunc(d, func() {
			defer a.Survive("what a timer does")
			f()
		})
	}
	a.memory = newMemory(a.o.AfterFunc)
	a.work = newWorkplaces(max(1, runtime.NumCPU()-1), a.memory)
	return a
}
