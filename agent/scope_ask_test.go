package agent

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/wire"
)

// touchHardware is a device that waits for the test.
type touchHardware struct {
	fakeHardware
	ends chan error // of one signature; nil is a touch
}

func (h *touchHardware) SignFIDO(ctx context.Context, _ string, _, _, _ []byte) ([]byte, error) {
	select {
	case err := <-h.ends:
		return []byte("signature"), err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// failingToken is a card that was pulled out, or not touched in time.
type failingToken struct{ TokenKey }

func (failingToken) Sign(context.Context, []byte, uint32) ([]byte, error) {
	return nil, errors.New("no signature")
}

// narrow is an agent with a narrower socket, where a question has got no yes before.
type narrow struct {
	a        *Agent
	k        *fakeKey
	ask      *confirmer
	hardware *touchHardware
	s        *scope
	c        *client
	data     []byte
}

func newNarrow(t *testing.T) *narrow {
	x := &narrow{k: newFakeKey(t, "ci"), ask: newConfirmer(), hardware: &touchHardware{ends: make(chan error, 1)}, data: fileOf("file")}
	x.a = New(Options{Source: sourceOf(x.k), Ask: x.ask, Hardware: x.hardware})
	mustUnlock(t, x.a, "ci")
	x.s = mustBegin(t, Scope{Name: "box", Purposes: []string{UseFile, UseLogin}, Confirm: true})
	x.s.pause = afterCancel
	x.c = connectAt(t, x.a, x.s)
	return x
}

// wants is a signature that is asked for there.
func (x *narrow) wants() <-chan wire.Message { return x.c.later(x.request()) }

// request is one by the key that was added last.
func (x *narrow) request() wire.Message {
	list := connect(x.c.t, x.a).call(&wire.RequestIdentities{}).(*wire.IdentitiesAnswer)
	return &wire.SignRequest{Blob: list.Identities[len(list.Identities)-1].Blob, Data: x.data}
}

// fido adds a key in a device, which nobody is asked about.
func (x *narrow) fido(application string, flags byte) {
	m := fidoKey(application)
	m.Key.(*wire.SKKey).Flags = flags
	wantSuccess(x.c.t, connect(x.c.t, x.a).call(m))
	x.s.Confirm = false
}

// TestWhatCountsAtANarrowerSocket: a yes or a touch ends what nagging has brought, and only a question that a person took away, left
// unanswered or was left alone with makes it worse.
func TestWhatCountsAtANarrowerSocket(t *testing.T) {
	const nothing, better, worse = afterCancel, 0, 2 * afterCancel
	answered := func(err error) func(*narrow) {
		return func(x *narrow) {
			x.wants()
			(<-x.ask.questions).answer <- err
		}
	}
	touched := func(flags byte, err error) func(*narrow) {
		return func(x *narrow) {
			x.fido("ssh:", flags)
			x.hardware.ends <- err
			<-x.wants()
		}
	}
	token := func(x *narrow) {
		wantSuccess(x.c.t, connect(x.c.t, x.a).call(&wire.AddToken{Provider: "/lib", PIN: []byte("1234")}))
		x.s.Confirm = false
	}
	later := func(end func(*narrow)) func(*narrow) { // its turn would come
		return func(x *narrow) {
			x.a.asking <- struct{}{}
			end(x)
			synctest.Wait()
			x.a.asking.give()
		}
	}
	for _, tt := range []struct {
		name  string
		does  func(*narrow)
		pause time.Duration
	}{
		{"a yes", answered(nil), better},
		{"a no", answered(errRefused), worse},
		{"taken away", answered(ErrCancelled), worse},
		{"no answer", func(x *narrow) { x.wants(); <-x.ask.questions; time.Sleep(questionTime) }, worse},
		{"hung up meanwhile", func(x *narrow) { x.c.send(x.request()); <-x.ask.questions; x.c.Close() }, worse},
		{"hung up before its turn", later(func(x *narrow) { x.c.send(x.request()); synctest.Wait(); x.c.Close() }), nothing},
		{"locked before its turn", later(func(x *narrow) { w := x.wants(); synctest.Wait(); x.a.Lock("ci"); <-w }), nothing},
		{"its turn did not come", later(func(x *narrow) { <-x.wants() }), nothing},
		{"that of the socket did not come", func(x *narrow) { x.s.turn <- struct{}{}; <-x.wants(); x.s.turn.give() }, nothing},
		{"nobody there", func(x *narrow) { x.ask.cannot = true; <-x.wants() }, nothing},
		{"what asks is broken", answered(errors.New("broken")), nothing},
		{"locked meanwhile", func(x *narrow) { x.wants(); <-x.ask.questions; x.a.Lock("ci") }, nothing},
		{"not put again so soon", func(x *narrow) {
			w := x.wants()
			(<-x.ask.questions).answer <- errRefused
			<-w
			x.s.quiet, x.s.pause = time.Time{}, afterCancel // as where the socket was opened anew
			<-x.wants()
		}, nothing},
		{"a touch", touched(touchNeeded, nil), better},
		{"no touch in time", touched(touchNeeded, errors.New("not touched")), worse},
		{"a touch, and hung up", func(x *narrow) { x.fido("ssh:", touchNeeded); x.c.send(x.request()); synctest.Wait(); x.c.Close() }, worse},
		{"a touch, and locked meanwhile", func(x *narrow) { x.fido("ssh:", touchNeeded); w := x.wants(); synctest.Wait(); x.a.RemoveAll(); <-w }, nothing},
		{"a device that needs no touch", touched(0, nil), nothing},
		{"and fails", touched(0, errors.New("broken")), nothing},
		{"a web site's key", func(x *narrow) { x.fido("web", touchNeeded); x.s.Purposes = nil; x.data = []byte("other"); <-x.wants() }, nothing},
		{"a card", func(x *narrow) { token(x); <-x.wants() }, nothing},
		{"a card that makes no signature", func(x *narrow) {
			token(x)
			x.a.keys.added[1].signer = &signer{public: x.a.keys.added[1].public, device: inToken{failingToken{}}}
			<-x.wants()
		}, worse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newNarrow(t)
				tt.does(x)
				synctest.Wait()
				if x.s.pause != tt.pause {
					t.Errorf("the next pause is %s, want %s", x.s.pause, tt.pause)
				}
				if quiet := time.Now().Before(x.s.quiet); quiet != (tt.pause == worse) {
					t.Errorf("quiet: %v", quiet)
				}
				if x.a.Status().Keys[0].Paused {
					t.Error("the status has a pause that Unlock does not end")
				}
			})
		})
	}
}

// TestANarrowerSocketBelievesNoPlainLogin: who is there can have the host key of one server sign the session of another one. What is
// signed has to name the host key, or it is nobody's.
func TestANarrowerSocketBelievesNoPlainLogin(t *testing.T) {
	k, host, journal := newFakeKey(t, "ci"), newHostKey(t), &fakeJournal{}
	a := New(Options{Journal: journal})
	m := added(t, k.private, "limited")
	m.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: limit("", "host", host)}}}
	wantSuccess(t, connect(t, a).call(m))
	free := newFakeKey(t, "free")
	wantSuccess(t, connect(t, a).call(added(t, free.private, "free")))
	c := connectAt(t, a, mustBegin(t, Scope{Name: "box", Purposes: []string{UseLogin}}))
	wantSuccess(t, c.call(host.bind(t, "s", false)))
	var signed []bool
	for _, key := range []*fakeKey{k, free} {
		for _, named := range []*hostKey{nil, host} {
			_, ok := c.call(&wire.SignRequest{Blob: key.public.Marshal(), Data: loginOf(key, "s", "me", named)}).(*wire.SignResponse)
			signed = append(signed, ok)
			all := journal.taken()
			if last := all[len(all)-1]; (last.Use.HostKey != "") != (named != nil) {
				t.Errorf("recorded as one to host key %q: %+v", last.Use.HostKey, last)
			}
		}
	}
	if want := []bool{false, true, true, true}; !slices.Equal(signed, want) {
		t.Errorf("signed: %v, want %v", signed, want)
	}
}
