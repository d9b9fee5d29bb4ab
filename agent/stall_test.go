package agent

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"sync"
	"testing"

	"kagiban/agent/wire"
)

// heldAsker holds every question open until it is let go.
type heldAsker struct {
	asked, letGo chan struct{}
}

func newHeldAsker() *heldAsker {
	return &heldAsker{make(chan struct{}, 1), make(chan struct{})}
}

func (h *heldAsker) CanAsk() bool                   { return true }
func (h *heldAsker) Notify(context.Context, Prompt) {}

func (h *heldAsker) hold(ctx context.Context) error {
	h.asked <- struct{}{}
	select {
	case <-h.letGo:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *heldAsker) AskPassphrase(ctx context.Context, p Prompt) ([]byte, error) {
	return []byte("right"), h.hold(ctx)
}

func (h *heldAsker) Confirm(ctx context.Context, p Prompt) (Consent, error) {
	return Consent{Yes: true}, h.hold(ctx)
}

// stalled is an agent that has something slow to do, which is held where it is.
type stalled struct {
	socket string
	slow   []<-chan wire.Message // what will be answered when it is let go
	key    *fakeKey              // whose signatures those answers are
	letGo  func()
}

// bigRSA is made once: it takes seconds.
var bigRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		panic(err)
	}
	return key
})

// TestNothingSlowStallsAnybody: while something slow is being done for some
// clients, a list and a signature with ed25519 come through for another, on a real
// socket. The slow answers cannot come before they are let go, so that the order is
// certain; an agent that makes others wait for them never answers the others.
func TestNothingSlowStallsAnybody(t *testing.T) {
	stalls := map[string]func(t *testing.T) *stalled{
		"a prompt for a passphrase":     stallPassphrase,
		"a prompt for a yes":            stallConfirm,
		"a key derivation":              stallDerivation,
		"eight signatures with RSA4096": stallRSA,
	}
	for name, stall := range stalls {
		t.Run(name, func(t *testing.T) {
			s := stall(t)
			light := newFakeKey(t, "light")
			var order answers
			c := dial(t, s.socket)
			for _, m := range []wire.Message{
				added(t, light.private, "light"), &wire.RequestIdentities{}, signRequest(light), signRequest(light),
			} {
				if _, failed := c.call(m).(*wire.Failure); failed {
					t.Errorf("%T fails", m)
				}
				order.note("light")
			}
			var waiting sync.WaitGroup
			for _, answer := range s.slow {
				waiting.Go(func() {
					wantSignature(t, <-answer, s.key)
					order.note("slow")
				})
			}
			if n := len(order.all()); n != 4 {
				t.Errorf("%d answers before the slow ones were let go, want 4", n)
			}
			s.letGo()
			waiting.Wait()
			want := append(slices.Repeat([]string{"light"}, 4), slices.Repeat([]string{"slow"}, len(s.slow))...)
			if got := order.all(); !slices.Equal(got, want) {
				t.Errorf("answers came in the order %q", got)
			}
		})
	}
}

// answers are those that came, in their order.
type answers struct {
	mu   sync.Mutex
	came []string
}

func (a *answers) note(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.came = append(a.came, what)
}

func (a *answers) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.came)
}

func stallPassphrase(t *testing.T) *stalled {
	k, ask := newFakeKey(t, "locked"), newHeldAsker()
	a := New(Options{Source: sourceOf(k), Ask: ask})
	socket := listenAndServe(t, a)
	answer := dial(t, socket).later(signRequest(k))
	<-ask.asked
	return &stalled{socket, []<-chan wire.Message{answer}, k, func() { close(ask.letGo) }}
}

func stallConfirm(t *testing.T) *stalled {
	k, ask := newFakeKey(t, "confirmed"), newHeldAsker()
	a := New(Options{Ask: ask})
	socket := listenAndServe(t, a)
	c := dial(t, socket)
	m := added(t, k.private, "confirmed")
	m.Constraints = &wire.Constraints{Confirm: true}
	wantSuccess(t, c.call(m))
	answer := c.later(signRequest(k))
	<-ask.asked
	return &stalled{socket, []<-chan wire.Message{answer}, k, func() { close(ask.letGo) }}
}

// stallDerivation answers the prompt at once, and holds what comes after it.
func stallDerivation(t *testing.T) *stalled {
	k, ask := newFakeKey(t, "locked"), newHeldAsker()
	k.opened, k.gate = make(chan struct{}), make(chan struct{})
	close(ask.letGo)
	a := New(Options{Source: sourceOf(k), Ask: ask})
	socket := listenAndServe(t, a)
	answer := dial(t, socket).later(signRequest(k))
	<-k.opened
	return &stalled{socket, []<-chan wire.Message{answer}, k, func() { close(k.gate) }}
}

// stallRSA has a signature for each of eight clients, all of whose places are
// taken.
func stallRSA(t *testing.T) *stalled {
	k := &fakeKey{name: "rsa", private: bigRSA(), public: newPublic(t, bigRSA())}
	a := New(Options{})
	socket := listenAndServe(t, a)
	wantSuccess(t, dial(t, socket).call(added(t, bigRSA(), "rsa")))
	places := cap(a.work.heavy)
	for range places {
		a.work.heavy <- struct{}{}
	}
	s := &stalled{socket: socket, key: k, letGo: func() {
		for range places {
			<-a.work.heavy
		}
	}}
	for range 8 {
		c, answer := dial(t, socket), make(chan wire.Message, 1)
		c.send(signRequest(k))
		go func() { answer <- c.receive() }()
		s.slow = append(s.slow, answer)
	}
	return s
}
