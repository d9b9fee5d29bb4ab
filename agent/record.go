package agent

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"kagiban/agent/wire"
)

// Journal keeps account of what was asked of the keys.
type Journal interface {
	// Record takes note of one request. It is called outside every lock, from any
	// goroutine, before the answer goes out, which waits for it to return; for many
	// that were refused alike within a minute once, when that is over.
	Record(Record)
	// Missed says what could not be recorded since the agent began; nil: nothing was missed.
	Missed() []Missed
}

// Missed are records that were not written.
type Missed struct {
	Where string `json:"where"` // for people: which log it is
	Count int    `json:"count"`
	Why   string `json:"why"` // for the last of them
}

// Record is one request that was allowed or refused, or Count that were refused alike: then
// all else is of the last of them.
type Record struct {
	Time     time.Time
	Count    int
	Request  string // RequestSign, RequestBind, RequestChange or RequestExtension
	Decision string // Allowed, Asked or Refused
	Reason   string // why it was refused; "" else
	Socket   string // the narrower socket that it came by, or ""
	Peer     Peer   // who asked
	Use      Use    // what for; of a bind or a change only Purpose (UseOther) and Forwarded

	// Of a signature: the key. Name is "" for one that was added, and so is Comment
	// for one that is not here.
	Key, Fingerprint, Comment string
}

// What is recorded: every request for a signature, binds that are refused, changes that
// are refused because of where they came from or because the agent is locked, and
// extensions that a narrower socket does not know.
const (
	RequestSign      = "sign"
	RequestBind      = "bind"
	RequestChange    = "change"
	RequestExtension = "extension"
)

// What became of a request.
const (
	Allowed = "allowed"
	Asked   = "asked" // and a person, who was asked for a passphrase or a yes, allowed it
	Refused = "refused"
)

var errMistake = errors.New("a mistake in the program")

// recordedSign signs, and has recorded what came of it, whatever it is.
func (s *session) recordedSign(ctx context.Context, m *wire.SignRequest) (answer wire.Message, err error) {
	u := &signing{session: s, request: m}
	err = errMistake
	defer func() { u.record(err) }()
	return u.sign(ctx)
}

// record has it recorded how a request for a signature ended.
func (u *signing) record(err error) {
	if u.agent.o.Journal == nil {
		return
	}
	r := Record{Request: RequestSign, Decision: Allowed, Use: u.use(), Fingerprint: fingerprintOf(u.request.Blob)}
	r.Key, r.Comment = u.called()
	if u.asked {
		r.Decision = Asked
	}
	u.session.record(r, err)
}

// called is what the key is called, also one that is hidden.
func (u *signing) called() (name, comment string) {
	u.agent.mu.Lock()
	defer u.agent.mu.Unlock()
	e := cmp.Or(u.entry, u.agent.keys.byBlob[string(u.request.Blob)])
	if e == nil {
		return "", ""
	}
	return e.name(), e.comment
}

// recordRefused has other requests recorded that were refused, where that tells of
// somebody who tries what they may not.
func (s *session) recordRefused(request wire.Message, err error) {
	_, sign := request.(*wire.SignRequest)
	_, extension := request.(*wire.Extension)
	switch {
	case sign:
		return // recordedSign did
	case errors.Is(err, errBind):
		s.recordOther(RequestBind, err)
	case errors.Is(err, errRemote), errors.Is(err, errScope), errors.Is(err, ErrAgentLocked) && !extension:
		s.recordOther(RequestChange, err)
	case errors.Is(err, errNotDone) && extension && s.scope != nil:
		s.recordOther(RequestExtension, err)
	}
}

// recordUnread has a request for a signature recorded that is none.
func (s *session) recordUnread(frame []byte, err error) {
	if len(frame) > 0 && wire.Type(frame[0]) == wire.TypeSignRequest {
		s.recordOther(RequestSign, err)
	}
}

// recordOther is for requests that were refused and are about no key that we know.
func (s *session) recordOther(request string, err error) {
	s.record(Record{Request: request, Use: Use{Purpose: UseOther, Forwarded: s.binds.remote()}}, err)
}

func (s *session) record(r Record, err error) {
	if s.agent.o.Journal == nil {
		return
	}
	r.Time, r.Peer, r.Socket, r.Count = s.agent.o.Now(), s.peer, s.scope.name(), 1
	r.Comment, r.Use.User, r.Use.Namespace = cut(r.Comment), cut(r.Use.User), cut(r.Use.Namespace)
	if err != nil {
		r.Decision, r.Reason = Refused, cut(err.Error())
		p := refusalKind{socket: r.Socket, forwarded: r.Use.Forwarded, request: r.Request, program: r.Peer.UID + " " + r.Peer.Program}
		if r.Key != "" || r.Comment != "" {
			p.key = r.Fingerprint
		}
		if s.agent.countRefused(p, r) > fewRefusals {
			return
		}
	}
	s.agent.o.Journal.Record(r)
}

// fingerprintOf is ssh.FingerprintSHA256 of an encoded key.
func fingerprintOf(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
