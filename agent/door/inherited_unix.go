//go:build linux || darwin || freebsd

package door

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// fromFile looks at what f is. Nothing of this is left to package net, which
// would take a socket that is connected for one that listens.
func fromFile(f *os.File) (*Listener, error) {
	fd := int(f.Fd())
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return nil, errors.Join(ErrInherited, err)
	}
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return nil, errors.Join(ErrInherited, err)
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return nil, errors.Join(ErrInherited, err)
	}
	at, local := address.(*unix.SockaddrUnix)
	if !local || kind != unix.SOCK_STREAM || listens == 0 || at.Name == "" {
		return nil, ErrInherited
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	inner := l.(*net.UnixListener)
	inner.SetUnlinkOnClose(false)
	return &Listener{net: inner, path: at.Name, me: me()}, nil
}
