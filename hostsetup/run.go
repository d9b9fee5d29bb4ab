package hostsetup

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// startLimit is how long a server may take to begin with a command.
	startLimit = 20 * time.Second
	// closeLimit is how long a server may take to close its side of a channel.
	closeLimit = 3 * time.Second
)

// do runs a verb as the login user. Errors: *[remote.Failure], [remote.ErrCutOff].
func (c *conn) do(ctx context.Context, v remote.Verb, args ...string) (*remote.Answer, error) {
	p, err := c.start(ctx, "sh -s", false, &talk{})
	if err != nil {
		return nil, err
	}
	defer p.close()
	return p.verb(v, args...)
}

// process is a program on the server.
type process struct {
	session *ssh.Session
	in      io.WriteCloser
	out     *bufio.Reader
	talk    *talk
	conn    *conn
	ctx     context.Context // that it was started with, whose end ends it
	stop    func() bool     // it is not ended by the context any more
	mu      sync.Mutex
	last    *time.Timer // closes the connection of a program that does not end
	closed  bool
}

// errNoTerminal means that the server gives this login no terminal (sshd_config(5), PermitTTY).
var errNoTerminal = errors.New("the server gives no terminal")

// start runs command, on a terminal that echoes nothing if tty; ctx's end ends it. t hears what it complains of.
func (c *conn) start(ctx context.Context, command string, tty bool, t *talk) (*process, error) {
	c.dialer.commands++
	begun, done := context.WithTimeout(ctx, startLimit)
	defer done()
	client := c.Client
	defer context.AfterFunc(begun, func() { _ = client.Close() })() // a link that was cut says nothing, for as long as TCP likes
	session, err := c.session(begun)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &UnreachableError{Address: c.dialer.target.endpoint(), Err: err}
	}
	p := &process{session: session, talk: t, conn: c, ctx: ctx}
	p.stop = context.AfterFunc(ctx, p.end)
	session.Stderr = p.talk
	p.in, err = session.StdinPipe()
	if err == nil {
		var out io.Reader
		out, err = session.StdoutPipe()
		p.out = bufio.NewReader(out)
	}
	if err == nil && tty && session.RequestPty("dumb", 24, 80, ssh.TerminalModes{ssh.ECHO: 0}) != nil {
		err = errNoTerminal
	}
	if err == nil {
		err = session.Start(command)
	}
	switch {
	case err == nil:
		return p, nil
	case begun.Err() != nil: // it is the link that is gone
		err = &UnreachableError{Address: c.dialer.target.endpoint(), Err: begun.Err()}
	case !errors.Is(err, errNoTerminal):
		err = fmt.Errorf("starting a command: %w", err)
	}
	p.close()
	return nil, cmp.Or(ctx.Err(), err)
}

// session is the way to one command. A server that gives each connection only one (tinyssh), or ends it with the first one's end (dropbear),
// is connected to anew.
func (c *conn) session(ctx context.Context) (*ssh.Session, error) {
	if !c.spent || c.by.user == "" || software(c.ServerVersion()) == openSSH {
		c.spent = true
		return newSession(ctx, c.Client)
	}
	fresh, _, err := c.dialer.open(ctx, c.by)
	if err != nil {
		return nil, err
	}
	_ = c.Client.Close() // it has had its command
	c.Client = fresh.Client
	return newSession(ctx, c.Client)
}

// newSession does not outlast ctx. The library's own may never return: a channel that is opened just after the others were told that the link
// is gone is told nothing.
func newSession(ctx context.Context, client *ssh.Client) (*ssh.Session, error) {
	var session *ssh.Session
	opened := make(chan error, 1)
	go func() {
		var err error
		session, err = client.NewSession()
		opened <- err
	}()
	select {
	case err := <-opened:
		return session, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end makes an end of it, whatever it does: a server that does not close its side in time loses the connection.
func (p *process) end() {
	_ = p.session.Close() // it may have ended by itself
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil && !p.closed {
		p.last = time.AfterFunc(closeLimit, func() { _ = p.conn.Close() })
	}
}

// close lets go of it, once nobody reads from it any more.
func (p *process) close() {
	p.stop()
	_ = p.session.Close() // it may have ended by itself
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.last != nil {
		p.last.Stop()
	}
}

// verb feeds the program to the shell that waits on the other end, which ends then, and reads its answer.
func (p *process) verb(v remote.Verb, args ...string) (*remote.Answer, error) {
	timer := time.AfterFunc(verbLimit, p.end)
	defer timer.Stop()
	nonce := remote.Nonce()
	if _, err := io.WriteString(p.in, v.Program(nonce, args...)); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w: %w", v, remote.ErrCutOff, err)
	}
	p.finish() // a broken link shows on reading
	out, err := io.ReadAll(io.LimitReader(p.out, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", v, remote.ErrCutOff, err)
	}
	return p.answer(v, nonce, out)
}

// turn is verb for a shell that goes on: the program runs in a shell below it. Until ctx ends.
func (p *process) turn(ctx context.Context, v remote.Verb, args ...string) (*remote.Answer, error) {
	timer := time.AfterFunc(verbLimit, p.end)
	defer timer.Stop()
	defer context.AfterFunc(ctx, p.end)()
	p.talk.forget()
	nonce := remote.Nonce()
	over := "KG" + nonce + " over" // nobody else knows it, and the program does not say it
	program := "(\n" + v.Program(nonce, args...) + ") </dev/null\necho; echo " + remote.Quote(over) + "\n"
	if _, err := io.WriteString(p.in, program); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w: %w", v, remote.ErrCutOff, err)
	}
	var out []byte
	for len(out) < answerLimit {
		line, err := p.out.ReadSlice('\n')
		if out = append(out, line...); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			break // its end; what there is tells whether that was too early
		}
		if strings.TrimRight(string(line), "\r\n") == over {
			break
		}
	}
	return p.answer(v, nonce, out)
}

// finish tells the shell on the other end that nothing more comes. On a terminal there is no end of input.
func (p *process) finish() {
	_, _ = io.WriteString(p.in, "exit\n") // it may have ended by itself
	_ = p.in.Close()
}

// answer reads what a verb said, and has the shell end where that tells more.
func (p *process) answer(v remote.Verb, nonce string, out []byte) (*remote.Answer, error) {
	if len(out) >= answerLimit { // the link is well
		return nil, &remote.Failure{Verb: v.String(), What: "answer", Detail: "longer than 8 MiB"}
	}
	a, err := remote.Parse(v, nonce, out)
	var failure *remote.Failure
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &failure) && !slices.Contains([]string{"write", "mkdir", "chmod", "stopped"}, failure.What):
		return a, err // no tool has complained; a login shell may have
	}
	p.finish()
	status := p.wait() // what was complained is whole then
	if failure != nil {
		said := p.talk.last()
		failure.Said = printed(said[strings.LastIndex(": "+said, ": "):]) // "tool: what it did: why"
		return a, err
	}
	return a, &cutOff{err, status, strings.TrimSpace(string(out)) + "\n" + strings.Join(p.talk.lines(), "\n")}
}

// wait waits for the end of a command that has nothing more to say, and returns its exit status, -1 if it has none.
func (p *process) wait() int {
	var exit *ssh.ExitError
	switch err := p.session.Wait(); {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Signal() == "":
		return exit.ExitStatus()
	}
	return -1
}

// cutOff is an answer that is not whole, with what is known of the command that should have given it.
type cutOff struct {
	err    error
	status int    // exit status, -1 if there is none: the link broke
	text   string // all that was printed
}

func (e *cutOff) Error() string {
	return fmt.Sprintf("%v (exit status %d, printed %s)", e.err, e.status, quoted(printed(e.text)))
}
func (e *cutOff) Unwrap() error { return e.err }
