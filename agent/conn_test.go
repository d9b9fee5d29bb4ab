package agent

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/door"
	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// listenAndServe serves a at a real socket until the test ends.
func listenAndServe(t testing.TB, a *Agent) (path string) {
	t.Helper()
	path = ground.Socket(t)
	l, err := door.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- a.Serve(ctx, l, func(net.Conn) (Peer, error) { return Peer{Program: "test"}, nil })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return path
}

func dial(t testing.TB, path string) *client {
	t.Helper()
	c, err := door.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second)) // a test hangs no longer than that
	return &client{t, c, wire.NewReader(c)}
}

func framed(body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// TestBadInputIsAnsweredOrClosed: each line is sent on a connection of its own,
// and the agent is asked for its list on another one after it.
func TestBadInputIsAnsweredOrClosed(t *testing.T) {
	tests := []struct {
		name   string
		bytes  []byte
		closed bool // else it is answered with a failure and the connection goes on
	}{
		{"unknown message", framed("\xc8"), false},
		{"protocol 1 list", framed("\x01"), false},
		{"sign without a body", framed("\x0d"), false},
		{"sign with a key that is none", framed("\x0d\x00\x00\x00\x01x\x00\x00\x00\x01y\x00\x00\x00\x00"), false},
		{"string past the end", framed("\x0d\xff\xff\xff\xff"), false},
		{"add nothing", framed("\x11"), false},
		{"add a kind that is not known", framed("\x11\x00\x00\x00\x07ssh-foo"), false},
		{"remove without a key", framed("\x12"), false},
		{"bytes left over", framed("\x0b\x00"), false},
		{"lock without a string", framed("\x16"), false},
		{"unlock without a string", framed("\x17"), false},
		{"lock with nothing", framed("\x16\x00\x00\x00\x00"), false},
		{"unlock what is not locked", framed("\x17\x00\x00\x00\x01x"), false},
		{"smartcard", framed("\x14\x00\x00\x00\x01x\x00\x00\x00\x01x"), false},
		{"unknown extension", framed("\x1b\x00\x00\x00\x03x@y"), false},
		{"extension without a name", framed("\x1b"), false},
		{"an answer for a request", framed("\x06"), false},
		{"a long message of zeros", framed(string(make([]byte, wire.MaxFrame))), false},
		{"no bytes", []byte{0, 0, 0, 0}, true},
		{"one byte too long", framed(string(make([]byte, wire.MaxFrame+1))), true},
		{"4 GiB", []byte{255, 255, 255, 255, 11}, true},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\n\r\n"), true},
	}
	a := New(Options{})
	path := listenAndServe(t, a)
	wantSuccess(t, dial(t, path).call(added(t, newEd25519(t), "mine")))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dial(t, path)
			if test.closed {
				go c.Write(test.bytes) // may fail half-way
				if m, err := c.frames.Next(); err == nil {
					t.Errorf("answered %x", m)
				}
			} else {
				c.Write(test.bytes)
				wantFailure(t, c.receive())
				c.wantList("mine")
			}
			dial(t, path).wantList("mine")
		})
	}
}

func TestAHalfMessageHasThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, New(Options{}))
		list := wire.Encode(&wire.RequestIdentities{})
		time.Sleep(1000 * time.Hour) // an idle connection may stay
		c.wantList()
		for range 2 {
			c.Write(list[:2])
			time.Sleep(29 * time.Second) // twice: each message has its own time
			c.Write(list[2:])
			if _, ok := c.receive().(*wire.IdentitiesAnswer); !ok {
				t.Error("no answer to a slow message")
			}
		}
		time.Sleep(1000 * time.Hour)
		c.wantList()
		start := time.Now()
		for _, b := range framed(strings.Repeat("x", 100)) { // byte by byte, never long silent
			if _, err := c.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(700 * time.Millisecond)
		}
		if took := time.Since(start).Round(time.Second); took != 30*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

func TestWhoDoesNotReadIsClosedAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		deaf := connect(t, a)
		deaf.send(&wire.RequestIdentities{}) // the answer is not read
		other := connect(t, a)
		before := time.Now()
		other.wantList()
		if time.Now() != before {
			t.Error("another client had to wait")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, err := deaf.Write([]byte{0}); err == nil {
			t.Error("the connection is still open")
		}
	})
}

func TestConnectionsBeyondTheLimitAreClosedAndThePlaceIsFreeAgain(t *testing.T) {
	a := New(Options{})
	a.conns = make(chan struct{}, 3)
	path := listenAndServe(t, a)
	var open []*client
	for range 3 {
		c := dial(t, path)
		c.wantList()
		open = append(open, c)
	}
	extra := dial(t, path)
	if _, err := extra.frames.Next(); err == nil {
		t.Error("the connection beyond the limit was served")
	}
	open[0].wantList()
	open[0].Close()
	ground.Until(t, "a place is free again", func() bool { return len(a.conns) == 2 })
	dial(t, path).wantList()
}

func TestTheEndOfServingClosesEverything(t *testing.T) {
	for _, state := range []string{"idle", "half a message", "a question is open"} {
		t.Run(state, func(t *testing.T) {
			k, ask := newFakeKey(t, "work"), newAsker()
			a := New(Options{Source: sourceOf(k), Ask: ask})
			near, far := net.Pipe()
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				a.ServeConn(ctx, far, Peer{})
			}()
			c := &client{t, near, wire.NewReader(near)}
			c.wantList("work@here")
			switch state {
			case "half a message":
				c.Write([]byte{0, 0})
			case "a question is open":
				c.send(signRequest(k))
				q := <-ask.questions
				defer func() { <-q.ctx.Done() }()
			}
			cancel()
			<-ended
			if _, err := c.frames.Next(); err == nil {
				t.Error("the connection is still open")
			}
		})
	}
}

// panickingSource fails as no Source should.
type panickingSource struct{}

func (panickingSource) Keys() ([]LockedKey, error) { panic("a mistake") }

func TestAPanicEndsOneConnectionOnly(t *testing.T) {
	log := &ground.Buffer{}
	a := New(Options{Log: logTo(log)})
	path := listenAndServe(t, a)
	other := dial(t, path)
	other.wantList()
	a.o.Source = panickingSource{}
	c := dial(t, path)
	c.send(&wire.RequestIdentities{})
	if _, err := c.frames.Next(); err != io.EOF {
		t.Errorf("after the panic: %v", err)
	}
	ground.Until(t, "the log tells of it", func() bool { return strings.Contains(log.String(), "panickingSource.Keys") })
	wantFailure(t, other.call(&wire.Lock{})) // the agent lives, and the other connection too
}

// TestALogKeepsNoSecrets: whatever a client sends, keys and passphrases stay out
// of the log.
func TestALogKeepsNoSecrets(t *testing.T) {
	log := &ground.Buffer{}
	c := connect(t, New(Options{Log: logTo(log)}))
	key := newEd25519(t)
	m := added(t, key, "")
	m.Constraints = &wire.Constraints{Confirm: true}
	c.call(m)
	c.call(&wire.Unlock{Passphrase: []byte("hunter2")})
	m.Key.(*wire.Ed25519Key).Private[0] ^= 1
	c.call(m)
	text := log.String()
	if text == "" || strings.Contains(text, "hunter2") || strings.Contains(text, string(key[:32])) {
		t.Errorf("log:\n%s", text)
	}
}

// FuzzAnswer gives three whole messages, one after the other, to an agent with one
// key of each sort: what a binding, a constraint or a lock does shows at the next.
func FuzzAnswer(f *testing.F) {
	k := newFakeKey(f, "work")
	rsa := newFakeRSA(f, "rsa")
	body := func(m wire.Message) []byte { return wire.Encode(m)[4:] }
	add := func(m wire.Message) { f.Add(body(m), body(&wire.RequestIdentities{}), body(signRequest(k))) }
	for _, m := range []wire.Message{
		&wire.RequestIdentities{}, &wire.RemoveAll{}, signRequest(k), signRequest(rsa),
		added(f, newEd25519(f), "x"), added(f, newECDSA(f, elliptic.P521()), "x"), added(f, testRSA(), "x"),
		&wire.RemoveIdentity{Blob: k.public.Marshal()}, &wire.Extension{Name: "query"}, &wire.Lock{Passphrase: []byte("x")},
		fidoKey("ssh:"), &wire.AddToken{Provider: "/p", PIN: []byte("1234")}, &wire.RemoveToken{Provider: "/p"},
	} {
		add(m)
	}
	for _, m := range someKeys(f) {
		add(certify(f, m, asIs))
	}
	server := newHostKey(f)
	limited := added(f, k.private, "x")
	limited.Constraints = &wire.Constraints{Confirm: true, Destinations: []wire.Destination{
		{To: wire.Hop{User: "m*", Host: "h", Keys: []wire.HopKey{{Blob: server.blob()}}}},
	}}
	login := &wire.SignRequest{Blob: k.public.Marshal(), Data: (&wire.Login{
		SessionID: []byte("s"), User: "me", Algorithm: "ssh-ed25519", Key: k.public.Marshal(), HostKey: server.blob(),
	}).Data()}
	f.Add(body(limited), body(server.bind(f, "s", false)), body(login))
	f.Add(body(server.bind(f, "s", true)), body(limited), body(&wire.RequestIdentities{}))
	f.Add(body(limited), body(&wire.Lock{Passphrase: []byte("x")}), body(&wire.Unlock{Passphrase: []byte("x")}))
	f.Fuzz(func(t *testing.T, one, two, three []byte) {
		a := New(Options{Source: sourceOf(k), Hardware: &fakeHardware{}, Legacy: true, LockWork: 1})
		s := &session{agent: a, conn: newConn(t.Context(), func() {}, nopConn{}, defaultLimits)}
		for _, frame := range [][]byte{one, two, three} {
			answer := s.answer(t.Context(), frame) // not behind survive: a panic is a finding
			if got, err := wire.Decode(answer[4:]); err != nil {
				t.Fatalf("answer %x is no message: %v (%v)", answer, err, got)
			}
			if !bytes.Equal(framed(string(answer[4:])), answer) {
				t.Fatalf("answer %x is no frame", answer)
			}
		}
	})
}

type nopConn struct{}

func (nopConn) Read([]byte) (int, error)    { return 0, io.EOF }
func (nopConn) Write(p []byte) (int, error) { return len(p), nil }
func (nopConn) Close() error                { return nil }

// TestAMistakeInATimerIsSurvived.
func TestAMistakeInATimerIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		freed, log := 0, &ground.Buffer{}
		a := New(Options{Log: logTo(log)})
		a.memory.free = func() { freed++; panic("a mistake") }
		for range 2 {
			a.memory.giveBackSoon()
			time.Sleep(soon)
			synctest.Wait()
		}
		if freed != 2 || strings.Count(log.String(), "was survived") != 2 {
			t.Errorf("%d times, and the log says %s", freed, log.String())
		}
	})
}

// TestAMistakeAboutWhoIsThere ends that connection, and no other.
func TestAMistakeAboutWhoIsThere(t *testing.T) {
	a := New(Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var looks atomic.Int32
	ended := make(chan error)
	ctx, end := context.WithCancel(t.Context())
	go func() {
		ended <- a.Serve(ctx, l, func(net.Conn) (Peer, error) {
			if looks.Add(1) == 1 {
				panic("a mistake")
			}
			return Peer{}, nil
		})
	}()
	for i := range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write(wire.Encode(&wire.RequestIdentities{}))
		_, err = wire.NewReader(c).Next()
		if answered := err == nil; answered != (i == 1) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestServeEndsThoughOneHangs: a connection that waits for the disk is left, after a while.
func TestServeEndsThoughOneHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := sourceOf()
		a := New(Options{Source: disk})
		goOn := disk.hang()
		l := &pipeListener{conns: make(chan net.Conn), ended: make(chan struct{})}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Serve(ctx, l, func(net.Conn) (Peer, error) { return Peer{}, nil }) }()
		l.dial(t).send(&wire.RequestIdentities{})
		synctest.Wait()
		begun := time.Now()
		end()
		if err := <-ended; err != nil || time.Since(begun) != endPatience {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		goOn()
	})
}

// TestACrowdGivesBack what only its coming needed: a moment later, and few do not.
func TestACrowdGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		freed := countFree(a)
		l := &pipeListener{conns: make(chan net.Conn), ended: make(chan struct{})}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Serve(ctx, l, func(net.Conn) (Peer, error) { return Peer{}, nil }) }()
		for come, want := range []int32{0, 1, 1, 2} {
			for range crowd / 2 {
				l.dial(t)
			}
			time.Sleep(2 * soon)
			if n := freed.Load(); n != want {
				t.Errorf("%d connections: memory was given back %d times, want %d", (come+1)*crowd/2, n, want)
			}
		}
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
