package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kagiban/agent/wire"
)

var (
	errNotDone = errors.New("not supported")
	errFull    = errors.New("the list of keys is as long as clients can read")
)

// session is what is known of one connection: who is there, and what it said so
// far. One goroutine serves it, so its requests are answered in their order.
type session struct {
	agent *Agent
	peer  Peer
	conn  *conn
	scope *scope // nil: all may be done
	binds binds
	begun uint64 // Agent.locks when the request came that is being carried out
	out   []byte // the last answer's memory, used again
}

// answer carries out one request and returns the frame to send. The frame is
// valid until the next call.
func (s *session) answer(ctx context.Context, frame []byte) []byte {
	request, err := wire.Decode(frame)
	if err != nil {
		s.agent.o.Log.Debug("bad request", "peer", s.peer.Cut(), "error", cut(err.Error()))
		s.recordUnread(frame, err)
		return s.encode(&wire.Failure{})
	}
	if _, list := request.(*wire.RequestIdentities); list {
		return s.agent.list(s.scope, &s.binds)
	}
	answer, err := s.do(ctx, request)
	if err != nil {
		s.recordRefused(request, err)
		s.logRefusal(request, err)
		answer = &wire.Failure{}
		if errors.Is(err, errBind) || errors.Is(err, errExtension) { // the extension is known, and failed (RFC 9987 section 5.8)
			answer = &wire.ExtensionFailure{}
		}
	}
	return s.encode(answer)
}

func (s *session) encode(m wire.Message) []byte {
	s.out = wire.AppendFrame(s.out[:0], m)
	return s.out
}

// do is the one place that says what may be asked for: by whom, and while the
// agent is locked.
func (s *session) do(ctx context.Context, request wire.Message) (wire.Message, error) {
	if err := s.scope.admits(request); err != nil {
		return nil, err
	}
	switch m := request.(type) {
	case *wire.Extension:
		return s.extend(ctx, m)
	case *wire.SignRequest:
		return s.recordedSign(ctx, m)
	case *wire.Unlock:
		if !s.binds.remote() {
			return &wire.Success{}, s.agent.unlock(ctx, m.Passphrase)
		}
	}
	if s.binds.remote() && !s.providerAllowed(request) {
		return nil, errRemote
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	return &wire.Success{}, s.change(ctx, request)
}

// change does what changes the keys that are here. From another computer nobody
// may: OpenSSH's agent lets whoever sits on a server remove all keys or lock them
// away, and add a key that then logs in elsewhere.
func (s *session) change(ctx context.Context, request wire.Message) error {
	a := s.agent
	switch m := request.(type) {
	case *wire.AddIdentity:
		return s.add(ctx, m)
	case *wire.RemoveIdentity:
		return a.remove(&s.binds, m.Blob)
	case *wire.RemoveAll:
		a.removeAll()
		return nil
	case *wire.AddToken:
		return s.addToken(ctx, m)
	case *wire.RemoveToken:
		return a.removeToken(m.Provider)
	case *wire.Lock:
		return a.lock(ctx, m.Passphrase)
	}
	return errNotDone
}

// providerAllowed: ssh-agent -O allow-remote-pkcs11.
func (s *session) providerAllowed(request wire.Message) bool {
	switch request.(type) {
	case *wire.AddToken, *wire.RemoveToken:
		return s.agent.o.RemoteProviders
	}
	return false
}

// extend does the extensions. A session bind is taken in even while the agent is
// locked: what comes over a connection must not seem to be local afterwards.
func (s *session) extend(ctx context.Context, m *wire.Extension) (wire.Message, error) {
	switch m.Name {
	case wire.ExtensionSessionBind:
		return &wire.Success{}, s.bind(ctx, m.Contents)
	case wire.ExtensionQuery:
		if s.agent.isLocked() {
			return nil, ErrAgentLocked
		}
		return &wire.ExtensionNames{Names: append([]string{wire.ExtensionSessionBind}, s.puttyExtensions()...)}, nil
	}
	if slices.Contains(s.puttyExtensions(), m.Name) {
		return s.putty(ctx, m)
	}
	return nil, fmt.Errorf("extension %.64q: %w", m.Name, errNotDone)
}

// begin begins what may change the keys that are here, unless a client has locked the agent.
func (s *session) begin() error {
	a := s.agent
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seal != nil {
		return ErrAgentLocked
	}
	s.begun = a.locks
	return nil
}

// mayKeepLocked says whether what the request brought may be kept: all keys may have
// been locked or removed since it came.
func (s *session) mayKeepLocked() error {
	switch {
	case s.agent.seal != nil:
		return ErrAgentLocked
	case s.agent.locks != s.begun:
		return errLocked
	}
	return nil
}

// isLocked says whether a client has locked the agent.
func (a *Agent) isLocked() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seal != nil
}

// logRefusal says in the log why a client got a failure, and what to type where
// that helps. A client can cause as many refusals as it likes, so only those that
// somebody can act on are more than debug talk, and of those for the same reason the first in a minute.
func (s *session) logRefusal(request wire.Message, err error) {
	kind, why := fmt.Sprintf("%T", request), cut(err.Error())
	log := s.agent.o.Log.With("peer", s.peer.Cut(), "request", kind, "error", why)
	reason := kind + ": " + why
	if errors.Is(err, errBind) {
		reason = kind // in a bind a client chooses it
	}
	if s.scope != nil {
		log = log.With("socket", s.scope.Name)
	}
	var name string
	if m, ok := request.(*wire.SignRequest); ok {
		var key string
		name, key = s.agent.describe(m.Blob)
		log = log.With("key", cut(key))
	}
	switch {
	case errors.Is(err, errNotDone), errors.Is(err, ErrNoKey), !s.isNews(reason, name):
		log.Debug("refused")
	case errors.Is(err, ErrCannotAsk) && name != "":
		log.Warn("nobody can be asked", "next", "kagiban unlock "+name)
	case errors.Is(err, ErrCannotAsk):
		log.Warn("nobody can be asked")
	case errors.Is(err, errScopeOpen) && name != "":
		log.Warn("refused to a narrower socket", "next", "kagiban unlock "+name)
	case errors.Is(err, errScope):
		log.Warn("refused to a narrower socket")
	case errors.Is(err, errRemote), errors.Is(err, errRemoteOpen):
		log.Warn("refused to a forwarded connection")
	default:
		log.Info("refused")
	}
}
