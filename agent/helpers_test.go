package agent

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// fakeKey is a key at rest whose passphrase is "right".
type fakeKey struct {
	name    string
	private any
	public  ssh.PublicKey // nil: its .pub is missing
	opened  chan struct{} // if not nil, Open says here that it has begun
	gate    chan struct{} // if not nil, Open waits until it is closed
	fails   error         // if not nil, what Open returns
	late    bool
}

func (k *fakeKey) Late() bool { return k.late }

func (k *fakeKey) Name() string          { return k.name }
func (k *fakeKey) Public() ssh.PublicKey { return k.public }
func (k *fakeKey) Comment() string       { return k.name + "@here" }

func (k *fakeKey) Open(passphrase []byte) (any, error) {
	if k.opened != nil {
		k.opened <- struct{}{}
	}
	if k.gate != nil {
		<-k.gate
	}
	if k.fails != nil {
		return nil, k.fails
	}
	if string(passphrase) != "right" {
		return nil, fmt.Errorf("open %q: %w", k.name, ErrWrongPassphrase)
	}
	return k.private, nil
}

func newPublic(t testing.TB, private any) ssh.PublicKey {
	t.Helper()
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s.PublicKey()
}

func newFakeKey(t testing.TB, name string) *fakeKey {
	t.Helper()
	private := newEd25519(t)
	return &fakeKey{name: name, private: private, public: newPublic(t, private)}
}

// testRSA is made once: it takes long.
var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newFakeRSA(t testing.TB, name string) *fakeKey {
	t.Helper()
	return &fakeKey{name: name, private: testRSA(), public: newPublic(t, testRSA())}
}

// fakeSource is a Source whose keys can be exchanged.
type fakeSource struct {
	mu   sync.Mutex
	keys []LockedKey
	err  error
	gate chan struct{} // if not nil, Keys waits until it is closed
}

func sourceOf(keys ...*fakeKey) *fakeSource {
	s := &fakeSource{}
	s.set(keys...)
	return s
}

func (s *fakeSource) set(keys ...*fakeKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
	for _, k := range keys {
		s.keys = append(s.keys, k)
	}
}

func (s *fakeSource) Keys() ([]LockedKey, error) {
	s.mu.Lock()
	keys, err, gate := s.keys, s.err, s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return keys, err
}

// hang has the disk not answer until the function that it returns is called.
func (s *fakeSource) hang() (goOn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gate = gate
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gate = nil
		close(gate)
	}
}

// asked is one question that a fakeAsker holds open.
type asked struct {
	prompt Prompt
	ctx    context.Context
	answer chan<- string // "" is taken as a refusal
}

// passphrasesOnly is the rest of an Asker that is asked for passphrases alone.
type passphrasesOnly struct{}

func (passphrasesOnly) Confirm(context.Context, Prompt) (Consent, error) {
	return Consent{}, ErrCannotAsk
}
func (passphrasesOnly) Notify(context.Context, Prompt) {}

// fakeAsker hands each question to the test.
type fakeAsker struct {
	passphrasesOnly
	questions chan asked
	cannot    bool
}

func newAsker() *fakeAsker { return &fakeAsker{questions: make(chan asked)} }

func (f *fakeAsker) CanAsk() bool { return !f.cannot }

func (f *fakeAsker) AskPassphrase(ctx context.Context, p Prompt) ([]byte, error) {
	answer := make(chan string, 1)
	select {
	case f.questions <- asked{p, ctx, answer}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case passphrase := <-answer:
		if passphrase == "" {
			return nil, errors.New("declined")
		}
		return []byte(passphrase), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// client speaks the protocol from the other side.
type client struct {
	t testing.TB
	net.Conn
	frames *wire.Reader
}

// connect opens a connection to a that ends with the test.
func connect(t testing.TB, a *Agent) *client {
	t.Helper()
	return connectAs(t, a, Peer{UID: "1000", PID: 42, Program: "/usr/bin/ssh"})
}

func connectAs(t testing.TB, a *Agent, peer Peer) *client {
	t.Helper()
	near, far := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.ServeConn(context.Background(), far, peer)
	}()
	t.Cleanup(func() {
		near.Close()
		<-ended
	})
	return &client{t, near, wire.NewReader(near)}
}

func (c *client) send(m wire.Message) {
	c.t.Helper()
	if _, err := c.Write(wire.Encode(m)); err != nil {
		c.t.Errorf("send %T: %v", m, err)
	}
}

func (c *client) receive() wire.Message {
	c.t.Helper()
	frame, err := c.frames.Next()
	if err != nil {
		c.t.Errorf("no answer: %v", err)
		return nil
	}
	m, err := wire.Decode(bytes.Clone(frame))
	if err != nil {
		c.t.Errorf("bad answer: %v", err)
	}
	return m
}

func (c *client) call(m wire.Message) wire.Message {
	c.t.Helper()
	c.send(m)
	return c.receive()
}

// later calls in the background.
func (c *client) later(m wire.Message) <-chan wire.Message {
	answer := make(chan wire.Message, 1)
	go func() { answer <- c.call(m) }()
	return answer
}

// comments lists the keys by their comments.
func (c *client) comments() []string {
	c.t.Helper()
	list, ok := c.call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
	if !ok {
		c.t.Fatal("no list")
	}
	comments := []string{}
	for _, row := range list.Identities {
		comments = append(comments, row.Comment)
	}
	return comments
}

func (c *client) wantList(want ...string) {
	c.t.Helper()
	if got := c.comments(); !slices.Equal(got, want) {
		c.t.Errorf("listed are %q, want %q", got, want)
	}
}

func signRequest(k *fakeKey) *wire.SignRequest {
	return &wire.SignRequest{Blob: k.public.Marshal(), Data: []byte("data"), Flags: wire.FlagRSASHA256}
}

// wantSignature checks that an answer is a valid signature by k over "data".
func wantSignature(t testing.TB, m wire.Message, k *fakeKey) {
	t.Helper()
	answer, ok := m.(*wire.SignResponse)
	if !ok {
		t.Errorf("answer is %#v, want a signature", m)
		return
	}
	var signature ssh.Signature
	if err := ssh.Unmarshal(answer.Signature, &signature); err != nil {
		t.Error(err)
		return
	}
	if err := newPublic(t, k.private).Verify([]byte("data"), &signature); err != nil {
		t.Error(err)
	}
}

func wantFailure(t testing.TB, m wire.Message) {
	t.Helper()
	if _, ok := m.(*wire.Failure); !ok {
		t.Errorf("answer is %#v, want a failure", m)
	}
}

func wantSuccess(t testing.TB, m wire.Message) {
	t.Helper()
	if _, ok := m.(*wire.Success); !ok {
		t.Errorf("answer is %#v, want success", m)
	}
}

// added is the message that hands over a private key.
func added(t testing.TB, private any, comment string) *wire.AddIdentity {
	t.Helper()
	m := &wire.AddIdentity{Comment: comment}
	switch key := private.(type) {
	case ed25519.PrivateKey:
		m.Key = &wire.Ed25519Key{Public: bytes.Clone(key[32:]), Private: bytes.Clone(key)}
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		scalar, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		name := map[elliptic.Curve]string{
			elliptic.P256(): "nistp256", elliptic.P384(): "nistp384", elliptic.P521(): "nistp521",
		}[key.Curve]
		m.Key = &wire.ECDSAKey{Curve: name, Point: point, D: new(big.Int).SetBytes(scalar)}
	case *rsa.PrivateKey:
		key.Precompute()
		e := testNumber(int64(key.E))
		m.Key = &wire.RSAKey{N: key.N, E: e, D: key.D, IQMP: key.Precomputed.Qinv, P: key.Primes[0], Q: key.Primes[1]}
	default:
		t.Fatalf("no message for %T", private)
	}
	return m
}

// logTo returns a log that writes to w, which a test may read at any time.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
