package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kagiban/agent/wire"
)

var (
	errNotDone    = errors.New("not supported")
	errConstraint = errors.New("a constraint of the key is not supported, so the key is refused")
	errFull       = errors.New("the list of keys is as long as clients can read")
)

// session is what is known of one connection: who is there, and what it said so
// far. One goroutine serves it, so its requests are answered in their order.
type session struct {
	agent *Agent
	peer  Peer
	conn  *conn
	out   []byte // the last answer's memory, used again
}

// answer carries out one request and returns the frame to send. The frame is
// valid until the next call.
func (s *session) answer(ctx context.Context, frame []byte) []byte {
	request, err := wire.Decode(frame)
	if err != nil {
		s.agent.log.Debug("bad request", "peer", s.peer, "error", err)
		return s.encode(&wire.Failure{})
	}
	if _, list := request.(*wire.RequestIdentities); list {
		return s.agent.list()
	}
	answer, err := s.do(ctx, request)
	if err != nil {
		s.logRefusal(request, err)
		return s.encode(&wire.Failure{})
	}
	return s.encode(answer)
}

func (s *session) encode(m wire.Message) []byte {
	s.out = wire.AppendFrame(s.out[:0], m)
	return s.out
}

func (s *session) do(ctx context.Context, request wire.Message) (wire.Message, error) {
	switch m := request.(type) {
	case *wire.SignRequest:
		return s.sign(ctx, m)
	case *wire.AddIdentity:
		return &wire.Success{}, s.add(ctx, m)
	case *wire.RemoveIdentity:
		return &wire.Success{}, s.agent.remove(m.Blob)
	case *wire.RemoveAll:
		s.agent.RemoveAll()
		return &wire.Success{}, nil
	}
	return nil, errNotDone // locking by a client, and every extension (RFC 9987 section 5.8)
}

// sign is the way of a signature: which key; is it open, or will a person open
// it; a place to compute.
func (s *session) sign(ctx context.Context, m *wire.SignRequest) (wire.Message, error) {
	a := s.agent
	e, err := a.find(m.Blob)
	if err != nil {
		return nil, err
	}
	key := a.ready(e)
	if key == nil {
		s.conn.watch()
		if key, err = a.open(ctx, e, s.peer); err != nil {
			return nil, err
		}
	}
	var signature []byte
	err = a.work.compute(ctx, key.heavy, func() (err error) {
		signature, err = key.sign(m.Data, m.Flags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.SignResponse{Signature: signature}, nil
}

// add keeps a key that a client hands over. Adding it once more takes over its
// comment and its lifetime, or that it has none any more, as OpenSSH does.
func (s *session) add(ctx context.Context, m *wire.AddIdentity) error {
	a := s.agent
	limits := m.Constraints
	if limits == nil {
		limits = &wire.Constraints{}
	}
	if limits.Confirm || limits.Extension != nil {
		return errConstraint
	}
	_, heavy := m.Key.(*wire.RSAKey)
	var key *signer
	err := a.work.compute(ctx, heavy, func() error {
		private, err := privateKey(m.Key)
		if err != nil {
			return err
		}
		key, err = newSigner(private)
		return err
	})
	if err != nil {
		return err
	}
	var until time.Time
	if limits.Lifetime != nil {
		until = a.now().Add(time.Duration(*limits.Lifetime) * time.Second)
	}
	return a.keep(key, m.Comment, until)
}

// logRefusal says in the log why a client got a failure, and what to type where
// that helps. A client can cause as many refusals as it likes, so only those that
// somebody can act on are more than debug talk.
func (s *session) logRefusal(request wire.Message, err error) {
	log := s.agent.log.With("peer", s.peer, "request", fmt.Sprintf("%T", request), "error", err)
	switch {
	case errors.Is(err, ErrCannotAsk):
		name := ""
		if m, ok := request.(*wire.SignRequest); ok {
			name = s.agent.nameOf(m.Blob)
		}
		log.Warn("the key is locked", "key", name, "next", "kagiban unlock "+name)
	case errors.Is(err, errNotDone), errors.Is(err, ErrNoKey):
		log.Debug("refused")
	default:
		log.Info("refused")
	}
}
