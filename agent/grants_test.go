package agent

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// holder answers each question for a yes in the same way, and counts them.
type holder struct {
	passphrasesOnly
	consent Consent
	asked   []Prompt
}

func (h *holder) CanAsk() bool { return true }
func (h *holder) AskPassphrase(context.Context, Prompt) ([]byte, error) {
	return []byte("right"), nil
}

func (h *holder) Confirm(_ context.Context, p Prompt) (Consent, error) {
	h.asked = append(h.asked, p)
	return h.consent, nil
}

// bed is an agent with a key that is asked about, and what to ask for.
type bed struct {
	*testing.T
	*Agent
	k     *fakeKey
	ask   *holder
	a, b  *hostKey
	sleep time.Duration // how long the computer has slept
}

func newBed(t *testing.T, consent Consent) *bed {
	x := &bed{T: t, k: newFakeKey(t, "work"), ask: &holder{consent: consent}, a: newHostKey(t), b: newHostKey(t)}
	begin := time.Now()
	x.Agent = New(Options{Source: sourceOf(x.k), Ask: x.ask, LockWork: 1,
		Uptime: func() time.Duration { return time.Since(begin) + x.sleep },
		Origin: func(p Peer, u Use) Origin { return Origin{Parents: map[int]string{7: "/usr/bin/git"}[p.PID]} }})
	x.unlock()
	return x
}

func (x *bed) unlock() {
	x.Helper()
	if err := x.Unlock("work", []byte("right"), Terms{Confirm: true}); err != nil {
		x.Fatal(err)
	}
}

// use is one signature: over which connection, and of what.
type use struct {
	peer  Peer
	binds []*wire.Extension
	data  []byte
}

var sshHere = Peer{UID: "1000", PID: 42, Program: "/usr/bin/ssh"}

func (x *bed) login(host *hostKey, session, user string) use {
	l := &wire.Login{SessionID: []byte(session), User: user, Algorithm: "ssh-ed25519", Key: x.k.public.Marshal(), HostKey: host.blob()}
	return use{sshHere, []*wire.Extension{host.bind(x, session, false)}, l.Data()}
}

func (x *bed) file(namespace string) use {
	return use{sshHere, nil, fmt.Appendf(nil, "SSHSIG\x00\x00\x00%c%s\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x01h", len(namespace), namespace)}
}

func (u use) by(p Peer) use { u.peer = p; return u }

func (u use) after(b ...*wire.Extension) use { u.binds = append(b, u.binds...); return u }

// asks makes the signature, and says whether a person was asked.
func (x *bed) asks(u use) bool {
	x.Helper()
	before := len(x.ask.asked)
	c := connectAs(x, x.Agent, u.peer)
	for _, b := range u.binds {
		c.call(b)
	}
	if _, ok := c.call(&wire.SignRequest{Blob: x.k.public.Marshal(), Data: u.data}).(*wire.SignResponse); !ok {
		x.Error("no signature")
	}
	return len(x.ask.asked) > before
}

func (x *bed) want(what string, asked bool, u use) {
	x.Helper()
	if got := x.asks(u); got != asked {
		x.Errorf("%s: asked %v, want %v", what, got, asked)
	}
}

// TestAYesHolds for what a person cannot tell from what they allowed, and for nothing else.
func TestAYesHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBed(t, Consent{Yes: true, For: 10 * time.Minute})
		x.want("the first", true, x.login(x.a, "1", "me"))
		x.want("another session, by another process", false, x.login(x.a, "2", "me").by(Peer{UID: "1000", PID: 43, Program: "/usr/bin/ssh"}))
		same := x.login(x.a, "3", "me")
		for what, other := range map[string]use{
			"another server":            x.login(x.b, "4", "me"),
			"another user":              x.login(x.a, "4", "root"),
			"another program":           same.by(Peer{UID: "1000", PID: 42, Program: "/tmp/ssh"}),
			"another person's program":  same.by(Peer{UID: "0", PID: 42, Program: "/usr/bin/ssh"}),
			"another program above":     same.by(Peer{UID: "1000", PID: 7, Program: "/usr/bin/ssh"}),
			"forwarded":                 same.after(x.b.bind(t, "f", true)),
			"forwarded in another way":  same.after(x.a.bind(t, "f", true)),
			"forwarded through two":     same.after(x.b.bind(t, "f", true), x.a.bind(t, "g", true)),
			"through them, turned":      same.after(x.a.bind(t, "f", true), x.b.bind(t, "g", true)),
			"a commit":                  x.file("git"),
			"a file":                    x.file("file"),
			"a commit, forwarded":       x.file("git").after(x.a.bind(t, "f", true)),
			"a commit, otherwise bound": x.file("git").after(x.b.bind(t, "f", true)),
		} {
			x.want(what, true, other)
			x.want(what+", again", false, other)
		}
		hijacked := use{sshHere, []*wire.Extension{x.a.bind(t, "s", true), x.a.bind(t, "9", false)}, x.login(x.b, "9", "me").data}
		for range 2 { // what a yes to the first would open is anybody's choice who sits there
			x.want("another server, in a session that a server before it has signed", true, hijacked)
		}
		if got := keyStatus(t, x.Agent, "work").Granted; got != 14 {
			t.Errorf("%d uses are allowed", got)
		}
		time.Sleep(10*time.Minute - time.Millisecond)
		x.want("just before the end", false, same)
		time.Sleep(time.Millisecond)
		if got := keyStatus(t, x.Agent, "work").Granted; got != 0 {
			t.Errorf("afterwards %d uses are allowed", got)
		}
		x.want("afterwards", true, same)
	})
}

// sameName calls every server the same.
type sameName struct{}

func (sameName) Name(ssh.PublicKey, Peer) string { return "vps" }

// TestAYesIsForAServer and not for its name.
func TestAYesIsForAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBed(t, Consent{Yes: true, UntilLocked: true})
		x.Agent.o.Servers = sameName{}
		c := newHostKey(t)
		x.want("the first", true, x.login(x.a, "1", "me"))
		x.want("another one of that name", true, x.login(x.b, "2", "me"))
		x.want("by way of the first", true, x.file("git").after(x.a.bind(t, "f", true)))
		x.want("by way of the other", true, x.file("git").after(x.a.bind(t, "f", true), x.b.bind(t, "g", true)))
		x.want("by way of the other alone", true, x.file("git").after(x.b.bind(t, "f", true)))
		x.want("and then the first", true, x.file("git").after(x.b.bind(t, "f", true), x.a.bind(t, "g", true)))
		x.want("by way of the first, then a third", true, x.file("git").after(x.a.bind(t, "f", true), c.bind(t, "g", true)))
		x.want("by way of the other, then the third", true, x.file("git").after(x.b.bind(t, "f", true), c.bind(t, "g", true)))
		x.want("as at first", false, x.file("git").after(x.a.bind(t, "h", true)))
	})
}

// TestAYesDoesNotHold where it is not known what it would be for, or the person said nothing of that.
func TestAYesDoesNotHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBed(t, Consent{Yes: true, UntilLocked: true})
		known := x.login(x.a, "1", "me")
		broken := x.a.bind(t, "r", true)
		broken.Contents = broken.Contents[:len(broken.Contents)-1]
		for what, u := range map[string]use{
			"a login to a server that is not named": {sshHere, nil, known.data},
			"a login to another session":            {sshHere, []*wire.Extension{x.a.bind(t, "2", false)}, known.data},
			"anything":                              {sshHere, nil, []byte("anything")},
			"a program that is not known":           known.by(Peer{UID: "1000", PID: 42}),
			"after a bind that was refused":         known.after(broken),
			"a file after a bind that was refused":  x.file("git").after(broken),
		} {
			x.want(what, true, u)
			x.want(what+", again", true, u)
			if x.ask.asked[len(x.ask.asked)-1].Holds {
				t.Errorf("%s: the person was offered that it holds", what)
			}
		}
		x = newBed(t, Consent{Yes: true})
		x.want("once", true, known.by(sshHere))
	})
	synctest.Test(t, func(t *testing.T) {
		x := newBed(t, Consent{Yes: true})
		x.want("once", true, x.file("git"))
		x.want("and again", true, x.file("git"))
	})
}

// TestWhatEndsAYes that would hold.
func TestWhatEndsAYes(t *testing.T) {
	for name, end := range map[string]func(x *bed){
		"lock of the key": func(x *bed) { _ = x.Lock("work") },
		"lock":            func(x *bed) { _ = x.Lock() },
		"removal of all":  func(x *bed) { x.RemoveAll() },
		"removal": func(x *bed) {
			wantSuccess(x, connect(x, x.Agent).call(&wire.RemoveIdentity{Blob: x.k.public.Marshal()}))
		},
		"ssh-add -x and -X": func(x *bed) {
			c := connect(x, x.Agent)
			wantSuccess(x, c.call(&wire.Lock{Passphrase: []byte("x")}))
			wantSuccess(x, c.call(&wire.Unlock{Passphrase: []byte("x")}))
		},
		"sleep":            func(x *bed) { x.sleep += 3 * time.Second },
		"unlocked anew":    func(*bed) {},
		"ssh-add -c again": func(x *bed) { confirming(x, x.Agent, x.k) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newBed(t, Consent{Yes: true, UntilLocked: true})
				x.want("the first", true, x.file("git"))
				time.Sleep(30 * 24 * time.Hour)
				x.want("a month later", false, x.file("git"))
				end(x)
				if name != "sleep" && !strings.HasPrefix(name, "ssh-add -") {
					x.unlock()
				}
				x.want("afterwards", true, x.file("git"))
			})
		})
	}
}

// TestAYesAnswersOthers: what waits to be asked about the same at that moment is not asked any more.
func TestAYesAnswersOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBed(t, Consent{})
		ask := newConfirmer()
		x.Agent.o.Ask = ask
		request := func(data []byte) *wire.SignRequest {
			return &wire.SignRequest{Blob: x.k.public.Marshal(), Data: data}
		}
		other := append(x.file("git").data[:len(x.file("git").data)-1], 'o')
		one, two := connect(t, x.Agent).later(request(x.file("git").data)), connect(t, x.Agent).later(request(other))
		file := connect(t, x.Agent).later(request(x.file("file").data))
		refuse := func(q confirmed) {
			q.answer <- errRefused
			wantFailure(t, <-file)
		}
		synctest.Wait()
		q := <-ask.questions
		files := q.prompt.Use.Namespace == "file" // they come in any order
		if files {
			refuse(q)
			q = <-ask.questions
		}
		q.hold <- Consent{Yes: true, For: time.Minute}
		for _, answer := range []<-chan wire.Message{one, two} {
			if _, ok := (<-answer).(*wire.SignResponse); !ok {
				t.Error("no signature")
			}
		}
		if !files {
			stillWaiting(t, file)
			refuse(<-ask.questions)
		}
	})
}

// TestAYesToOldLimits is for one use: the key was taken in anew while it was being thought about.
func TestAYesToOldLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBed(t, Consent{})
		ask := newConfirmer()
		x.Agent.o.Ask = ask
		for range 2 {
			answer := connect(t, x.Agent).later(&wire.SignRequest{Blob: x.k.public.Marshal(), Data: x.file("git").data})
			q := <-ask.questions
			x.unlock()
			q.hold <- Consent{Yes: true, UntilLocked: true}
			if _, ok := (<-answer).(*wire.SignResponse); !ok {
				t.Error("no signature")
			}
		}
	})
}

// TestANoBesideAYes: the same was allowed at the moment at which it was refused in another question.
func TestANoBesideAYes(t *testing.T) {
	a, e := New(Options{}), &entry{}
	for end, want := range map[error]error{context.Canceled: nil, errRefused: errRefused} {
		c := &confirmation{granted: true, question: &question{done: make(chan struct{})}}
		if a.settleConfirm(e, c, Consent{}, end); c.err != want {
			t.Errorf("%v becomes %v", end, c.err)
		}
	}
}
