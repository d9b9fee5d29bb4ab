package agent

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// fakeJournal keeps what it is told.
type fakeJournal struct {
	mu  sync.Mutex
	all []Record
}

func (j *fakeJournal) Record(r Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, r)
}

func (j *fakeJournal) Missed() []Missed { return []Missed{{"the log", 3, "full"}} }

// taken are the records since the last time.
func (j *fakeJournal) taken() []Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := j.all
	j.all = nil
	return all
}

// want checks that there is one record since the last time, and returns it.
func (j *fakeJournal) want(t testing.TB, request, decision, reason string) Record {
	t.Helper()
	all := j.taken()
	if len(all) != 1 {
		t.Fatalf("%d records, want one: %+v", len(all), all)
	}
	r := all[0]
	if r.Request != request || r.Decision != decision || (r.Reason == "") != (reason == "") || !strings.Contains(r.Reason, reason) {
		t.Errorf("%s %s %q, want %s %s %q", r.Request, r.Decision, r.Reason, request, decision, reason)
	}
	if r.Time.IsZero() || r.Peer.PID != 42 {
		t.Errorf("at %v by %+v", r.Time, r.Peer)
	}
	return r
}

// yesSayer says yes, or what it is told to.
type yesSayer struct {
	fakeAsker
	no error
}

func (y *yesSayer) Confirm(context.Context, Prompt) (Consent, error) {
	return Consent{Yes: y.no == nil}, y.no
}

// TestEveryRequestForASignatureIsRecordedOnce, allowed or not, before its answer.
func TestEveryRequestForASignatureIsRecordedOnce(t *testing.T) {
	host, j, ask := newHostKey(t), &fakeJournal{}, &yesSayer{}
	open, locked, here := newFakeKey(t, "open"), newFakeKey(t, "locked"), newEd25519(t)
	a := New(Options{Source: sourceOf(open, locked), Ask: ask, Journal: j, LockWork: 1})
	mustUnlock(t, a, "open")
	c := connect(t, a)
	wantSuccess(t, c.call(added(t, here, "mine")))
	login := func(key ssh.PublicKey) *wire.SignRequest {
		l := &wire.Login{SessionID: []byte("a"), User: "me", Algorithm: "ssh-ed25519", Key: key.Marshal()}
		return &wire.SignRequest{Blob: key.Marshal(), Data: l.Data()}
	}

	wantSignature(t, c.call(signRequest(open)), open)
	r := j.want(t, RequestSign, Allowed, "")
	if r.Key != "open" || r.Comment != "open@here" || r.Fingerprint != ssh.FingerprintSHA256(open.public) || r.Use.Purpose != UseOther || r.Use.HostKey != "" {
		t.Errorf("%+v", r)
	}
	public := newPublic(t, here)
	wantSuccess(t, c.call(host.bind(t, "a", false)))
	if _, ok := c.call(login(public)).(*wire.SignResponse); !ok {
		t.Error("no signature")
	}
	r = j.want(t, RequestSign, Allowed, "")
	if r.Key != "" || r.Comment != "mine" || r.Use.Purpose != UseLogin || r.Use.User != "me" || r.Use.HostKey != ssh.FingerprintSHA256(host.PublicKey()) {
		t.Errorf("%+v", r)
	}

	ask.cannot = true
	wantFailure(t, c.call(login(locked.public)))
	if r = j.want(t, RequestSign, Refused, "nobody can be asked"); r.Key != "locked" || r.Use.User != "me" {
		t.Errorf("%+v", r)
	}
	strange := newFakeKey(t, "strange")
	wantFailure(t, c.call(signRequest(strange)))
	if r = j.want(t, RequestSign, Refused, "no such key"); r.Key != "" || r.Fingerprint != ssh.FingerprintSHA256(strange.public) {
		t.Errorf("%+v", r)
	}
	wantFailure(t, c.call(&wire.SignRequest{})) // of no key at all
	j.want(t, RequestSign, Refused, "no such key")
	wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: open.public.Marshal()}))
	wantFailure(t, c.call(signRequest(open)))
	if r = j.want(t, RequestSign, Refused, "no such key"); r.Key != "open" {
		t.Errorf("a hidden key: %+v", r)
	}

	ask.cannot = false
	mustUnlock(t, a, "open")
	limited := added(t, here, "mine")
	limited.Constraints = &wire.Constraints{Confirm: true}
	wantSuccess(t, c.call(limited))
	if _, ok := c.call(login(public)).(*wire.SignResponse); !ok {
		t.Error("no signature")
	}
	j.want(t, RequestSign, Asked, "")
	ask.no = ErrCancelled
	wantFailure(t, c.call(login(public)))
	j.want(t, RequestSign, Refused, "cancelled")

	wantSuccess(t, c.call(&wire.Lock{Passphrase: []byte("x")}))
	wantFailure(t, c.call(signRequest(open)))
	if r = j.want(t, RequestSign, Refused, "locked"); r.Key != "open" {
		t.Errorf("%+v", r)
	}
	if rest := j.taken(); len(rest) > 0 {
		t.Errorf("and also %+v", rest)
	}
	if missed := a.Status().Missed; len(missed) != 1 || missed[0].Count != 3 {
		t.Errorf("the status has %+v", missed)
	}
}

// TestANoIsRecordedInFewWords, and is a question that a person took away.
func TestANoIsRecordedInFewWords(t *testing.T) {
	for no, want := range map[error]string{nil: "the person said no", ErrCancelled: "the question was cancelled"} {
		j, k := &fakeJournal{}, newFakeKey(t, "work")
		a := New(Options{Ask: &noSayer{no: no}, Journal: j})
		confirming(t, a, k)
		c := connect(t, a)
		for _, want := range []string{want, errAgain.Error()} {
			wantFailure(t, c.call(signRequest(k)))
			if r := j.want(t, RequestSign, Refused, want); r.Reason != want {
				t.Errorf("the reason is %q, want %q", r.Reason, want)
			}
		}
	}
}

// noSayer says no, or ends the question otherwise.
type noSayer struct {
	fakeAsker
	no error
}

func (n *noSayer) Confirm(context.Context, Prompt) (Consent, error) { return Consent{}, n.no }

// TestAPersonWhoOpensAKeyIsRecorded, and so is a client that hangs up meanwhile.
func TestAPersonWhoOpensAKeyIsRecorded(t *testing.T) {
	j, k, ask := &fakeJournal{}, newFakeKey(t, "work"), newAsker()
	a := New(Options{Source: sourceOf(k), Ask: ask, Journal: j})
	gone := connect(t, a)
	gone.send(signRequest(k))
	q := <-ask.questions
	gone.Close()
	<-q.ctx.Done()
	ground.Until(t, "the request of who hung up is recorded", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.all) > 0
	})
	j.want(t, RequestSign, Refused, "context canceled")

	c := connect(t, a)
	answer := c.later(signRequest(k))
	(<-ask.questions).answer <- "right"
	wantSignature(t, <-answer, k)
	j.want(t, RequestSign, Asked, "")
	wantSignature(t, c.call(signRequest(k)), k) // open now
	j.want(t, RequestSign, Allowed, "")
}

// TestWhatOthersMayNotIsRecorded: refused binds, and changes from another computer.
func TestWhatOthersMayNotIsRecorded(t *testing.T) {
	host, j, k := newHostKey(t), &fakeJournal{}, newFakeKey(t, "open")
	a := New(Options{Source: sourceOf(k), Journal: j, LockWork: 1, PPK: func([]byte) (LockedKey, bool, error) { return nil, false, errors.New("unread") }})
	mustUnlock(t, a, "open")
	c := connect(t, a)
	wantSuccess(t, c.call(host.bind(t, "a", true)))
	for _, m := range []wire.Message{
		added(t, newEd25519(t), "x"), &wire.RemoveIdentity{Blob: k.public.Marshal()}, &wire.RemoveAll{}, &wire.Lock{Passphrase: []byte("x")},
		&wire.Unlock{Passphrase: []byte("x")}, &wire.AddToken{Provider: "/x"}, &wire.RemoveToken{Provider: "/x"},
	} {
		wantFailure(t, c.call(m))
		forgetRefused(a)
		if r := j.want(t, RequestChange, Refused, "forwarded"); !r.Use.Forwarded || r.Key != "" || r.Fingerprint != "" {
			t.Errorf("%T: %+v", m, r)
		}
	}
	wantExtensionFailure(t, c.call(&wire.Extension{Name: wire.ExtensionReencryptAll}))
	j.want(t, RequestChange, Refused, "forwarded")
	narrow := connectAt(t, a, mustBegin(t, Scope{Name: "git", Purposes: []string{UseGit}}))
	wantFailure(t, narrow.call(signRequest(k)))
	if r := j.want(t, RequestSign, Refused, "narrower"); r.Socket != "git" {
		t.Errorf("%+v", r)
	}
	wantFailure(t, narrow.call(&wire.RemoveAll{}))
	if r := j.want(t, RequestChange, Refused, "narrower"); r.Socket != "git" {
		t.Errorf("%+v", r)
	}

	wantSuccess(t, connect(t, a).call(&wire.Lock{Passphrase: []byte("x")}))
	wantFailure(t, c.call(&wire.Unlock{Passphrase: []byte("x")})) // nor while it is locked
	j.want(t, RequestChange, Refused, "forwarded")

	broken := host.bind(t, "b", false)
	broken.Contents = broken.Contents[:9]
	wantExtensionFailure(t, c.call(broken))
	j.want(t, RequestBind, Refused, "bind")

	here := connect(t, a) // what is refused to somebody here is their own business
	wantSuccess(t, here.call(&wire.Unlock{Passphrase: []byte("x")}))
	wantFailure(t, here.call(&wire.RemoveIdentity{Blob: []byte("x")}))
	wantFailure(t, here.call(&wire.Extension{Name: "moon@example.com"}))
	if rest := j.taken(); len(rest) > 0 {
		t.Errorf("and also %+v", rest)
	}
}

// TestAMistakeIsRecorded: a request that the program fails at has its record, too.
func TestAMistakeIsRecorded(t *testing.T) {
	j := &fakeJournal{}
	c := connect(t, New(Options{Source: panickingSource{}, Journal: j}))
	c.send(signRequest(newFakeKey(t, "any")))
	if _, err := c.frames.Next(); err == nil {
		t.Error("an answer came")
	}
	j.want(t, RequestSign, Refused, "a mistake in the program")
}
