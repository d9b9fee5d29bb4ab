package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/wire"
)

// confirmer hands each question for a yes to the test.
type confirmer struct {
	questions chan confirmed
	cannot    bool
}

type confirmed struct {
	prompt Prompt
	ctx    context.Context
	answer chan<- error   // nil is a yes
	hold   chan<- Consent // a yes that says for how long
}

func newConfirmer() *confirmer { return &confirmer{questions: make(chan confirmed)} }

func (f *confirmer) CanAsk() bool                   { return !f.cannot }
func (f *confirmer) Notify(context.Context, Prompt) {}
func (f *confirmer) AskPassphrase(ctx context.Context, p Prompt) ([]byte, error) {
	if c, err := f.Confirm(ctx, p); !c.Yes {
		return nil, err
	}
	return []byte("right"), nil
}

func (f *confirmer) Confirm(ctx context.Context, p Prompt) (Consent, error) {
	answer, hold := make(chan error, 1), make(chan Consent, 1)
	select {
	case f.questions <- confirmed{p, ctx, answer, hold}:
	case <-ctx.Done():
		return Consent{}, ctx.Err()
	}
	select {
	case c := <-hold:
		return c, nil
	case err := <-answer:
		if err == errRefused {
			return Consent{}, nil
		}
		return Consent{Yes: err == nil}, err
	case <-ctx.Done():
		return Consent{}, ctx.Err()
	}
}

// confirming adds k to a, to be used after a yes alone.
func confirming(t testing.TB, a *Agent, k *fakeKey) {
	t.Helper()
	m := added(t, k.private, "work@here")
	m.Constraints = &wire.Constraints{Confirm: true}
	wantSuccess(t, connect(t, a).call(m))
}

func TestEachUseIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newConfirmer()
		a := New(Options{Ask: ask})
		confirming(t, a, k)
		c := connect(t, a)
		for range 2 {
			answer := c.later(signRequest(k))
			q := <-ask.questions
			if q.prompt.Comment != "work@here" || q.prompt.Peer.PID != 42 || q.prompt.Use.Purpose != UseOther {
				t.Errorf("asked %+v", q.prompt)
			}
			stillWaiting(t, answer)
			q.answer <- nil
			wantSignature(t, <-answer, k)
		}
	})
}

// TestOneYesIsForOneUse: those who ask for the same use share an answer, another
// use is another question, after it.
func TestOneYesIsForOneUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newConfirmer()
		a := New(Options{Ask: ask})
		confirming(t, a, k)
		one, two := connect(t, a).later(signRequest(k)), connect(t, a).later(signRequest(k))
		login := (&wire.Login{SessionID: []byte("a"), User: "root", Algorithm: "ssh-ed25519", Key: k.public.Marshal()}).Data()
		three := connect(t, a).later(&wire.SignRequest{Blob: k.public.Marshal(), Data: login})
		four := connect(t, a).later(&wire.SignRequest{Blob: k.public.Marshal(), Data: []byte("other data")})
		first := error(nil)
		for range 3 { // they come in any order
			q := <-ask.questions
			synctest.Wait()
			if q.prompt.Use.Purpose == UseLogin {
				if q.prompt.Use.User != "root" {
					t.Errorf("asked %+v", q.prompt)
				}
				q.answer <- errRefused
				wantFailure(t, <-three)
				continue
			}
			q.answer <- first
			first = errRefused
		}
		if _, yes := (<-four).(*wire.SignResponse); yes { // which of both was the first nobody can say
			wantFailure(t, <-one)
			wantFailure(t, <-two)
		} else {
			wantSignature(t, <-one, k)
			wantSignature(t, <-two, k)
		}
	})
}

// TestACancelledQuestionIsNotPutAgain to the same program for 30 seconds; to
// another one it is.
func TestACancelledQuestionIsNotPutAgain(t *testing.T) {
	questions := map[string]func(t *testing.T, k *fakeKey, ask Asker) *Agent{
		"passphrase": func(t *testing.T, k *fakeKey, ask Asker) *Agent { return New(Options{Source: sourceOf(k), Ask: ask}) },
		"confirm": func(t *testing.T, k *fakeKey, ask Asker) *Agent {
			a := New(Options{Ask: ask})
			confirming(t, a, k)
			return a
		},
	}
	for name, agent := range questions {
		for what, cancel := range map[string]error{"cancelled": ErrCancelled, "refused": errRefused} {
			if name == "passphrase" && cancel == errRefused {
				continue
			}
			t.Run(name+" "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					k, ask := newFakeKey(t, "work"), newConfirmer()
					a := agent(t, k, ask)
					c, forwarded := connect(t, a), connect(t, a)
					answer := c.later(signRequest(k))
					(<-ask.questions).answer <- cancel
					wantFailure(t, <-answer)
					time.Sleep(30*time.Second - time.Millisecond)
					before := time.Now()
					wantFailure(t, c.call(signRequest(k)))
					if waited := time.Since(before); waited != 0 {
						t.Errorf("asked again, for %v", waited)
					}
					if name == "confirm" {
						wantSuccess(t, forwarded.call(newHostKey(t).bind(t, "a", true)))
						answer = forwarded.later(signRequest(k)) // what comes from elsewhere is told apart
						(<-ask.questions).answer <- nil
						wantSignature(t, <-answer, k)
					}
					if !a.Status().Keys[0].Paused {
						t.Error("the status does not say that nobody is asked")
					}
					time.Sleep(time.Millisecond)
					if a.Status().Keys[0].Paused {
						t.Error("the status says still that nobody is asked")
					}
					answer = c.later(signRequest(k))
					(<-ask.questions).answer <- nil
					wantSignature(t, <-answer, k)
				})
			})
		}
	}
}

func TestWithoutAWayToAskAConfirmIsANo(t *testing.T) {
	k := newFakeKey(t, "work")
	for name, ask := range map[string]Asker{"no asker": nil, "no way": &confirmer{cannot: true}} {
		t.Run(name, func(t *testing.T) {
			a := New(Options{Source: sourceOf(k), Ask: ask})
			if err := a.Unlock("work", []byte("right"), Terms{Confirm: true}); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, connect(t, a).call(signRequest(k)))
			if got := keyStatus(t, a, "work"); got.Refused == nil || got.Refused.Peer.Program != "/usr/bin/ssh" || !got.Confirm {
				t.Errorf("status %+v", got)
			}
			wantFailure(t, connectAt(t, a, mustBegin(t, Scope{Name: "box", Keys: []string{"work"}})).call(signRequest(k)))
			if got := keyStatus(t, a, "work").Refused; got == nil || got.Socket != "box" {
				t.Errorf("status %+v", got)
			}
		})
	}
}

// TestWhoWaitsForAYes may hang up, or lose the key meanwhile; an open question
// ends after a minute.
func TestWhoWaitsForAYes(t *testing.T) {
	ends := map[string]func(a *Agent, c *client){
		"hangs up":       func(_ *Agent, c *client) { c.Close() },
		"key removed":    func(a *Agent, _ *client) { a.RemoveAll() },
		"agent locked":   func(a *Agent, _ *client) { _ = a.lock(context.Background(), []byte("x")) },
		"a minute later": func(*Agent, *client) { time.Sleep(questionTime) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, ask := newFakeKey(t, "work"), newConfirmer()
				a := New(Options{Ask: ask, LockWork: 1})
				confirming(t, a, k)
				c := connect(t, a)
				c.send(signRequest(k))
				q := <-ask.questions
				end(a, c)
				<-q.ctx.Done()
				if name != "hangs up" {
					wantFailure(t, c.receive())
				}
			})
		})
	}
}

// TestAYesForAKeyThatIsLocked is none: what a person allowed is not there any more.
func TestAYesForAKeyThatIsLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newConfirmer()
		a := New(Options{Source: sourceOf(k), Ask: deaf{ask}})
		if err := a.Unlock("work", []byte("right"), Terms{Confirm: true}); err != nil {
			t.Fatal(err)
		}
		answer := connect(t, a).later(signRequest(k))
		q := <-ask.questions
		if err := a.Lock(); err != nil {
			t.Fatal(err)
		}
		q.answer <- nil
		wantFailure(t, <-answer)
	})
}

// deaf does not hear that its question was taken away.
type deaf struct{ *confirmer }

func (d deaf) Confirm(_ context.Context, p Prompt) (Consent, error) {
	return d.confirmer.Confirm(context.Background(), p)
}

// TestUnlockingByHand loosens nothing that is open, and ends the silence after a no.
func TestUnlockingByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newConfirmer()
		a := New(Options{Source: sourceOf(k), Ask: ask})
		unlock := func(terms Terms) {
			if err := a.Unlock("work", []byte("right"), terms); err != nil {
				t.Fatal(err)
			}
		}
		unlock(Terms{Confirm: true})
		c := connect(t, a)
		answer := c.later(signRequest(k))
		(<-ask.questions).answer <- errRefused
		wantFailure(t, <-answer)
		unlock(Terms{Life: time.Hour})
		answer = c.later(signRequest(k)) // asked at once
		(<-ask.questions).answer <- nil
		wantSignature(t, <-answer, k)
		if err := a.Lock("work"); err != nil {
			t.Fatal(err)
		}
		unlock(Terms{})
		wantSignature(t, c.call(signRequest(k)), k) // locked between, it has no limits any more
	})
}

// TestANoIsOneToAllThatWait: who asks for many things at once gets one no, not a question for each of them. What another asks for goes on.
func TestANoIsOneToAllThatWait(t *testing.T) {
	for name, end := range map[string]error{"refused": errRefused, "cancelled": ErrCancelled} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, ask := newFakeKey(t, "work"), newConfirmer()
				a := New(Options{Ask: ask})
				confirming(t, a, k)
				host := newHostKey(t)
				var many []<-chan wire.Message
				for i := range 20 {
					many = append(many, connectFrom(t, a, host).later(&wire.SignRequest{Blob: k.public.Marshal(), Data: []byte{byte(i)}}))
				}
				synctest.Wait()
				own := connect(t, a).later(signRequest(k))
				synctest.Wait()
				first := <-ask.questions
				for !first.prompt.Use.Forwarded { // they come in any order
					first.answer <- nil
					wantSignature(t, <-own, k)
					own = nil
					first = <-ask.questions
				}
				first.answer <- end
				for _, answer := range many {
					wantFailure(t, <-answer)
				}
				if own != nil {
					(<-ask.questions).answer <- nil
					wantSignature(t, <-own, k)
				}
			})
		})
	}
}

// TestWhoIsElsewhereCannotNag by hanging up and asking again.
func TestWhoIsElsewhereCannotNag(t *testing.T) {
	ends := map[string]func(*client){
		"hangs up":       func(c *client) { c.Close() },
		"a minute later": func(*client) { time.Sleep(questionTime) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, ask := newFakeKey(t, "work"), newConfirmer()
				a := New(Options{Ask: ask})
				confirming(t, a, k)
				host := newHostKey(t)
				c := connectFrom(t, a, host)
				c.send(signRequest(k))
				q := <-ask.questions
				end(c)
				<-q.ctx.Done()
				synctest.Wait()
				before := time.Now()
				wantFailure(t, connectFrom(t, a, host).call(signRequest(k)))
				if waited := time.Since(before); waited != 0 {
					t.Errorf("asked again, for %v", waited)
				}
				time.Sleep(afterCancel)
				answer := connectFrom(t, a, host).later(signRequest(k))
				(<-ask.questions).answer <- nil
				wantSignature(t, <-answer, k)
			})
		})
	}
}
