//go:build !linux && !darwin && !freebsd && !windows

package door

import (
	"net"
	"os"
)

const network = "unix"

type fileID struct{}

func listen(string) (*Listener, error) { return nil, ErrUnsupported }

func makeNew(string) (*Listener, error) { return nil, ErrUnsupported }

func alone(string) (*Listener, error) { return nil, ErrUnsupported }

func (l *Listener) own() error { return ErrUnsupported }

func fromFile(*os.File) (*Listener, error) { return nil, ErrUnsupported }

func callerOf(c net.Conn) (Caller, error) { return Caller{}, strange(c) }

func admit(Caller, string) error { return ErrUnsupported }

func isShortage(error) bool { return false }

func (l *Listener) close() error { return l.net.Close() }

func dial(string) (net.Conn, error) { return nil, ErrUnsupported }

func isGone(string) bool { return true }

func same(string, string) bool { return false }

func further() []Way { return nil }
