//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// Messages of RFC 9987, section 6.1.
const (
	requestIdentities = 11
	identitiesAnswer  = 12
	signRequest       = 13
	signResponse      = 14
	success           = 6
	extension         = 27
)

const longest = 256 << 10 // what ssh reads (authfd.c)

// A link is one connection to an agent, with nothing between a request and its answer but the bytes: whoever measures with it measures the agent.
type link struct {
	io.ReadWriteCloser
	in []byte
}

func newLink(c io.ReadWriteCloser) *link { return &link{c, make([]byte, 4<<10)} }

// A thread is a socket whose reader the system wakes, as it is with ssh and any other C program: no Go scheduler is between.
type thread int

// call dials such a one, which waits for an answer as long as limit (socket(7), SO_RCVTIMEO).
func call(path string, limit time.Duration) (*link, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	patience := unix.NsecToTimeval(limit.Nanoseconds())
	if err := errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience), unix.Connect(fd, &unix.SockaddrUnix{Name: path})); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newLink(thread(fd)), nil
}

func (t thread) Read(p []byte) (int, error) {
	n, err := unix.Read(int(t), p)
	for err == unix.EINTR { // Go's own signals
		n, err = unix.Read(int(t), p)
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}

func (t thread) Write(p []byte) (int, error) { return unix.Write(int(t), p) }

func (t thread) Close() error { return unix.Close(int(t)) }

// dial waits while an agent that has others to serve takes no more connections (unix(7), EAGAIN).
func dial(path string) (*link, error) {
	for end := time.Now().Add(startLimit); ; {
		c, err := net.Dial("unix", path)
		if err == nil {
			return newLink(c), nil
		}
		if !errors.Is(err, unix.EAGAIN) || time.Now().After(end) {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

// ask sends a frame and returns the body of the answer's, until the next call: a byte that says its type, at least.
func (l *link) ask(frame []byte) ([]byte, error) {
	if _, err := l.Write(frame); err != nil {
		return nil, err
	}
	have, want := 0, 4
	for have < want {
		n, err := l.Read(l.in[have:])
		if err != nil {
			return nil, err
		}
		have += n
		if have >= 4 {
			want = 4 + int(binary.BigEndian.Uint32(l.in))
		}
		if want > longest {
			return nil, fmt.Errorf("an answer of %d bytes", want)
		}
		if want > len(l.in) {
			l.in = append(l.in, make([]byte, want-len(l.in))...)
		}
	}
	if want == 4 {
		return nil, errors.New("an answer of nothing")
	}
	return l.in[4:want], nil
}

// sign asks for the signature of a request.
func (l *link) sign(r *request) ([]byte, error) {
	answer, err := l.ask(r.frame)
	if err != nil {
		return nil, err
	}
	if len(answer) < 5 || answer[0] != signResponse {
		return nil, fmt.Errorf("no signature with %s: an answer of type %d", r.name, answer[0])
	}
	return answer[5:], nil
}

// list asks for the list, and counts it.
func (l *link) list(want int) error {
	answer, err := l.ask(listFrame)
	if err != nil {
		return err
	}
	if len(answer) < 5 || answer[0] != identitiesAnswer {
		return errors.New("no list")
	}
	if n := int(binary.BigEndian.Uint32(answer[1:])); n != want {
		return fmt.Errorf("a list of %d keys, not %d", n, want)
	}
	return nil
}

var listFrame = str(nil, []byte{requestIdentities})

// str appends a string of the protocol, which a message with its length before it is, too.
func str(to, part []byte) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(part))), part...)
}

// patiently dials until somebody answers there.
func patiently(path string, limit time.Duration) (*link, error) {
	for end := time.Now().Add(limit); ; {
		l, err := dial(path)
		if err == nil {
			if _, err = l.ask(listFrame); err == nil {
				return l, nil
			}
			l.Close()
		}
		if time.Now().After(end) {
			return nil, err
		}
		time.Sleep(100 * time.Microsecond) // the first answer is what is waited for
	}
}

// same is whether a signature is the one that was verified: ed25519 and RSA with PKCS #1 sign the same thing the same way.
func (r *request) same(signature []byte) error {
	if !bytes.Equal(signature, r.verified) {
		return fmt.Errorf("%s: another signature than the one that was verified", r.name)
	}
	return nil
}
