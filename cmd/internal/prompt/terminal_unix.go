//go:build unix

package prompt

import (
	"fmt"
	"io"
	"os"
	"time"

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

// isTerminal tells whether path leads to a terminal.
func isTerminal(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return term.IsTerminal(int(f.Fd()))
}

// heldTerminal is a terminal that another program asks at, seen from here.
type heldTerminal struct {
	f       *os.File
	saved   *term.State
	over    chan struct{}
	watched chan struct{}
}

// holdTerminal keeps the settings of a terminal, and calls gone when it hangs up:
// pinentry-curses, for one, does not notice that.
func holdTerminal(path string, gone func()) (*heldTerminal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	saved, err := term.GetState(int(f.Fd()))
	if err != nil {
		f.Close()
		return nil, err
	}
	h := &heldTerminal{f: f, saved: saved, over: make(chan struct{}), watched: make(chan struct{})}
	go h.watch(gone)
	return h, nil
}

func (h *heldTerminal) watch(gone func()) {
	defer close(h.watched)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-h.over:
			return
		case <-tick.C:
			if h.isGone() {
				gone()
				return
			}
		}
	}
}

// isGone tells whether it hung up; nil never was there.
func (h *heldTerminal) isGone() bool {
	if h == nil {
		return false
	}
	_, err := term.GetState(int(h.f.Fd()))
	return err != nil
}

// release gives the terminal back as it was.
func (h *heldTerminal) release() {
	close(h.over)
	<-h.watched
	_ = term.Restore(int(h.f.Fd()), h.saved) // a terminal that went away needs none
	h.f.Close()
}

// endGently lets a program tidy up its terminal.
func endGently(p *os.Process) error { return p.Signal(unix.SIGTERM) }

// show writes a line to the terminal, whatever question may stand on it.
func (p *Prompter) show(text string) {
	f, err := os.OpenFile(p.tty, os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "\r%s\r\n", visible(text))
}
