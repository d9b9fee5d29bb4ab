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
	// goroutine, before the answer goes out, which waits for it to return.
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

// Record is one request that was allowed or refused.
type Record struct {
	Time     time.Time
	Request  string // RequestSign, RequestBind or RequestChange
	Decision string // Allowed, Asked or Refused
	Reason   string // why it was refused; "" else
	Socket   string // the narrower socket that it came by, or ""
	Peer     Peer   // who asked
	Use      Use    // what for; of a bind or a change only Purpose (UseOther) and Forwarded

	// Of a signature: the key. Name is "" for one that was added, and so is Comment
	// for one that is not here.
	Key, Fingerprint, Comment string
}

// What is recorded: every request for a signature, binds that are refused, and
// changes that are refused because they came from another computer.
const (
	RequestSign   = "sign"
	RequestBind   = "bind"
	RequestChange = "change"
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
	if u.agent.journal == nil {
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
	if _, done := request.(*wire.SignRequest); done || s.agent.journal == nil {
		return
	}
	r := Record{Use: Use{Purpose: UseOther, Forwarded: s.binds.remote()}}
	switch {
	case errors.Is(err, errBind):
		r.Request = RequestBind
	case errors.Is(err, errRemote), errors.Is(err, errScope):
		r.Request = RequestChange
	default:
		return
	}
	s.record(r, err)
}

func (s *session) record(r Record, err error) {
	r.Time, r.Peer, r.Socket = s.agent.now(), s.peer, s.scope.name()
	if err != nil {
		r.Decision, r.Reason = Refused, err.Error()
	}
	s.agent.journal.Record(r)
}

// fingerprintOf is ssh.FingerprintSHA256 of an encoded key.
func fingerprintOf(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
