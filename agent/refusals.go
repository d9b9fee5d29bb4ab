package agent

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// A client may cause as many refusals as it likes, and would push out of both logs what
// else is there. So of those that are alike the first few of a minute are recorded one by
// one, and the others together, with their count, when the minute is over. The program's
// log is told of the first alone, for each reason.
const (
	refusalTime = time.Minute
	fewRefusals = 5
	manyKinds   = 16  // that are told apart, of one way in: what a client chooses makes no more lines
	maxWords    = 256 // bytes of what a client may choose that go into a log, or are kept to count
)

// cut is words as they go into a log.
func cut(words string) string {
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}

// Cut is p as it goes into a log. Its path is cut at the beginning: who chooses a long folder
// is not to hide the name.
func (p Peer) Cut() Peer {
	if over := len(p.Program) - maxWords; over > 0 {
		p.Program = "…" + strings.ToValidUTF8(p.Program[over:], "")
	}
	return p
}

// refusalKind is what refusals have in common that are alike.
type refusalKind struct {
	log       bool   // of the program, not of uses
	socket    string // these two are the way in
	forwarded bool
	request   string
	program   string
	key       string // "" for one that is not here: a client may name any
}

// wayIn is the kind of all that are too many to be told apart.
func (p refusalKind) wayIn() refusalKind {
	return refusalKind{log: p.log, socket: p.socket, forwarded: p.forwarded}
}

// refusals are those of this minute, and the kinds of which there were too many in the one
// before. It is guarded by Agent.counting.
type refusals struct {
	kinds map[refusalKind]*refused
	stop  func() bool // the timer's; nil: none runs
}

type refused struct {
	times int
	rest  Record // the last of those that are recorded together; their Count
}

// countRefused says how many such refusals that makes in this minute. A record that is
// beyond the first few is kept, and recorded later.
func (a *Agent) countRefused(p refusalKind, r Record) (times int) {
	a.counting.Lock()
	defer a.counting.Unlock()
	f := &a.refusals
	if f.kinds == nil {
		f.kinds = map[refusalKind]*refused{}
	}
	if f.stop == nil {
		f.stop = a.o.AfterFunc(refusalTime, a.recordRest)
	}
	if f.kinds[p] == nil && f.apart(p) >= manyKinds {
		p = p.wayIn()
	}
	one := f.kinds[p]
	if one == nil {
		one = &refused{}
		f.kinds[p] = one
	}
	if one.times++; one.times > fewRefusals && !p.log {
		r.Count += one.rest.Count
		one.rest = r
	}
	return one.times
}

// apart is how many kinds are told apart that have their way in in common with p.
func (f *refusals) apart(p refusalKind) (n int) {
	for other := range f.kinds {
		if other.wayIn() == p.wayIn() {
			n++
		}
	}
	return n
}

// RecordRest ends a minute early: it has recorded what waits for its end, or leaves it after
// five seconds where the journal hangs. It is to be called when all connections have ended.
func (a *Agent) RecordRest() {
	var recording sync.WaitGroup
	recording.Go(a.recordRest)
	a.WaitFor(&recording)
}

// recordRest is what the timer does. Of a kind of which there were too many none is recorded
// alone in the next minute.
func (a *Agent) recordRest() {
	a.telling.Lock() // so that with the last all are recorded
	defer a.telling.Unlock()
	a.counting.Lock()
	f := &a.refusals
	var rest []Record
	for p, one := range f.kinds {
		if one.rest.Count == 0 {
			delete(f.kinds, p)
			continue
		}
		rest = append(rest, one.rest)
		*one = refused{times: fewRefusals}
	}
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	if len(f.kinds) > 0 {
		f.stop = a.o.AfterFunc(refusalTime, a.recordRest)
	}
	a.counting.Unlock()
	slices.SortFunc(rest, func(x, y Record) int { return x.Time.Compare(y.Time) })
	for _, r := range rest {
		a.o.Journal.Record(r)
	}
}

// IsNews says whether the program's log is to hear of what a client can cause again and
// again: only the first in a minute is news. socket is the narrower one where that was, or "".
//
// noinline: its Record would be a part of the stack of serve, which each idle connection keeps.
//
//go:noinline
func (a *Agent) IsNews(socket, what string) bool {
	return a.countRefused(refusalKind{log: true, socket: socket, request: cut(what)}, Record{}) == 1
}

// isNews is the same for a refusal.
func (s *session) isNews(request, key string) bool {
	p := refusalKind{log: true, request: request, key: key, socket: s.scope.name(), forwarded: s.binds.remote()}
	return s.agent.countRefused(p, Record{}) == 1
}
