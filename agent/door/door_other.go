//go:build !linux && !darwin && !freebsd

package door

import (
	"net"
	"os"
)

type fileID struct{}

func listen(string) (*Listener, error) { return nil, ErrUnsupported }

func makeNew(string) (*Listener, error) { return nil, ErrUnsupported }

func (l *Listener) own() error { return ErrUnsupported }

func fromFile(*os.File) (*Listener, error) { return nil, ErrUnsupported }

func callerOf(*net.UnixConn) (Caller, error) { return Caller{}, ErrUnsupported }

func admit(Caller, int) error { return ErrUnsupported }

func isShortage(error) bool { return false }

func (l *Listener) close() error { return l.net.Close() }
