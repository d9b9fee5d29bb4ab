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
	// promptLimit is how long sudo may take to ask or to begin.
	promptLimit = 20 * time.Second
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

// root is the way from a login to root.
type root struct {
	account string
	direct  bool // the login is root's
	// ask returns the password for sudo; attempt counts from 1 over the whole run.
	ask     func(ctx context.Context, attempt int) ([]byte, error)
	known   []byte // the password that worked, or is likely to
	asked   int
	refused error // once there is no way, there is none
}

// do runs a verb as root on c. Errors: *[RootError], *[remote.Failure], [remote.ErrCutOff].
func (r *root) do(ctx context.Context, c *conn, v remote.Verb, args ...string) (*remote.Answer, error) {
	p, err := r.start(ctx, c, "sh -s")
	if err != nil {
		return nil, err
	}
	defer p.close()
	return p.verb(v, args...)
}

// start runs command as root and returns when it reads its input. sudo is given its password only after its own prompt was
// seen: without one it would hand the password to the command.
func (r *root) start(ctx context.Context, c *conn, command string) (*process, error) {
	if r.refused != nil {
		return nil, r.refused
	}
	nonce := "KG" + remote.Nonce()
	line := "sh -c " + remote.Quote("echo "+nonce+"; exec "+command)
	if !r.direct {
		line = "sudo -S -p " + nonce + "-password: " + line
	}
	p, err := c.start(ctx, line, nonce+"-password:")
	if err != nil {
		return nil, err
	}
	if err := r.begin(ctx, p, nonce); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// begin waits for the command to say that it runs, and answers sudo on the way.
func (r *root) begin(ctx context.Context, p *process, nonce string) error {
	ready := make(chan error, 1)
	go func() { ready <- waitFor(p.out, nonce) }()
	fresh := r.known != nil // the password that we have was not yet tried here
	for {
		timer := time.NewTimer(promptLimit)
		select {
		case err := <-ready:
			timer.Stop()
			if err != nil {
				return r.refuse(ctx, p)
			}
			return nil
		case <-p.complaints.asked:
			timer.Stop()
			if !fresh {
				r.asked++
				password, err := r.ask(ctx, r.asked)
				if err != nil {
					return err
				}
				r.known = password
			}
			fresh = false
			if _, err := p.in.Write(append(bytes.Clone(r.known), '\n')); err != nil {
				return fmt.Errorf("answering sudo: %w", err)
			}
		case <-timer.C:
			return &RootError{Account: r.account, Why: "sudo neither asked for a password nor began: " + p.complaints.text()}
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// refuse: sudo ended without running the command.
func (r *root) refuse(ctx context.Context, p *process) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ended := make(chan struct{})
	go func() {
		_ = p.session.Wait() // stderr is whole then; the exit status says nothing that it does not
		close(ended)
	}()
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C: // it goes on talking
		p.end()
	case <-ctx.Done():
		return ctx.Err()
	}
	why := p.complaints.text()
	if why == "" {
		why = "sudo ended without a word"
	}
	return &RootError{Account: r.account, Why: why, Wrong: p.complaints.seen > 0}
}

// waitFor reads up to the line that is exactly word.
func waitFor(r *bufio.Reader, word string) error {
	for read := 0; read < complaintLimit; {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if strings.TrimRight(string(line), "\r\n") == word {
			return nil
		}
		read += len(line)
	}
	return errors.New("too much noise before the command began")
}
