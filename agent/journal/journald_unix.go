//go:build unix

package journal

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// sendNow sends a datagram if there is room for it, else the error is errFull.
func sendNow(c *net.UnixConn, text []byte) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		_, failed = unix.Write(int(fd), text) // package net has made it one that does not block
		return true
	})
	if err == nil {
		err = failed
	}
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) {
		return errFull
	}
	return err
}
