//go:build unix

package prompt

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

const ttyPath = "/dev/tty"

// terminal is the controlling terminal while a question stands on it.
type terminal struct {
	f     *os.File
	saved *term.State
}

// openTerminal turns echo, line editing and signals off, so that Ctrl-C comes as
// a byte and the terminal is always restored by us (termios(3): VMIN 0, VTIME 1
// makes a read return after a tenth of a second).
func openTerminal(path string) (*terminal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fd := int(f.Fd()) // Fd also takes it out of the poller: reads block for VTIME
	saved, err := term.GetState(fd)
	if err != nil {
		f.Close()
		return nil, err
	}
	// Not term.MakeRaw: a read that ends by itself is what lets a context end a question.
	raw, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		f.Close()
		return nil, err
	}
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Iflag &^= unix.IXON | unix.ISTRIP
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 0, 1
	if err := unix.IoctlSetTermios(fd, ioctlSetTermiosFlush, raw); err != nil {
		f.Close()
		return nil, err
	}
	return &terminal{f: f, saved: saved}, nil
}

func (t *terminal) close() {
	_ = term.Restore(int(t.f.Fd()), t.saved) // a terminal that went away needs none
	t.f.Close()
}

// Read gives one byte, or none after a tenth of a second. A terminal that hung
// up answers at once with nothing, again and again; it is told apart by asking
// for its settings.
func (t *terminal) Read(p []byte) (int, error) {
	n, err := t.f.Read(p)
	if err == io.EOF {
		_, err = term.GetState(int(t.f.Fd()))
		return 0, err
	}
	return n, err
}

func (t *terminal) Write(p []byte) (int, error) { return t.f.Write(p) }

// haveTerminal tells whether there is a terminal and this process is in its
// foreground: a question from the background would stop the whole process (SIGTTIN).
func haveTerminal(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
