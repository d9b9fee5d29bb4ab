package hostsetup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/remote"
)

// Limits of what a server may say: an answer, and a program's complaints.
const (
	answerLimit    = 8 << 20
	complaintLimit = 16 << 10
	// verbLimit is how long a verb may take; cancel waits up to 30 s for the watcher.
	verbLimit = 60 * time.Second
	// closeLimit is how long a server may take to close its side of a channel.
	closeLimit = 3 * time.Second
)

// do runs a verb as the login user. Errors: *[remote.Failure], [remote.ErrCutOff].
func (c *conn) do(ctx context.Context, v remote.Verb, args ...string) (*remote.Answer, error) {
	p, err := c.start(ctx, "sh -s", "")
	if err != nil {
		return nil, err
	}
	defer p.close()
	return p.verb(v, args...)
}

// process is a program on the server.
type process struct {
	session    *ssh.Session
	in         io.WriteCloser
	out        *bufio.Reader
	complaints *complaints
	conn       *conn
	stop       func() bool // it is not ended by the context any more
	mu         sync.Mutex
	last       *time.Timer // closes the connection of a program that does not end
}

// start runs command; ctx's end ends it. prompt is what a program on the way may ask on stderr.
func (c *conn) start(ctx context.Context, command, prompt string) (*process, error) {
	c.dialer.commands++
	session, err := c.NewSession()
	if err != nil {
		return nil, &UnreachableError{c.dialer.target.endpoint(), err}
	}
	p := &process{session: session, complaints: &complaints{prompt: prompt, asked: make(chan struct{}, 8)}, conn: c}
	p.stop = context.AfterFunc(ctx, p.end)
	session.Stderr = p.complaints
	p.in, err = session.StdinPipe()
	if err == nil {
		var out io.Reader
		out, err = session.StdoutPipe()
		p.out = bufio.NewReader(out)
	}
	if err == nil {
		err = session.Start(command)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("starting a command: %w", err)
	}
	return p, nil
}

// end makes an end of it, whatever it does: a server that does not close its side in time loses the connection.
func (p *process) end() {
	_ = p.session.Close() // it may have ended by itself
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = time.AfterFunc(closeLimit, func() { _ = p.conn.Close() })
	}
}

// close lets go of it, once nobody reads from it any more.
func (p *process) close() {
	p.stop()
	_ = p.session.Close() // it may have ended by itself
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil {
		p.last.Stop()
	}
}

// verb feeds the program to the shell that waits on the other end and reads its answer.
func (p *process) verb(v remote.Verb, args ...string) (*remote.Answer, error) {
	timer := time.AfterFunc(verbLimit, p.end)
	defer timer.Stop()
	nonce := remote.Nonce()
	if _, err := io.WriteString(p.in, v.Program(nonce, args...)); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w: %w", v, remote.ErrCutOff, err)
	}
	_ = p.in.Close() // an EOF is all that the shell needs; a broken link shows on reading
	out, err := io.ReadAll(io.LimitReader(p.out, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", v, remote.ErrCutOff, err)
	}
	a, err := remote.Parse(v, nonce, out)
	if errors.Is(err, remote.ErrCutOff) {
		if text := p.complaints.text(); text != "" {
			return a, fmt.Errorf("%w: %s", err, text)
		}
	}
	return a, err
}

// complaints is a program's stderr, as far as it matters, and a watch on it for sudo's prompt.
type complaints struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	prompt string
	asked  chan struct{} // one value for each prompt
	seen   int
}

func (c *complaints) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buffer.Len() < complaintLimit {
		c.buffer.Write(b)
	}
	if c.prompt != "" {
		for n := strings.Count(c.buffer.String(), c.prompt); c.seen < n; c.seen++ {
			select {
			case c.asked <- struct{}{}:
			default:
			}
		}
	}
	return len(b), nil
}

// text is what was complained, without our own prompts, on one line.
func (c *complaints) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.buffer.String()
	if c.prompt != "" {
		text = strings.ReplaceAll(text, c.prompt, " ")
	}
	return strings.Join(strings.Fields(text), " ")
}
