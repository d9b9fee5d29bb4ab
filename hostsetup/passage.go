package hostsetup

import (
	"bytes"
	"context"
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
	lines          chan string   // for the program
	left           chan struct{} // there are no more
	told           chan struct{} // and that was said
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
	x := &passage{PipeReader: said, p: p, words: remote.NewWords(), ended: make(chan struct{}), lines: make(chan string), left: make(chan struct{}), told: make(chan struct{})}
	x.close = sync.OnceValue(func() error { return r.leave(c, x) })
	begun := make(chan error, 1)
	go func() {
		err := waitFor(p.out, x.words.Begins, io.Discard)
		begun <- err
		if err == nil {
			x.listen(heard)
		}
	}()
	ctx, done := context.WithTimeout(ctx, startLimit)
	defer done()
	if _, err = io.WriteString(p.in, x.words.Relay(program)); err == nil {
		select {
		case err = <-begun:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		r.drop(c)
		return nil, &UnreachableError{Address: c.dialer.target.endpoint(), Err: err}
	}
	go x.tell()
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
	select {
	case <-x.left:
		return 0, io.ErrClosedPipe
	default:
	}
	select {
	case x.lines <- remote.Line(b):
		return len(b), nil
	case <-x.left:
		return 0, io.ErrClosedPipe
	}
}

// tell is the one that writes to the shell: a line that came after Over would be one of the shell's own. A link that is gone shows on reading.
func (x *passage) tell() {
	defer close(x.told)
	for {
		select {
		case line := <-x.lines:
			_, _ = io.WriteString(x.p.in, line)
		case <-x.left:
			_, _ = io.WriteString(x.p.in, x.words.Over+"\n")
			return
		}
	}
}

// Close ends the program's input, and waits for its end.
func (x *passage) Close() error { return x.close() }

// leave is that. A shell that is not seen to go on is of no use any more.
func (r *root) leave(c *conn, x *passage) error {
	_ = x.PipeReader.Close() // never fails
	close(x.left)
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	for _, done := range []chan struct{}{x.told, x.ended} {
		select {
		case <-done:
			continue
		case <-timer.C:
		}
		r.drop(c)
		return fmt.Errorf("root's shell does not go on: %w", remote.ErrCutOff)
	}
	if x.whole {
		return nil
	}
	r.drop(c)
	return remote.ErrCutOff
}
