package control

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// fakeKey is a key at rest whose passphrase is "right\x00\xff": any bytes will do.
type fakeKey struct {
	name    string
	private ed25519.PrivateKey
}

const right = "right\x00\xff"

func (k *fakeKey) Name() string    { return k.name }
func (k *fakeKey) Comment() string { return k.name + "@here" }

func (k *fakeKey) Public() ssh.PublicKey {
	public, err := ssh.NewPublicKey(k.private.Public())
	if err != nil {
		panic(err)
	}
	return public
}

func (k *fakeKey) Open(passphrase []byte) (any, error) {
	switch string(passphrase) {
	case right:
		return k.private, nil
	case "damaged":
		return nil, errors.New("the file is damaged")
	}
	return nil, fmt.Errorf("open %q: %w", k.name, agent.ErrWrongPassphrase)
}

type source []agent.LockedKey

func (s source) Keys() ([]agent.LockedKey, error) { return s, nil }

// running is an agent with its control socket, and what a test knows of it.
type running struct {
	path      string
	agent     *agent.Agent
	terminals *Terminals
	shutdown  chan struct{}
	ended     chan error
}

func start(t *testing.T, names ...string) *running {
	t.Helper()
	var keys source
	for _, name := range names {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, &fakeKey{name, private})
	}
	r := &running{
		path:      ground.Socket(t),
		agent:     agent.New(agent.Options{Source: keys, LockWork: 1}),
		terminals: &Terminals{after: func(time.Duration) <-chan time.Time { return nil }}, // however slow this computer is
		shutdown:  make(chan struct{}),
		ended:     make(chan error, 1),
	}
	l, err := door.Listen(r.path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		about := func() Program { return Program{Version: "1.2.3", Activated: true} }
		r.ended <- Serve(ctx, l, r.agent, about, r.terminals, &fakeSockets{}, func() {
			close(r.shutdown)
			cancel()
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-r.ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return r
}

func (r *running) dial(t *testing.T) *Client {
	t.Helper()
	c, err := Dial(r.path, door.Dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestUnlockLockAndStatus(t *testing.T) {
	c := start(t, "home", "work").dial(t)
	locked := func() (names []string) {
		t.Helper()
		status, err := c.Status()
		if err != nil || status.PID != os.Getpid() || status.Version != "1.2.3" || !status.Activated || status.CanAsk || len(status.Keys) != 2 {
			t.Fatalf("%+v, error %v", status, err)
		}
		for _, k := range status.Keys {
			if k.Locked {
				names = append(names, k.Name)
			}
		}
		return names
	}
	if got := fmt.Sprint(locked()); got != "[home work]" {
		t.Errorf("locked at first: %v", got)
	}
	if err := c.Unlock("work", []byte(right), agent.Terms{}); err != nil {
		t.Error(err)
	}
	if err := c.Unlock("home", []byte(right), agent.Terms{Life: time.Hour}); err != nil {
		t.Error(err)
	}
	if got := locked(); got != nil {
		t.Errorf("still locked: %v", got)
	}
	status, err := c.Status()
	if err != nil {
		t.Fatal(err)
	}
	home, work := status.Keys[0], status.Keys[1]
	if left := time.Until(home.Until); left < 59*time.Minute || left > time.Hour {
		t.Errorf("home is unlocked for %v", left)
	}
	if !work.Until.IsZero() || work.Comment != "work@here" || work.Type != "ssh-ed25519" || work.Fingerprint == "" {
		t.Errorf("work is %+v", work)
	}
	if err := c.Lock("work"); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(locked()); got != "[work]" {
		t.Errorf("locked after one was locked: %v", got)
	}
	if err := c.Lock(); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(locked()); got != "[home work]" {
		t.Errorf("locked after all were locked: %v", got)
	}
}

func TestAShortLifeIsNoLongOne(t *testing.T) {
	c := start(t, "work").dial(t)
	if err := c.Unlock("work", []byte(right), agent.Terms{Life: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		status, err := c.Status()
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("never locked: %+v, error %v", status, err)
		}
		if status.Keys[0].Locked {
			return
		}
	}
}

func TestErrorsKeepTheirMeaning(t *testing.T) {
	c := start(t, "work").dial(t)
	tests := []struct {
		name string
		err  error
		want error
		says string
	}{
		{"wrong passphrase", c.Unlock("work", []byte("wrong"), agent.Terms{}), agent.ErrWrongPassphrase, `"work"`},
		{"empty passphrase", c.Unlock("work", nil, agent.Terms{}), agent.ErrWrongPassphrase, `"work"`},
		{"unknown key", c.Unlock("wrok", []byte(right), agent.Terms{}), agent.ErrNoKey, `"wrok"`},
		{"lock an unknown key", c.Lock("work", "wrok"), agent.ErrNoKey, ""},
		{"another error", c.Unlock("work", []byte("damaged"), agent.Terms{}), nil, "the file is damaged"},
	}
	for _, test := range tests {
		if test.err == nil || test.want != nil && !errors.Is(test.err, test.want) || !strings.Contains(test.err.Error(), test.says) {
			t.Errorf("%s: error %v", test.name, test.err)
		}
		if test.want == nil && (errors.Is(test.err, agent.ErrWrongPassphrase) || errors.Is(test.err, agent.ErrNoKey)) {
			t.Errorf("%s is taken for another error: %v", test.name, test.err)
		}
	}
	if err := c.Unlock("work", []byte(right), agent.Terms{}); err != nil { // the connection is as good as before
		t.Error(err)
	}
}

// TestAnAgentLockedByAClient: by its own protocol, as ssh-add -x does.
func TestAnAgentLockedByAClient(t *testing.T) {
	r := start(t, "work")
	near, far := net.Pipe()
	defer near.Close()
	go r.agent.ServeConn(t.Context(), far, agent.Peer{})
	if _, err := near.Write(wire.Encode(&wire.Lock{Passphrase: []byte("x")})); err != nil {
		t.Fatal(err)
	}
	if answer, err := wire.NewReader(near).Next(); err != nil || wire.Type(answer[0]) != wire.TypeSuccess {
		t.Fatalf("%x, %v", answer, err)
	}
	c := r.dial(t)
	if err := c.Unlock("work", []byte(right), agent.Terms{}); !errors.Is(err, agent.ErrAgentLocked) {
		t.Error(err)
	}
	if status, err := c.Status(); err != nil || !status.Locked {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestShutdown(t *testing.T) {
	r := start(t)
	other := r.dial(t)
	if _, err := other.Status(); err != nil {
		t.Fatal(err)
	}
	if err := r.dial(t).Shutdown(); err != nil {
		t.Fatal(err)
	}
	<-r.shutdown
	r.ended <- <-r.ended // it has ended; Cleanup looks at it once more
	if _, err := other.Status(); err == nil {
		t.Error("another connection is still served")
	}
	if _, err := Dial(r.path, door.Dial); !errors.Is(err, ErrNotRunning) {
		t.Errorf("dial after the end: %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	if _, err := Dial(ground.Socket(t), door.Dial); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no socket: %v", err)
	}
	path := ground.Socket(t)
	if runtime.GOOS != "windows" { // no pipe stays when its server ends
		ground.Listen(t, path).Close()
	}
	if _, err := Dial(path, door.Dial); !errors.Is(err, ErrNotRunning) {
		t.Errorf("stale socket: %v", err)
	}
	if _, err := Dial(path, func(string) (net.Conn, error) { return nil, door.ErrStranger }); !errors.Is(err, door.ErrStranger) || errors.Is(err, ErrNotRunning) {
		t.Errorf("another's socket: %v", err)
	}
}
