package door

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// ErrInherited says that what was passed to this process is not what it was
// said to be: a stream socket of the Unix kind, bound and listening.
var ErrInherited = errors.New("this is no Unix socket that listens")

// firstInherited is the first descriptor that a service manager passes
// (sd_listen_fds(3)).
const firstInherited = 3

// maxInherited is more sockets than anybody passes on purpose.
const maxInherited = 64

// Inherited returns the sockets that a service manager listens on for this very
// process, in its order (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS). Which is which
// their paths tell. There are none if nothing was passed, or to another process. The
// variables are unset, whatever they say, so that no child takes them for its own; so
// this is called once. An error wraps
// ErrInherited or ErrUnsupported, and then nothing is kept open.
//
// Who calls is checked as at every Listener. The file of such a socket is its
// maker's: its mode is the maker's choice, and Close leaves it.
func Inherited() ([]*Listener, error) {
	pid, fds := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 1 || n > maxInherited {
		return nil, fmt.Errorf("LISTEN_FDS is %q: %w", fds, ErrInherited)
	}
	files := make([]*os.File, n)
	for i := range files {
		files[i] = os.NewFile(uintptr(firstInherited+i), "inherited socket "+strconv.Itoa(i+1))
	}
	return fromFiles(files)
}

// fromFiles makes listeners of all files, or of none.
func fromFiles(files []*os.File) ([]*Listener, error) {
	var all []*Listener
	for i, f := range files {
		l, err := FromFile(f)
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			for _, f := range files[i+1:] {
				f.Close()
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// FromFile makes a listener of a socket that another process made, and closes
// f. The errors are as for Inherited.
func FromFile(f *os.File) (*Listener, error) {
	defer f.Close()
	l, err := fromFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return l, nil
}
