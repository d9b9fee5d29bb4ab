// Package door is the ways into the agent, and who stands there.
//
// Listen makes a Unix socket that only its user can reach, and lets in nobody
// whose user the system does not vouch for: the user we run as, and root, who
// could read our memory anyway. An operating system that cannot say who is
// calling gets no door at all (ErrUnsupported).
//
// On Windows it makes a named pipe that belongs to the user and that only the user
// may open, from this computer. Who calls is asked of the system there, too, and
// Dial says nothing to a pipe that another user made. Further opens the doors that
// other programs know by name: PuTTY's pipe, the window of its agent, and the pipe
// of the OpenSSH that comes with Windows.
//
// Two starts never both win, and a running agent never loses its socket to
// another: all that is done to the name of a socket is done under a lock file
// beside it (NAME.lock, which stays); whoever answers a connection is alive and
// is left alone; only a socket that nobody listens on is replaced. At the end
// the socket is removed only if it is still the very one that was made.
//
// The mode of a socket is right from its birth: it is bound under umask 077. The
// umask belongs to the whole process, so another goroutine that makes a file in
// that moment makes it for the user alone, which does no harm. To bind first and
// change the mode after would leave a moment in which others could connect.
// What was made is looked at before it is used.
//
// Inherited takes over the sockets that a service manager made for us: they too
// let in nobody else, and are left where they are at the end.
package door

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Errors of Listen and Peer.
var (
	// ErrInUse says that somebody is listening there already.
	ErrInUse = errors.New("an agent is listening there already")
	// ErrNotSocket says that something else than a socket has the name. It is
	// never removed.
	ErrNotSocket = errors.New("something else than a socket has that name")
	// ErrUnsupported says that this operating system cannot say who is calling.
	ErrUnsupported = errors.New("this operating system does not say who is calling, so nobody can be let in")
	// ErrStranger says that a connection is another user's.
	ErrStranger = errors.New("the connection belongs to another user")
)

// PathTooLongError says that a path does not fit into the address of a Unix
// socket.
type PathTooLongError struct {
	Path  string
	Limit int // in bytes
}

func (e *PathTooLongError) Error() string {
	return fmt.Sprintf(`the path "%s" is %d bytes long, and that of a socket can be %d at most`,
		e.Path, len(e.Path), e.Limit)
}

// Caller is who stands at the other end of a connection, as the kernel says.
type Caller struct {
	UID     string // decimal; on Windows a SID
	PID     int    // 0 where the system does not say
	Program string // path of its executable, or its short name; "" where neither is to be had
}

// Listener is a socket of ours. It is a net.Listener whose Accept gives only
// connections that may come in.
type Listener struct {
	// Refused, if set before the first Accept, hears of each connection that was
	// closed because of who made it.
	Refused func(Caller, error)

	net  net.Listener
	path string
	me   string // who we are, as in Caller.UID
	//lint:ignore U1000 it has no use on a system without Unix sockets
	made fileID // the socket that we made; zero: another made it
	//lint:ignore U1000 likewise
	bare   bool // its name has no lock file
	once   sync.Once
	closed error
}

// Conn is a connection that was let in.
type Conn struct {
	net.Conn
	caller Caller
}

// Listen makes a socket at path, which only the user can connect to. It fails
// with ErrInUse, ErrNotSocket, *PathTooLongError or ErrUnsupported, or with what
// the system said. The folder must exist.
func Listen(path string) (*Listener, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf(`listen at "%s": %w`, path, err)
	}
	return l, nil
}

// Make makes a socket at a name that nothing has, and touches nothing else: no
// lock file beside it, and whatever has the name keeps it, a socket that nobody
// listens on too. So ssh-agent(1) makes its own. Two makers of one name cannot
// both win, by the rules of bind(2). The errors are those of Listen; that of a name
// that is taken wraps ErrInUse and what the system said.
func Make(path string) (*Listener, error) {
	l, err := makeNew(path)
	if err != nil {
		return nil, fmt.Errorf(`make a socket at "%s": %w`, path, err)
	}
	return l, nil
}

// Alone is Listen for a folder that is to hold nothing else: no lock file lies beside
// the socket. That nobody else makes one there at the same time is for the caller to
// see to.
func Alone(path string) (*Listener, error) {
	l, err := alone(path)
	if err != nil {
		return nil, fmt.Errorf("listen at %q: %w", path, err)
	}
	return l, nil
}

// File is the listening socket for another process to inherit; see FromFile. The
// caller closes it. Both processes accept connections as long as both listen.
func (l *Listener) File() (*os.File, error) {
	if inner, ok := l.net.(interface{ File() (*os.File, error) }); ok {
		return inner.File()
	}
	return nil, ErrUnsupported
}

// Own is for the process that a socket was made for, and handed to by its maker:
// from now on Close removes the file, if it is still the one that it is now.
func (l *Listener) Own() error { return l.own() }

// Dial connects to the socket at path. On Windows the error wraps ErrStranger if
// another user made the pipe; then nothing was said to it. That of Windows' own
// OpenSSH may be the system's.
func Dial(path string) (net.Conn, error) { return dial(path) }

// IsGone tells whether nothing has the name of a socket any more. Whether somebody
// answers there is another question.
func IsGone(path string) bool { return isGone(path) }

// Same tells whether two paths lead to one agent: they are one file, or on Windows
// one pipe, or pipes that one process serves.
func Same(one, other string) bool { return same(one, other) }

// Peer says who is at the other end of a connection, at best as it was when the
// connection was made.
func Peer(c net.Conn) (Caller, error) {
	if c, ok := c.(*Conn); ok {
		return c.caller, nil
	}
	return callerOf(c)
}

// strange is the error for a connection that is none of ours.
func strange(c net.Conn) error {
	return fmt.Errorf("connection of type %T: %w", c, ErrUnsupported)
}

// longestPause is the longest time between two tries to accept a connection
// while the system cannot give us one.
const longestPause = time.Second

// Accept waits for the next connection that may come in. It tries again when
// the system is short of something (files, memory), so that an error is the end:
// net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	pause := time.Duration(0)
	for {
		c, err := l.net.Accept()
		switch {
		case err != nil && !isShortage(err):
			return nil, err
		case err != nil:
			pause = min(max(2*pause, 5*time.Millisecond), longestPause)
			time.Sleep(pause)
			continue
		}
		pause = 0
		caller, err := callerOf(c)
		if err == nil {
			err = admit(caller, l.me)
		}
		if err == nil {
			return &Conn{c, caller}, nil
		}
		c.Close()
		if l.Refused != nil {
			l.Refused(caller, err)
		}
	}
}

// Addr is the path of the socket.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: network} }

// Close stops listening, and removes the socket if it is still the one that was
// made here. Connections that were let in stay.
func (l *Listener) Close() error {
	l.once.Do(func() { l.closed = l.close() })
	return l.closed
}
