package hostsetup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kagiban/hostsetup/remote"
)

// promptLimit is how long sudo may take to ask or to begin.
const promptLimit = 20 * time.Second

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
