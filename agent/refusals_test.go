package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// forgetRefused makes the next refusals the first.
func forgetRefused(a *Agent) {
	a.counting.Lock()
	defer a.counting.Unlock()
	clear(a.refusals.kinds)
}

// TestManyRefusalsAreRecordedTogether: the first few one by one, the others as one line when the minute is over, and all while
// it goes on so. The program's log hears of one a minute.
func TestManyRefusalsAreRecordedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, k, log := &fakeJournal{}, newFakeKey(t, "work"), &ground.Buffer{}
		a := New(Options{Source: sourceOf(k), Journal: j, Log: logTo(log)})
		mustUnlock(t, a, "work")
		narrow := connectAt(t, a, mustBegin(t, Scope{Name: "git", Purposes: []string{UseGit}}))
		counts := func() (all []int) {
			for _, r := range j.taken() {
				if r.Socket != "git" || r.Decision != Refused || r.Key != "work" {
					t.Errorf("%+v", r)
				}
				all = append(all, r.Count)
			}
			return all
		}
		refused := func(times, minute int, now, later string) {
			t.Helper()
			for range times {
				wantFailure(t, narrow.call(signRequest(k)))
			}
			if got := fmt.Sprint(counts()); got != now {
				t.Errorf("minute %d: at once %s, want %s", minute, got, now)
			}
			time.Sleep(refusalTime)
			synctest.Wait()
			if got := fmt.Sprint(counts()); got != later {
				t.Errorf("minute %d: when it is over %s, want %s", minute, got, later)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != minute {
				t.Errorf("minute %d: the program's log has %d warnings\n%s", minute, got, log.String())
			}
		}
		refused(1000, 1, "[1 1 1 1 1]", "[995]")
		refused(100, 2, "[]", "[100]")
		time.Sleep(refusalTime) // quiet
		synctest.Wait()
		refused(3, 3, "[1 1 1]", "[]")
		refused(fewRefusals, 4, "[1 1 1 1 1]", "[]")
		for range fewRefusals + 2 {
			wantFailure(t, narrow.call(signRequest(k)))
		}
		a.RecordRest()
		if got := fmt.Sprint(counts()); got != "[1 1 1 1 1 2]" {
			t.Errorf("at the end: %s", got)
		}
		time.Sleep(2 * refusalTime)
		synctest.Wait()
		if got := counts(); got != nil {
			t.Errorf("after it: %v", got)
		}
	})
}

// stuckJournal hangs in records of many refusals until it is let go.
type stuckJournal struct {
	fakeJournal
	hangs, letGo chan struct{}
}

func (j *stuckJournal) Record(r Record) {
	if r.Count > 1 {
		close(j.hangs)
		<-j.letGo
	}
}

// TestAJournalThatHangsKeepsNoEndFromComing: the minute is over, its record hangs in a disk that does not answer, and the agent
// ends all the same.
func TestAJournalThatHangsKeepsNoEndFromComing(t *testing.T) {
	j := &stuckJournal{hangs: make(chan struct{}), letGo: make(chan struct{})}
	minutes := make(chan func(), 2)
	a := New(Options{Journal: j, AfterFunc: func(d time.Duration, f func()) func() bool {
		switch d {
		case refusalTime:
			minutes <- f
		case endPatience:
			go f()
		}
		return func() bool { return true }
	}})
	c := connect(t, a)
	for range fewRefusals + 2 {
		wantFailure(t, c.call(&wire.SignRequest{Blob: []byte("not here")}))
	}
	minute, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(minute)
		(<-minutes)()
	}()
	<-j.hangs
	go func() {
		defer close(ended)
		a.RecordRest()
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the agent does not end")
	}
	close(j.letGo)
	<-minute
	<-ended
}

// TestWhatAClientChoosesMakesNoMoreLines: keys that are not here, and ever another program.
func TestWhatAClientChoosesMakesNoMoreLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, log := &fakeJournal{}, &ground.Buffer{}
		a := New(Options{Journal: j, Log: logTo(log)})
		scope := mustBegin(t, Scope{Name: "git", Purposes: []string{UseGit}})
		narrow := connectAt(t, a, scope)
		const many = 500
		for i := range many {
			wantFailure(t, narrow.call(&wire.SignRequest{Blob: fmt.Append(nil, "key ", i)}))
		}
		if n := len(j.taken()); n != fewRefusals {
			t.Errorf("%d lines of keys that are not here", n)
		}
		for i := range many {
			s := &session{agent: a, scope: scope, peer: Peer{Program: fmt.Sprint("/tmp/", i)}}
			s.answer(t.Context(), wire.Encode(&wire.RemoveAll{})[4:])
		}
		here := &session{agent: a, peer: Peer{Program: "/bin/x"}}
		here.recordOther(RequestBind, errBind)
		all := j.taken()
		if r := all[len(all)-1]; r.Socket != "" || r.Count != 1 {
			t.Errorf("what came another way: %+v", r)
		}
		if n := len(all) - 1; n < fewRefusals || n > manyKinds*fewRefusals {
			t.Errorf("%d lines of other programs", n)
		}
		sum := fewRefusals + len(all)
		time.Sleep(refusalTime)
		synctest.Wait()
		for _, r := range j.taken() {
			sum += r.Count
		}
		if sum != 2*many+1 {
			t.Errorf("%d requests are recorded, of %d", sum, 2*many+1)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != 1 {
			t.Errorf("%d warnings\n%s", got, log.String())
		}
	})
}

// TestWhatIsNoRequestIsRecorded: what looks like one for a signature, changes while the agent is locked, and extensions that a
// narrower socket does not know.
func TestWhatIsNoRequestIsRecorded(t *testing.T) {
	j := &fakeJournal{}
	a := New(Options{Journal: j, LockWork: 1})
	c := connect(t, a)
	narrow := connectAt(t, a, mustBegin(t, Scope{Name: "git", Purposes: []string{UseGit}}))
	if _, err := c.Write([]byte{0, 0, 0, 2, byte(wire.TypeSignRequest), 7}); err != nil {
		t.Fatal(err)
	}
	if frame, err := c.frames.Next(); err != nil || frame[0] != byte(wire.TypeFailure) {
		t.Errorf("%v, %v", frame, err)
	}
	j.want(t, RequestSign, Refused, "malformed")
	wantFailure(t, narrow.call(&wire.Extension{Name: "moon@example.com"}))
	if r := j.want(t, RequestExtension, Refused, "moon@example.com"); r.Socket != "git" {
		t.Errorf("%+v", r)
	}
	wantSuccess(t, c.call(&wire.Lock{Passphrase: []byte("x")}))
	wantFailure(t, c.call(&wire.RemoveAll{}))
	j.want(t, RequestChange, Refused, "locked")
	c.call(&wire.Extension{Name: wire.ExtensionQuery})
	if rest := j.taken(); len(rest) > 0 {
		t.Errorf("and also %+v", rest)
	}
}

// TestConnectionsThatAreClosedAreSaidOnceAMinute: too many of them, and those of nobody knows whom.
func TestConnectionsThatAreClosedAreSaidOnceAMinute(t *testing.T) {
	log := &ground.Buffer{}
	a := New(Options{Log: logTo(log)})
	a.conns = make(chan struct{}, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	known, ended := make(chan error), make(chan error)
	go func() {
		ended <- a.Serve(ctx, l, func(net.Conn) (Peer, error) { return Peer{}, <-known })
	}()
	const each = 9
	for range each {
		waits, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ground.Until(t, "it has its place", func() bool { return len(a.conns) == 1 })
		other, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = other.Read(make([]byte, 1)) // it is closed
		known <- errors.New("nobody knows")
		_, _ = waits.Read(make([]byte, 1))
		ground.Until(t, "its place is free", func() bool { return len(a.conns) == 0 })
		waits.Close()
		other.Close()
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, what := range []string{"too many connections", "who is there is not known"} {
		if got := strings.Count(log.String(), what); got != 1 {
			t.Errorf("%q is said %d times", what, got)
		}
	}
}

// TestWhatAClientSaysIsCut before it is logged, and before it is kept to count: else a few requests would push out of the log what
// else is there.
func TestWhatAClientSaysIsCut(t *testing.T) {
	j, log := &fakeJournal{}, &ground.Buffer{}
	a := New(Options{Journal: j, Log: logTo(log)})
	const times, most = 60, 4 << 10 // bytes of a line
	long := strings.Repeat("\x01é", 60<<10)
	k := newFakeKey(t, "")
	wantSuccess(t, connect(t, a).call(added(t, k.private, long)))
	narrow := mustBegin(t, Scope{Name: "box", Purposes: []string{UseGit}})
	s := &session{agent: a, peer: Peer{Program: "/" + long}, scope: narrow}
	for i := range times {
		words := fmt.Sprint(i) + long
		b := &wire.SessionBind{HostKey: ssh.Marshal(struct{ Algorithm string }{words[:15<<10]}), SessionID: []byte("id")}
		login := &wire.Login{SessionID: []byte("a"), User: words, Algorithm: "x", Key: []byte("k")}
		file := "SSHSIG" + string(ssh.Marshal(struct{ Namespace, Reserved, Hash, Sum string }{words, "", "x", "x"}))
		for _, m := range []wire.Message{
			&wire.Extension{Name: wire.ExtensionSessionBind, Contents: b.Contents()},
			&wire.SignRequest{Blob: k.public.Marshal(), Data: login.Data()}, &wire.SignRequest{Blob: k.public.Marshal(), Data: []byte(file)},
		} {
			s.answer(t.Context(), wire.Encode(m)[4:])
		}
		s.answer(t.Context(), append([]byte{byte(wire.TypeAddIdentity)}, ssh.Marshal(struct{ Type string }{words})...))
		a.IsNews("", words)
	}
	a.counting.Lock()
	for kind, one := range a.refusals.kinds {
		j.all = append(j.all, one.rest, Record{Reason: kind.request})
	}
	a.counting.Unlock()
	for _, r := range j.taken() {
		if said := r.Reason + r.Comment + r.Use.User + r.Use.Namespace; len(said) > most || !utf8.ValidString(said) {
			t.Errorf("kept: %d bytes, %.999q", len(said), said)
		}
	}
	all := log.String()
	for line := range strings.Lines(all) {
		if len(line) > most {
			t.Fatalf("a line of %d bytes", len(line))
		}
	}
	if got := len(strings.Split(all, "\n")) - strings.Count(all, "level=DEBUG"); got > 4 {
		t.Errorf("%d lines are more than debug talk", got)
	}
}

// TestALogHasTheEndOfALongPath of the program that asked, however its connection ends.
func TestALogHasTheEndOfALongPath(t *testing.T) {
	for _, over := range []string{"", "/tool"} {
		whole := strings.Repeat("a", maxWords)
		want := whole
		if over != "" {
			want = "…" + whole[len(over):] + over
		}
		if got := (Peer{Program: whole + over}).Cut().Program; got != want {
			t.Errorf("%d bytes became %q", len(whole+over), got)
		}
	}
	if got := (Peer{Program: strings.Repeat("鍵", maxWords)}).Cut().Program; !utf8.ValidString(got) || len(got) > maxWords+len("…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	log := &ground.Buffer{}
	c := connectAs(t, New(Options{Log: logTo(log)}), Peer{UID: "1000", Program: strings.Repeat("a", 4<<10) + "/tool"})
	c.send(&wire.SignRequest{Data: []byte("x")})
	c.receive()
	if _, err := c.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil { // longer than any message
		t.Fatal(err)
	}
	c.Read(make([]byte, 1)) // its end
	c.Close()
	for line := range strings.Lines(log.String()) {
		if !strings.Contains(line, "/tool") || len(line) > 2*maxWords+200 {
			t.Errorf("%d bytes: %s", len(line), line)
		}
	}
	if !strings.Contains(log.String(), "connection closed") {
		t.Errorf("said %s", log)
	}
}
