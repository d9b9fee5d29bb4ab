package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"time"
)

// maxConns is how many connections are served at a time: far more than any
// real use, far fewer than would exhaust the memory.
const maxConns = 4096

// crowd is how many connections at once, and each time as many more, leave memory behind that is worth giving
// back: what only their coming needed.
const crowd = 100

// Serve accepts connections from l and serves each as ServeConn does, until ctx
// ends, which also closes l and every connection. Then it returns nil, after the
// last of them has ended, or after five seconds, where one hangs. Any other end is an
// error of l.Accept. who says who is at the other end of a connection that l accepted;
// if it cannot, the connection is closed. Connections beyond the limit are closed at once.
func (a *Agent) Serve(ctx context.Context, l net.Listener, who func(net.Conn) (Peer, error)) error {
	return a.serve(ctx, l, who, nil)
}

func (a *Agent) serve(ctx context.Context, l net.Listener, who func(net.Conn) (Peer, error), narrow *scope) error {
	places := a.conns
	if narrow != nil {
		places = narrow.conns
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var serving sync.WaitGroup
	defer a.WaitFor(&serving)
	defer cancel() // before waiting
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept connections: %w", err)
		}
		select {
		case places <- struct{}{}:
		default:
			if a.IsNews(narrow.name(), "too many connections") {
				a.o.Log.Warn("too many connections: one more was closed", "limit", cap(places), "socket", narrow.name())
			}
			c.Close()
			continue
		}
		if len(places)%crowd == 0 {
			a.memory.giveBackSoon()
		}
		serving.Go(func() {
			defer func() { <-places }()
			defer c.Close()
			defer a.Survive("looking who is there")
			peer, err := who(c)
			if err != nil {
				if a.IsNews(narrow.name(), "who is there is not known") {
					a.o.Log.Warn("a connection was closed, for who is there is not known", "error", err)
				}
				return
			}
			a.serveConn(ctx, c, peer, narrow)
		})
	}
}

// endPatience is how long connections that are to end are waited for: one may hang in a disk that does not answer.
const endPatience = 5 * time.Second

// WaitFor waits for connections whose context has ended, or for what they left, but no longer than five seconds.
func (a *Agent) WaitFor(serving *sync.WaitGroup) {
	ended, late := make(chan struct{}), make(chan struct{})
	go func() {
		serving.Wait()
		close(ended)
	}()
	stop := a.o.AfterFunc(endPatience, func() { close(late) })
	defer stop()
	select {
	case <-ended:
	case <-late:
		a.o.Log.Warn("a request hangs, and is not waited for any longer")
	}
}

// ServeConn serves one connection of the agent protocol to peer, and closes it
// at the end: when the client hangs up or says something that is no message,
// or when ctx ends. A client that closes its sending side only is served what
// it asked for before; but once it has waited there for a person or a device, that
// counts as hanging up.
func (a *Agent) ServeConn(ctx context.Context, c io.ReadWriteCloser, peer Peer) {
	a.serveConn(ctx, c, peer, nil)
}

func (a *Agent) serveConn(ctx context.Context, c io.ReadWriteCloser, peer Peer, narrow *scope) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer a.Survive("serving a connection")

	conn := newConn(ctx, cancel, c, a.limits)
	defer func() {
		if conn.frames.Wipe() {
			a.memory.giveBackSoon() // Go would keep it for the next storm
		}
	}()
	s := &session{agent: a, peer: peer, conn: conn, scope: narrow, binds: binds{strict: narrow != nil}}
	for {
		frame, err := conn.next()
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				a.o.Log.Debug("connection closed", "peer", peer.Cut(), "error", err)
			}
			return
		}
		if _, err := conn.Write(s.answer(ctx, frame)); err != nil {
			return
		}
	}
}

// Survive, deferred, keeps a panic from ending the agent and all that it holds.
// The log gets the functions that were running, and neither their arguments nor
// the value of the panic unless the Go runtime raised it: they may hold keys.
func (a *Agent) Survive(doing string) {
	problem := recover()
	if problem == nil {
		return
	}
	what := fmt.Sprintf("%T", problem)
	if err, ok := problem.(runtime.Error); ok {
		what = err.Error()
	}
	a.o.Log.Error("a mistake in the program was survived; please report it",
		"while", doing, "panic", what, "stack", stack())
}

// stack names the functions that are running, the latest first.
func stack() []string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var names []string
	for {
		f, more := frames.Next()
		names = append(names, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return names
		}
	}
}
