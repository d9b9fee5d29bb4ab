package agent

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/scripts/ground"
)

// TestAQuestionHasItsTimeFromItsTurn on, and not from when it was asked for.
func TestAQuestionHasItsTimeFromItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, ask := newFakeKey(t, "one"), newFakeKey(t, "two"), newConfirmer()
		a := New(Options{Source: sourceOf(one, two), Ask: ask})
		first := connect(t, a).later(signRequest(one))
		q := <-ask.questions
		second := connect(t, a).later(signRequest(two))
		time.Sleep(40 * time.Second)
		select {
		case <-ask.questions:
			t.Fatal("two questions at a time")
		default:
		}
		q.answer <- nil
		wantSignature(t, <-first, one)
		q = <-ask.questions
		time.Sleep(questionTime - time.Second)
		stillWaiting(t, second)
		if q.ctx.Err() != nil {
			t.Error("taken away too early")
		}
		q.answer <- nil
		wantSignature(t, <-second, two)
	})
}

// TestAQuestionWaitsForItsTurnButNotForEver: it was never put, and so nobody was asked.
func TestAQuestionWaitsForItsTurnButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, log := newFakeKey(t, "work"), &ground.Buffer{}
		a := New(Options{Source: sourceOf(k), Ask: newConfirmer(), Log: logTo(log)})
		a.asking <- struct{}{}
		begin := time.Now()
		wantFailure(t, connect(t, a).call(signRequest(k)))
		if took := time.Since(begin); took != longestTurn {
			t.Errorf("it waited %s", took)
		}
		if got := a.Status().Keys[0].Refused; got == nil || !strings.Contains(log.String(), "other questions were open for 5 minutes") {
			t.Errorf("status %+v, log %s", got, log)
		}
	})
}

// TestWhoHangsUpBeforeTheirTurnDoesNotNag: nobody saw anything of it.
func TestWhoHangsUpBeforeTheirTurnDoesNotNag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask, host := newFakeKey(t, "work"), newConfirmer(), newHostKey(t)
		a := New(Options{Ask: ask})
		confirming(t, a, k)
		a.asking <- struct{}{}
		c := connectFrom(t, a, host)
		c.send(signRequest(k))
		synctest.Wait()
		c.Close()
		synctest.Wait()
		a.asking.give()
		answer := connectFrom(t, a, host).later(signRequest(k))
		(<-ask.questions).answer <- nil
		wantSignature(t, <-answer, k)
	})
}
