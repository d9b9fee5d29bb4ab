package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// wayLimit is how long a way may take until the server's host key has come: a person may have to log in on it.
	wayLimit = time.Minute
	// partingLimit is how long its program may take to end when it is told to.
	partingLimit = 2 * time.Second
	// lastWordsLimit is how much of what it says is kept.
	lastWordsLimit = 4 << 10
)

// connect is the one place where a connection to the server begins. Errors: *[UnreachableError].
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.target.Way != nil {
		return through(ctx, d.target)
	}
	dial := net.Dialer{Timeout: d.patience()}
	c, err := dial.DialContext(ctx, "tcp", d.target.endpoint())
	if err != nil {
		return nil, &UnreachableError{Address: d.target.endpoint(), Err: err}
	}
	return c, nil
}

// patience is how long the server may take until its host key is seen (ssh_config(5), ConnectTimeout).
func (d *dialer) patience() time.Duration {
	switch {
	case d.target.Patience > 0:
		return d.target.Patience
	case d.target.Way != nil:
		return wayLimit
	}
	return handshakeLimit
}

// proxied is the connection that a way's program makes. The program ends with it.
type proxied struct {
	net.Conn // our end; its other end is copied to and from the program
	target   Target
	stop     context.CancelFunc
	ended    chan struct{} // closed when the program has ended
	err      error         // how; to be read after that
	early    bool          // it ended before it was told to; likewise
	said     lastWords
}

// through starts the program. It stays in our group of processes, so that it may ask the person at our terminal for what a login on the
// way takes; Ctrl-C is for us alone, since what we then take back may need this connection.
func through(ctx context.Context, t Target) (net.Conn, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	words := deaf(t.Way.Words)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.WaitDelay = partingLimit
	cmd.Cancel = func() error { return askToEnd(cmd.Process) }
	here, there := net.Pipe()
	p := &proxied{Conn: here, target: t, stop: stop, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = there, &p.said
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		return nil, &UnreachableError{Address: t.endpoint(), Err: err, Way: t.Way}
	}
	go func() {
		_, _ = io.Copy(in, there) // ends with either side
		_ = in.Close()
	}()
	go func() {
		p.err = cmd.Wait()
		p.early = ctx.Err() == nil
		stop()
		_ = there.Close()
		close(p.ended)
	}()
	return p, nil
}

// Close ends the program, and returns when it has ended.
func (p *proxied) Close() error {
	err := p.Conn.Close()
	p.stop()
	<-p.ended
	return err
}

// RemoteAddr is the server's: known_hosts is asked for it, not for what stands on the way.
func (p *proxied) RemoteAddr() net.Addr { return farEnd(p.target.endpoint()) }

type farEnd string

func (farEnd) Network() string  { return "tcp" }
func (e farEnd) String() string { return string(e) }

// tellOfWay completes the error of a connection that came to nothing, once it is closed, where the way is why.
func tellOfWay(c net.Conn, err error) {
	var lost *UnreachableError
	p, ok := c.(*proxied)
	if !ok || !errors.As(err, &lost) {
		return
	}
	words := p.said.String()
	switch {
	case p.early && p.err == nil: // the way was open to its end: the server hung up, whether we were reading or writing then
		lost.HungUp = true
		return
	case p.early && words != "":
		lost.Err = errors.New(words)
	case p.early:
		lost.Err = fmt.Errorf("it ended with %w", p.err)
	case errors.Is(lost.Err, os.ErrDeadlineExceeded):
		lost.Err = fmt.Errorf("nothing came through (%s): %w", said(words), lost.Err)
	default:
		return
	}
	lost.Way, lost.HungUp = p.target.Way, false
}

func said(words string) string {
	if words == "" {
		return "it said nothing"
	}
	return "it said: " + words
}

// lastWords keeps the end of what a program says.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastWords) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	l.text = l.text[max(0, len(l.text)-lastWordsLimit):]
	return len(b), nil
}

// farewells are what ssh says last, after it has said what happened.
var farewells = []string{"stdio forwarding failed", "kex_exchange_identification:", "Connection closed by UNKNOWN"}

// String is the last line that tells what happened, cleaned.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, telling := "", ""
	for line := range strings.Lines(string(l.text)) {
		line = printed(line)
		if line == "" {
			continue
		}
		last = line
		known := false
		for _, f := range farewells {
			known = known || strings.HasPrefix(line, f)
		}
		if !known {
			telling = line
		}
	}
	if telling == "" {
		return last
	}
	return telling
}
