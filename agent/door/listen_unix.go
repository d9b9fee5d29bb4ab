//go:build linux || darwin || freebsd

package door

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// fileID tells one file from every other for as long as it is in use: the
// number of a socket file that we listen on is not given to another one.
type fileID struct{ dev, ino uint64 }

// umaskLock keeps two calls of listen from restoring each other's umask.
var umaskLock sync.Mutex

// maxPath is how long sun_path can be, without the zero at its end: 107 bytes on Linux,
// 103 on macOS and FreeBSD (unix(7), unix(4)).
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// socketPath is the whole path, if it fits into an address.
func socketPath(path string) (string, error) {
	path, err := filepath.Abs(path) // "@name" would be no file on Linux
	if err == nil && len(path) > maxPath {
		err = &PathTooLongError{Path: path, Limit: maxPath}
	}
	return path, err
}

func listen(path string) (*Listener, error) {
	path, err := socketPath(path)
	if err != nil {
		return nil, err
	}
	unlock, err := lockName(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := clearName(path); err != nil {
		return nil, err
	}
	return bind(path, 0o077)
}

// makeNew leaves a name that is taken to whoever has it: bind(2) sees to that.
func makeNew(path string) (*Listener, error) {
	path, err := socketPath(path)
	if err != nil {
		return nil, err
	}
	l, err := bind(path, 0o177) // nor executable, as ssh-agent's
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err != nil {
		return nil, err
	}
	l.bare = true
	return l, nil
}

func alone(path string) (*Listener, error) {
	path, err := socketPath(path)
	if err != nil {
		return nil, err
	}
	if err := clearName(path); err != nil {
		return nil, err
	}
	l, err := bind(path, 0o077)
	if err != nil {
		return nil, err
	}
	l.bare = true
	return l, nil
}

func (l *Listener) own() error {
	id, _, err := identify(l.path)
	l.made, l.bare = id, true
	return err
}

// patience is how long to wait for somebody who does something to the same name.
const patience = 10 * time.Second

// lockName takes the lock that guards the name of a socket. It is held for
// moments only, so that whoever has to wait long is told instead.
func lockName(path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l := flock.New(path+".lock", flock.SetFlag(os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %q: %w", l.Path(), err)
	}
	return func() { l.Close() }, nil
}

// clearName makes sure that the name is free: a socket that nobody listens on
// is removed, and only that.
func clearName(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return ErrNotSocket
	}
	c, err := net.DialTimeout("unix", path, 5*time.Second)
	switch {
	case err == nil:
		c.Close()
		return ErrInUse
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	// Alive but busy, or not for us to know: not ours to remove.
	return fmt.Errorf("%w, or so it seems: %w", ErrInUse, err)
}

// bind makes the socket, and looks at it.
func bind(path string, umask int) (*Listener, error) {
	umaskLock.Lock()
	defer umaskLock.Unlock()
	before := syscall.Umask(umask)
	defer syscall.Umask(before)
	inner, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	inner.SetUnlinkOnClose(false) // Go would not look whose it is
	l := &Listener{net: inner, path: path, me: me()}
	if l.made, err = lookAt(path); err != nil {
		inner.Close()
		return nil, err
	}
	return l, nil
}

// lookAt returns which file the socket is, after seeing that it is one that
// only we can reach.
func lookAt(path string) (fileID, error) {
	id, info, err := identify(path)
	if err != nil {
		return id, err
	}
	if info.Mode().Type() != fs.ModeSocket || info.Mode().Perm()&0o077 != 0 {
		return id, fmt.Errorf("the new socket is not private: %v", info.Mode())
	}
	return id, nil
}

func identify(path string) (fileID, fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return fileID{}, nil, err
	}
	s := info.Sys().(*syscall.Stat_t)
	return fileID{uint64(s.Dev), uint64(s.Ino)}, info, nil
}

// close removes the name before it lets go of the socket: while the socket is
// ours no other file can have its number.
func (l *Listener) close() error {
	if l.made == (fileID{}) {
		return l.net.Close()
	}
	unlock, err := func() {}, error(nil)
	if !l.bare {
		unlock, err = lockName(l.path)
	}
	if err == nil {
		defer unlock()
		if id, _, err := identify(l.path); err == nil && id == l.made {
			os.Remove(l.path) // if not, the next start replaces it
		}
	}
	return l.net.Close()
}

// isShortage says that accepting failed for want of something that may come back.
func isShortage(err error) bool {
	for _, shortage := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
	} {
		if errors.Is(err, shortage) {
			return true
		}
	}
	return false
}

// network is what package net calls our sockets.
const network = "unix"

func me() string { return strconv.Itoa(os.Geteuid()) }

// admit lets in the user we run as, whose uid is me, and root.
func admit(c Caller, me string) error {
	if c.UID == me || c.UID == "0" {
		return nil
	}
	return ErrStranger
}

func dial(path string) (net.Conn, error) { return net.Dial(network, path) }

func isGone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func same(one, other string) bool {
	ours, err := os.Stat(one)
	if err != nil {
		return false
	}
	theirs, err := os.Stat(other)
	return err == nil && os.SameFile(ours, theirs)
}

// callerOf asks the kernel.
func callerOf(c net.Conn) (caller Caller, err error) {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return Caller{}, strange(c)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return Caller{}, err
	}
	var asked error
	if err := raw.Control(func(fd uintptr) { caller, asked = socketCaller(int(fd)) }); err != nil {
		return Caller{}, err
	}
	if asked != nil {
		return Caller{}, fmt.Errorf("ask who is calling: %w", asked)
	}
	return caller, nil
}

func further() []Way { return nil }
