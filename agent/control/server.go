package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"kagiban/agent"
)

// writeTime is how long a client may take to read an answer.
const writeTime = 10 * time.Second

// server is what a connection needs.
type server struct {
	agent     *agent.Agent
	program   func() Program
	terminals *Terminals
	sockets   Sockets
	shutdown  func()
}

// Serve answers requests on l until ctx ends, which also closes l and every
// connection. Then it returns nil, after the last of them has ended, or after five seconds,
// where one hangs. Any other end is an error of l.Accept. shutdown is called in a goroutine of its own when
// a client asks for the end; it should end ctx. program is asked for each status. Terminals that want to be asked are
// attached to terminals, which may be nil: then none is.
func Serve(ctx context.Context, l net.Listener, a *agent.Agent, program func() Program, terminals *Terminals, sockets Sockets, shutdown func()) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var serving sync.WaitGroup
	defer a.WaitFor(&serving)
	defer cancel() // before waiting
	s := &server{agent: a, program: program, terminals: terminals, sockets: sockets, shutdown: shutdown}
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept control connections: %w", err)
		}
		serving.Go(func() { s.serve(ctx, c) })
	}
}

func (s *server) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer s.agent.Survive("serving the control socket")
	lines := newLineReader(c, maxRequest)
	for {
		line, err := lines.next()
		var r request
		switch {
		case err == nil:
			r, err = decodeRequest(line)
		case errors.Is(err, errTooLong):
			err = &badRequestError{"a request that is too long"}
		default:
			return
		}
		if err == nil && r.Op == opPrompt {
			s.terminals.serve(c, lines)
			return
		}
		if err == nil {
			err = s.do(r)
		}
		clear(r.Passphrase)
		ans := answer{V: Version, Error: explain(err)}
		if err == nil && r.Op == opStatus {
			ans.Status = s.status()
		}
		c.SetWriteDeadline(time.Now().Add(writeTime)) // if it fails, so will the write
		if _, err := c.Write(encode(ans)); err != nil {
			return
		}
		if err == nil && r.Op == opShutdown {
			go s.shutdown()
		}
		if errors.As(err, new(*badRequestError)) || errors.As(err, new(*VersionError)) {
			return // what follows may be anything
		}
	}
}

func (s *server) status() *Status {
	return &Status{PID: os.Getpid(), Program: s.program(), Status: s.agent.Status(), Sockets: s.sockets.List()}
}

func (s *server) changeSockets(r request) error {
	switch {
	case r.Op == opRemoveSocket:
		return s.sockets.Remove(r.Name)
	case r.Op == opRenameKey:
		return s.sockets.RenameKey(r.Key, r.Name)
	case r.Scope == nil:
		return &badRequestError{"a socket to add, and nothing said of it"}
	}
	return s.sockets.Add(*r.Scope)
}

// badRequestError says that a line was no request.
type badRequestError struct{ why string }

func (e *badRequestError) Error() string { return e.why }

// decodeRequest looks at the version before anything else: what the rest means
// only that version knows.
func decodeRequest(line []byte) (r request, err error) {
	var version struct{ V int }
	if err := json.Unmarshal(line, &version); err != nil {
		return r, &badRequestError{"not a request"} // the cause might quote a passphrase
	}
	if version.V != Version {
		return r, &VersionError{Ours: version.V, Theirs: Version}
	}
	if err := decode(line, &r); err != nil {
		return r, &badRequestError{"a request with a field that is not known or not of its type"}
	}
	return r, nil
}

func (s *server) do(r request) error {
	switch r.Op {
	case opStatus, opShutdown:
		return nil // the answer is all
	case opUnlock:
		if r.LifeMS < 0 || r.LifeMS > math.MaxInt64/int64(time.Millisecond) {
			return &badRequestError{"a time that is no time"}
		}
		return s.agent.Unlock(r.Key, r.Passphrase, agent.Terms{Life: time.Duration(r.LifeMS) * time.Millisecond, Confirm: r.Confirm})
	case opLock:
		return s.agent.Lock(r.Keys...)
	case opAddSocket, opRemoveSocket, opRenameKey:
		return s.changeSockets(r)
	}
	return &badRequestError{fmt.Sprintf("no such operation: %q", r.Op)}
}

// explain puts an error into words that the client can tell apart.
func explain(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Code: codeFailed, Text: err.Error()}
	for _, known := range toldApart {
		if errors.Is(err, known.err) {
			f.Code = known.code
		}
	}
	switch {
	case errors.As(err, new(*badRequestError)):
		f.Code = codeBadRequest
	case errors.As(err, new(*VersionError)):
		f.Code = codeVersion
	}
	return f
}
