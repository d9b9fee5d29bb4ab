//go:build linux || darwin || freebsd || windows

package door

import (
	"errors"
	"net"
	"os"
	"os/user"
	"runtime"
	"testing"

	"kagiban/scripts/ground"
)

func mustListen(t *testing.T, path string) *Listener {
	t.Helper()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestWhoIsCalling: it is told at both ends.
func TestWhoIsCalling(t *testing.T) {
	path := ground.Socket(t)
	l := mustListen(t, path)
	near, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	user, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	want := Caller{user.Uid, os.Getpid(), self}
	if runtime.GOOS == "freebsd" { // it tells the user alone
		want = Caller{UID: want.UID}
	}
	for name, c := range map[string]net.Conn{"accepted": far, "dialled": near} {
		if got, err := Peer(c); err != nil || got != want {
			t.Errorf("%s: %+v, error %v, want %+v", name, got, err, want)
		}
	}
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	if _, err := Peer(one); !errors.Is(err, ErrUnsupported) {
		t.Errorf("of neither socket nor pipe: error %v", err)
	}
}
