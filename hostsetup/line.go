package hostsetup

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// greetingLimit is how much of what a server says first is kept: a server that sends us away says why in one line.
const greetingLimit = 256

// line is a connection that remembers how it began and how it ended. The library tells neither.
type line struct {
	net.Conn
	heard *atomic.Int64 // when something came last; nanoseconds (Unix)
	mu    sync.Mutex
	first []byte
	err   error // of the read that was the last one
}

func (l *line) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	hasten(l.Conn)
	return n, err
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	hasten(l.Conn)
	if n > 0 {
		l.heard.Store(time.Now().UnixNano())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first = append(l.first, b[:min(n, greetingLimit-len(l.first))]...)
	if err != nil {
		l.err = err
	}
	return n, err
}

// ended is why nothing more can be read, nil as long as it can.
func (l *line) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// hungUp tells whether it was the other side that ended it.
func (l *line) hungUp() bool {
	err := l.ended()
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed)
}

// greeting is what was said in place of an SSH server's greeting, "" if there was one.
func (l *line) greeting() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.Contains("\n"+string(l.first), "\nSSH-") {
		return ""
	}
	return printed(string(l.first))
}

// software is what the other side calls itself in its greeting.
func (l *line) software() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, version, _ := strings.Cut("\n"+string(l.first), "\nSSH-")
	return software([]byte("SSH-" + version))
}

// printedLimit is how much of a server's words stands in a sentence of ours.
const printedLimit = 80

// printed is the first line of text that says anything, without control characters and cut to a length.
func printed(text string) string {
	for part := range strings.Lines(text) {
		part = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r != ' ' && !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(part, "")))
		if runes := []rune(part); len(runes) > printedLimit {
			part = string(runes[:printedLimit-3]) + "..."
		}
		if part != "" {
			return part
		}
	}
	return ""
}
