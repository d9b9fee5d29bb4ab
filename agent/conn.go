package agent

import (
	"context"
	"io"
	"time"

	"kagiban/agent/wire"
)

// limits are how long a client may keep us waiting. They bind only connections
// that know deadlines, as all of package net do.
type limits struct {
	halfFrame time.Duration // for a message that has begun to arrive
	write     time.Duration // for one answer to be taken
}

var defaultLimits = limits{halfFrame: 30 * time.Second, write: 10 * time.Second}

// conn is a connection that can be watched while nobody reads from it: the
// program that waits for a passphrase to be typed may be interrupted, and then
// the question is to go away.
type conn struct {
	io.ReadWriteCloser
	ctx    context.Context // ends when the client hangs up, if we watch
	hungUp context.CancelFunc
	limits limits
	frames *wire.Reader
	hurry  bool       // a read deadline is set
	ahead  chan chunk // what was read while watching; nil: we never watched
	rest   []byte     // what is left of the last chunk
}

type chunk struct {
	data []byte
	err  error
}

// aheadChunks and chunkSize bound what a client may send while it is watched.
// When that is full, its hanging up is seen only after the answer.
const (
	aheadChunks = 16
	chunkSize   = 4 << 10
)

func newConn(ctx context.Context, hungUp context.CancelFunc, c io.ReadWriteCloser, l limits) *conn {
	k := &conn{ReadWriteCloser: c, ctx: ctx, hungUp: hungUp, limits: l}
	k.frames = wire.NewReader(k)
	return k
}

// next returns the next message.
func (k *conn) next() ([]byte, error) {
	frame, err := k.frames.Next()
	k.setHurry(false)
	return frame, err
}

// Read is for the frame reader alone.
func (k *conn) Read(p []byte) (int, error) {
	if k.frames.Partial() {
		k.setHurry(true)
	}
	if k.ahead == nil {
		return k.ReadWriteCloser.Read(p)
	}
	if len(k.rest) == 0 {
		select {
		case c := <-k.ahead:
			if c.err != nil {
				return 0, c.err
			}
			k.rest = c.data
		case <-k.ctx.Done():
			return 0, io.EOF
		}
	}
	n := copy(p, k.rest)
	clear(k.rest[:n])
	k.rest = k.rest[n:]
	return n, nil
}

// watch sees to it that from now on the connection is always being read, and
// ctx ends with it. Only a connection that ever had to wait for a person pays
// for this with a second goroutine.
func (k *conn) watch() {
	if k.ahead != nil {
		return
	}
	k.ahead = make(chan chunk, aheadChunks)
	go func() {
		for {
			buf := make([]byte, chunkSize)
			n, err := k.ReadWriteCloser.Read(buf)
			if err != nil {
				k.hungUp()
			}
			select {
			case k.ahead <- chunk{buf[:n], err}:
			case <-k.ctx.Done():
				return
			}
		}
	}()
}

// setHurry sets the deadline for the rest of a message when its beginning is
// there, and takes it away when it is whole.
func (k *conn) setHurry(on bool) {
	if k.hurry == on {
		return
	}
	k.hurry = on
	if d, ok := k.ReadWriteCloser.(interface{ SetReadDeadline(time.Time) error }); ok {
		var until time.Time
		if on {
			until = time.Now().Add(k.limits.halfFrame)
		}
		d.SetReadDeadline(until) // if it fails, so will the read
	}
}

// Write writes one answer.
func (k *conn) Write(frame []byte) (int, error) {
	if d, ok := k.ReadWriteCloser.(interface{ SetWriteDeadline(time.Time) error }); ok {
		d.SetWriteDeadline(time.Now().Add(k.limits.write)) // if it fails, so will the write
	}
	return k.ReadWriteCloser.Write(frame)
}
