package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"time"

	"kagiban/agent"
)

// ErrNotRunning says that nobody answers at the control socket.
var ErrNotRunning = errors.New("the agent is not running")

// How long an answer may take. To unlock, the derivation may have to wait for
// its turn.
const (
	answerTime = 20 * time.Second
	unlockTime = 2 * time.Minute
)

// Client is a connection to a running agent. It is for one goroutine. Errors of
// its methods may be a *VersionError; after it, and after an error of the
// connection, a Client is of no more use. Lock and Shutdown reach an agent of
// another version, too: nobody's keys stay open because the program is newer.
type Client struct {
	conn  net.Conn
	lines *lineReader
	again func() (net.Conn, error) // nil: the connection is all there is
}

// Dial connects to the control socket at path by dial, which must see to it that the
// user's own agent is there (package agent/door does). The error wraps ErrNotRunning
// if nobody listens there.
func Dial(path string, dial func(path string) (net.Conn, error)) (*Client, error) {
	conn, err := dial(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the agent: %w", err)
	}
	c := NewClient(conn)
	c.again = func() (net.Conn, error) { return dial(path) }
	return c, nil
}

// NewClient makes a Client of a connection.
func NewClient(conn net.Conn) *Client {
	return &Client{conn: conn, lines: newLineReader(conn, maxAnswer)}
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Status asks what the agent holds.
func (c *Client) Status() (Status, error) {
	ans, err := c.call(request{Op: opStatus}, answerTime)
	if err != nil {
		return Status{}, fmt.Errorf("ask the agent for its status: %w", err)
	}
	if ans.Status == nil {
		return Status{}, errors.New("the agent answered without its status")
	}
	return *ans.Status, nil
}

// Unlock opens a key on these terms. The error wraps
// agent.ErrNoKey or agent.ErrWrongPassphrase where that is the reason.
func (c *Client) Unlock(name string, passphrase []byte, terms agent.Terms) error {
	r := request{Op: opUnlock, Key: name, Passphrase: passphrase, LifeMS: terms.Life.Milliseconds(), Confirm: terms.Confirm}
	if terms.Life > 0 && r.LifeMS == 0 {
		r.LifeMS = 1 // 0 would mean for ever
	}
	if _, err := c.call(r, unlockTime); err != nil {
		return fmt.Errorf("unlock key %q: %w", name, err)
	}
	return nil
}

// Lock closes the keys of these names, or all keys if there is none. The error
// wraps agent.ErrNoKey if one of them is not there.
func (c *Client) Lock(names ...string) error {
	if err := c.callAny(request{Op: opLock, Keys: names}); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// Shutdown asks the agent to end, and returns when it has let go of this
// connection.
func (c *Client) Shutdown() error {
	if err := c.callAny(request{Op: opShutdown}); err != nil {
		return fmt.Errorf("stop the agent: %w", err)
	}
	_, err := c.lines.next()
	if err == nil || isTimeout(err) {
		return errors.New("stop the agent: it said yes and did not end")
	}
	return nil
}

// callAny calls an agent of whatever version, in its own: lock and shutdown are the same lines in all of them.
func (c *Client) callAny(r request) error {
	_, err := c.call(r, answerTime)
	var other *VersionError
	if !errors.As(err, &other) || c.again == nil {
		return err
	}
	conn, err := c.again()
	if err != nil {
		return err
	}
	_ = c.conn.Close() // the agent has closed it
	c.conn, c.lines = conn, newLineReader(conn, maxAnswer)
	r.V = other.Theirs
	_, err = c.call(r, answerTime)
	return err
}

// call sends a request of this version, if it says none.
func (c *Client) call(r request, patience time.Duration) (answer, error) {
	r.V = cmp.Or(r.V, Version)
	line := encode(r)
	defer clear(line)
	c.conn.SetDeadline(time.Now().Add(patience)) // if it fails, so will what follows
	if _, err := c.conn.Write(line); err != nil {
		return answer{}, silence(err)
	}
	line, err := c.lines.next()
	if err != nil {
		return answer{}, silence(err)
	}
	var ans answer
	if err := json.Unmarshal(line, &ans); err != nil {
		return answer{}, fmt.Errorf("the agent's answer is not understood: %w", err)
	}
	if ans.V != r.V {
		return answer{}, &VersionError{Ours: Version, Theirs: ans.V}
	}
	return ans, ans.Error.err()
}

// silence is why no answer came. A connection that ends without one belonged to an agent that is ending or was killed, so it
// is not running; one that is slow is.
func silence(err error) error {
	switch {
	case isTimeout(err), errors.Is(err, errTooLong):
		return err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w any more: %w", ErrNotRunning, err)
}

// err gives the error that the agent had, as far as it can be told apart.
func (f *failure) err() error {
	if f == nil {
		return nil
	}
	for _, known := range toldApart {
		if f.Code == known.code {
			return known.err
		}
	}
	return errors.New(f.Text)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
