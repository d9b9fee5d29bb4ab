package hostsetup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kagiban/hostsetup/remote"
)

// A passage is a program on the server that is spoken with through root's shell there, which goes on when the program has ended: a way to root of
// its own would cost the server the hash of one more password.
type passage struct {
	*io.PipeReader // what the program says
	p              *process
	words          remote.Words
	ended          chan struct{} // the program has ended, or the link
	whole          bool          // it was the program; read it when ended
	close          func() error  // once: the SSH library closes a connection from two sides
}

// through has root's shell on c run program. Errors: as those of start, and *[UnreachableError].
func (r *root) through(ctx context.Context, c *conn, program string) (*passage, error) {
	p, err := r.shell(ctx, c)
	if err != nil {
		return nil, err
	}
	p.talk.forget()
	said, heard := io.Pipe()
	x := &passage{PipeReader: said, p: p, words: remote.NewWords(), ended: make(chan struct{})}
	x.close = sync.OnceValue(func() error { return r.leave(c, x) })
	begun := make(chan error, 1)
	go func() {
		err := waitFor(p.out, x.words.Begins, io.Discard)
		begun <- err
		if err == nil {
			x.listen(heard)
		}
	}()
	if _, err := io.WriteString(p.in, x.words.Relay(program)); err != nil {
		r.drop(c)
		return nil, &UnreachableError{Address: c.dialer.target.endpoint(), Err: err}
	}
	timer := time.NewTimer(startLimit)
	defer timer.Stop()
	select {
	case err = <-begun:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = context.DeadlineExceeded
	}
	if err != nil {
		r.drop(c)
		return nil, &UnreachableError{Address: c.dialer.target.endpoint(), Err: err}
	}
	return x, nil
}

// listen hands on what the program says, until the shell says that it has ended.
func (x *passage) listen(to *io.PipeWriter) {
	defer close(x.ended)
	end := []byte("\n" + x.words.Over + "\n")
	var last []byte
	for buffer := make([]byte, 32<<10); ; {
		n, err := x.p.out.Read(buffer)
		last = append(last, buffer[:n]...)
		last = last[max(0, len(last)-len(end)):]
		if x.whole = bytes.HasSuffix(last, end); x.whole {
			n = max(0, n-len(end))
		}
		if n > 0 {
			_, _ = to.Write(buffer[:n]) // nobody may want it any more
		}
		if x.whole || err != nil {
			_ = to.CloseWithError(io.EOF) // never fails
			return
		}
	}
}

// Write is what the program reads.
func (x *passage) Write(b []byte) (int, error) {
	if _, err := io.WriteString(x.p.in, remote.Line(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close ends the program's input, and waits for its end.
func (x *passage) Close() error { return x.close() }

// leave is that. A shell that is not seen to go on is of no use any more.
func (r *root) leave(c *conn, x *passage) error {
	_ = x.PipeReader.Close() // never fails
	_, err := io.WriteString(x.p.in, x.words.Over+"\n")
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	if err == nil {
		select {
		case <-x.ended:
		case <-timer.C:
		}
	}
	select {
	case <-x.ended:
		if err == nil && x.whole {
			return nil
		}
	default:
	}
	r.drop(c)
	return fmt.Errorf("root's shell did not go on: %w", errors.Join(err, remote.ErrCutOff))
}
