package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// In these tests time is that of a bubble (testing/synctest): it stands still
// while anything can still happen, so "nothing happens before" can be asserted.

func stillWaiting(t *testing.T, answer <-chan wire.Message) {
	t.Helper()
	synctest.Wait()
	select {
	case m := <-answer:
		t.Errorf("answered already: %#v", m)
	default:
	}
}

func TestALockedKeyIsListedAskedForOnceAndStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		a := New(Options{Source: sourceOf(k), Ask: ask})
		c := connect(t, a)
		c.wantList("work@here")

		answer := c.later(signRequest(k))
		q := <-ask.questions
		want := Prompt{Key: "work", Comment: "work@here", Attempt: 1, Fingerprint: q.prompt.Fingerprint,
			Peer: Peer{UID: "1000", PID: 42, Program: "/usr/bin/ssh"}, Use: Use{Purpose: UseOther}}
		if q.prompt != want || !strings.HasPrefix(q.prompt.Fingerprint, "SHA256:") {
			t.Errorf("asked %+v", q.prompt)
		}
		stillWaiting(t, answer)
		q.answer <- "right"
		wantSignature(t, <-answer, k)

		wantSignature(t, c.call(signRequest(k)), k) // the asker would block: nothing is asked
		if a.Status().Keys[0].Locked {
			t.Error("the key is locked again")
		}
	})
}

func TestOthersAreServedWhileAQuestionIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, other, rsa := newFakeKey(t, "slow"), newFakeKey(t, "other"), newFakeRSA(t, "rsa")
		ask := newAsker()
		a := New(Options{Source: sourceOf(slow, other, rsa), Ask: ask})
		for _, name := range []string{"other", "rsa"} {
			if err := a.Unlock(name, []byte("right"), Terms{}); err != nil {
				t.Fatal(err)
			}
		}
		waiting := connect(t, a).later(signRequest(slow))
		q := <-ask.questions

		c := connect(t, a)
		c.wantList("slow@here", "other@here", "rsa@here")
		wantSignature(t, c.call(signRequest(other)), other)
		wantSignature(t, c.call(signRequest(rsa)), rsa)
		wantSuccess(t, c.call(added(t, newEd25519(t), "new")))
		if got := a.Status(); !got.Keys[0].Locked {
			t.Errorf("status %+v", got)
		}
		stillWaiting(t, waiting)
		q.answer <- "right"
		wantSignature(t, <-waiting, slow)
	})
}

func TestOneQuestionServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		a := New(Options{Source: sourceOf(k), Ask: ask})
		var answers []<-chan wire.Message
		for range 5 {
			answers = append(answers, connect(t, a).later(signRequest(k)))
		}
		q := <-ask.questions
		synctest.Wait()
		q.answer <- "right"
		for _, answer := range answers {
			wantSignature(t, <-answer, k) // a second question would never be answered
		}
	})
}

func TestAWrongPassphraseIsAskedForAgain(t *testing.T) {
	for _, right := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			k, ask := newFakeKey(t, "work"), newAsker()
			c := connect(t, New(Options{Source: sourceOf(k), Ask: ask}))
			answer, start := c.later(signRequest(k)), time.Now()
			for attempt := 1; attempt <= 3; attempt++ {
				q := <-ask.questions
				if q.prompt.Attempt != attempt {
					t.Errorf("attempt %d is called %d", attempt, q.prompt.Attempt)
				}
				stillWaiting(t, answer)
				if attempt == 3 && right {
					q.answer <- "right"
				} else {
					q.answer <- "wrong"
				}
			}
			if right {
				wantSignature(t, <-answer, k)
			} else {
				wantFailure(t, <-answer)
			}
			if time.Since(start) > 2*time.Second { // what the wrong guesses cost
				t.Error("there was a fourth question, which nobody answered")
			}
		})
	}
}

func TestDecliningRefusesAndTheNextRequestAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		c := connect(t, New(Options{Source: sourceOf(k), Ask: ask}))
		for range 2 {
			answer := c.later(signRequest(k))
			q := <-ask.questions
			q.answer <- ""
			wantFailure(t, <-answer)
		}
	})
}

func TestAQuestionEndsAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		c := connect(t, New(Options{Source: sourceOf(k), Ask: ask}))
		answer, start := c.later(signRequest(k)), time.Now()
		q := <-ask.questions
		time.Sleep(59 * time.Second)
		stillWaiting(t, answer)
		if q.ctx.Err() != nil {
			t.Error("taken away too early")
		}
		wantFailure(t, <-answer)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("it ended after %v", took)
		}
		if q.ctx.Err() == nil {
			t.Error("the question is still open")
		}
	})
}

func TestHangingUpTakesTheQuestionAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		a := New(Options{Source: sourceOf(k), Ask: ask})
		first, second := connect(t, a), connect(t, a)
		first.send(signRequest(k))
		second.send(signRequest(k))
		q := <-ask.questions
		synctest.Wait()

		first.Close()
		synctest.Wait()
		if q.ctx.Err() != nil {
			t.Error("taken away while somebody still waits")
		}
		second.Close()
		synctest.Wait()
		if q.ctx.Err() == nil {
			t.Error("still open though nobody waits")
		}

		c := connect(t, a) // and the key can be asked for anew
		answer := c.later(signRequest(k))
		q = <-ask.questions
		q.answer <- "right"
		wantSignature(t, <-answer, k)
	})
}

func TestWhatIsSentDuringAQuestionIsAnsweredAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		c := connect(t, New(Options{Source: sourceOf(k), Ask: ask}))
		answer := c.later(signRequest(k))
		q := <-ask.questions
		list := wire.Encode(&wire.RequestIdentities{})
		c.Write(list[:3])
		c.Write(list[3:])
		time.Sleep(50 * time.Second) // longer than half a message may take
		stillWaiting(t, answer)
		q.answer <- "right"
		wantSignature(t, <-answer, k)
		if _, ok := c.receive().(*wire.IdentitiesAnswer); !ok {
			t.Error("the list did not come")
		}
		c.wantList("work@here") // the connection goes on as before
	})
}

// slowAsker leaves its question on the screen until it is told to go, whatever
// its context says.
type slowAsker struct {
	passphrasesOnly
	open chan Prompt
	quit chan struct{}
}

func (s *slowAsker) CanAsk() bool { return true }

func (s *slowAsker) AskPassphrase(ctx context.Context, p Prompt) ([]byte, error) {
	s.open <- p
	<-s.quit
	return []byte("right"), nil
}

func TestThereIsNeverASecondQuestionBesideTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), &slowAsker{open: make(chan Prompt, 1), quit: make(chan struct{})}
		a := New(Options{Source: sourceOf(k), Ask: ask})
		first := connect(t, a)
		first.send(signRequest(k))
		<-ask.open
		first.Close() // the question is to go away, and takes its time
		synctest.Wait()

		answer := connect(t, a).later(signRequest(k))
		synctest.Wait()
		if len(ask.open) > 0 {
			t.Fatal("asked while the first question is still there")
		}
		ask.quit <- struct{}{} // typed after all; but nobody waited any more
		<-ask.open
		if !a.Status().Keys[0].Locked {
			t.Error("opened by an answer that came too late")
		}
		ask.quit <- struct{}{}
		wantSignature(t, <-answer, k)
	})
}

func TestUnlockByNameServesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		a := New(Options{Source: sourceOf(k), Ask: ask})
		answer := connect(t, a).later(signRequest(k))
		q, start := <-ask.questions, time.Now()
		if err := a.Unlock("work", []byte("right"), Terms{}); err != nil {
			t.Fatal(err)
		}
		wantSignature(t, <-answer, k)
		if time.Now() != start {
			t.Error("who waited had to wait on")
		}
		if q.ctx.Err() == nil {
			t.Error("the question is still open")
		}
	})
}

func TestWhatEndsAQuestionFromOutside(t *testing.T) {
	source := sourceOf()
	ends := map[string]func(*testing.T, *Agent, *fakeKey){
		"lock":     func(t *testing.T, a *Agent, _ *fakeKey) { a.Lock("work") },
		"lock all": func(t *testing.T, a *Agent, _ *fakeKey) { a.Lock() },
		"remove": func(t *testing.T, a *Agent, k *fakeKey) {
			connect(t, a).call(&wire.RemoveIdentity{Blob: k.public.Marshal()})
		},
		"remove all":   func(t *testing.T, a *Agent, _ *fakeKey) { a.RemoveAll() },
		"file removed": func(t *testing.T, a *Agent, _ *fakeKey) { source.set(); a.Status() },
		"renamed": func(t *testing.T, a *Agent, k *fakeKey) { // what was asked names a file that is gone
			source.set(&fakeKey{name: "other", private: k.private, public: k.public})
			a.Status()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, ask := newFakeKey(t, "work"), newAsker()
				source.set(k)
				a := New(Options{Source: source, Ask: ask})
				countFree(a) // a lock waits for cleanups, and no clock stands still meanwhile
				answer := connect(t, a).later(signRequest(k))
				q, start := <-ask.questions, time.Now()
				end(t, a, k)
				wantFailure(t, <-answer)
				if time.Now() != start {
					t.Error("who waited had to wait on")
				}
				if q.ctx.Err() == nil {
					t.Error("the question is still open")
				}
				if _, err := a.find(k.public.Marshal()); err == nil && !a.Status().Keys[0].Locked {
					t.Error("the key is open")
				}
			})
		})
	}
}

func TestLockingWhileThePassphraseIsTriedWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		k.opened, k.gate = make(chan struct{}), make(chan struct{})
		a := New(Options{Source: sourceOf(k), Ask: ask})
		answer := connect(t, a).later(signRequest(k))
		q := <-ask.questions
		q.answer <- "right"
		<-k.opened
		a.Lock()
		close(k.gate)
		wantFailure(t, <-answer)
		if !a.Status().Keys[0].Locked {
			t.Error("the key is open")
		}
	})
}

func TestWhereNobodyCanBeAsked(t *testing.T) {
	tests := map[string]Asker{
		"no asker":                 nil,
		"asker without a way":      &fakeAsker{cannot: true},
		"a way that turns out not": failingAsker{err: ErrCannotAsk},
	}
	for name, ask := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, log := newFakeKey(t, "work"), &ground.Buffer{}
				a := New(Options{Source: sourceOf(k), Ask: ask, Log: logTo(log)})
				c := connect(t, a)
				before := time.Now()
				wantFailure(t, c.call(signRequest(k)))
				if time.Now() != before {
					t.Error("not at once")
				}
				if got := a.Status().Keys[0].Refused; got == nil || got.Peer.Program != "/usr/bin/ssh" || got.Socket != "" {
					t.Errorf("status says refused %v", got)
				}
				if !strings.Contains(log.String(), "kagiban unlock work") {
					t.Errorf("the log does not name the command:\n%s", log)
				}
				if err := a.Unlock("work", []byte("right"), Terms{}); err != nil {
					t.Fatal(err)
				}
				wantSignature(t, c.call(signRequest(k)), k)
				if got := a.Status().Keys[0].Refused; got != nil {
					t.Errorf("status still says refused %v", got)
				}
			})
		})
	}
}

type failingAsker struct {
	passphrasesOnly
	err error
}

func (f failingAsker) CanAsk() bool { return true }
func (f failingAsker) AskPassphrase(context.Context, Prompt) ([]byte, error) {
	if f.err == nil {
		panic("a mistake with a secret in it: hunter2")
	}
	return nil, f.err
}

func TestAPanicWhileAskingRefusesAndNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, log := newFakeKey(t, "work"), &ground.Buffer{}
		c := connect(t, New(Options{Source: sourceOf(k), Ask: failingAsker{}, Log: logTo(log)}))
		wantFailure(t, c.call(signRequest(k)))
		wantFailure(t, c.call(signRequest(k)))
		c.wantList("work@here")
		if !strings.Contains(log.String(), "AskPassphrase") || strings.Contains(log.String(), "hunter2") {
			t.Errorf("the log:\n%s", log)
		}
	})
}

func TestOtherErrorsOfOpeningAreNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		k.fails = errors.New("the file is damaged")
		c := connect(t, New(Options{Source: sourceOf(k), Ask: ask}))
		answer := c.later(signRequest(k))
		(<-ask.questions).answer <- "right"
		wantFailure(t, <-answer)
	})
}
