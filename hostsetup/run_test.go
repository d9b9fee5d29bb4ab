package hostsetup

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/remote"
	"kagiban/scripts/ground"
)

// endsInTime checks that a command on c waits no longer than its context.
func endsInTime(t *testing.T, c *conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := c.start(ctx, "true", false, &talk{})
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for ever")
	}
}

// TestSilentServer: a server that does not answer any more, as behind a link that was cut, holds nobody up for longer than their context.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(ground.Signer(t))
	go func() {
		if there, err := l.Accept(); err == nil {
			_, _, _, _ = ssh.NewServerConn(there, config) // and then not a word: nobody takes its channels
		}
	}()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	sc, channels, requests, err := ssh.NewClientConn(here, "silent", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{Client: ssh.NewClient(sc, channels, requests), dialer: &dialer{}}
	endsInTime(t, c)
}

// An endless connection never answers that a channel is open, and closing it does not help.
type endless struct {
	ssh.Conn
	held chan struct{}
}

func (c endless) OpenChannel(string, []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	<-c.held
	return nil, nil, net.ErrClosed
}
func (endless) Close() error          { return nil }
func (endless) ServerVersion() []byte { return nil }

// TestLinkGoneMeanwhile: where the link ends while a channel is opened, the library may never say so. A stand-in for it: what the library does is
// a matter of microseconds.
func TestLinkGoneMeanwhile(t *testing.T) {
	held := make(chan struct{})
	defer close(held)
	c := &conn{Client: &ssh.Client{Conn: endless{held: held}}, dialer: &dialer{}}
	endsInTime(t, c)
}

// TestTurns: one shell runs several verbs, and what one of them does to itself is over with it.
func TestTurns(t *testing.T) {
	ground.NotWindows(t, "the server's half, which is for sh")
	for _, shell := range [][]string{{"dash", "-s"}, {"busybox", "sh", "-s"}, {"sh", "-s"}} {
		if _, err := exec.LookPath(shell[0]); err != nil {
			continue
		}
		cmd := exec.Command(shell[0], shell[1:]...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p := &process{in: in, out: bufio.NewReader(out), talk: &talk{}, ctx: t.Context()}
		for range 3 {
			for _, v := range []remote.Verb{remote.Who, remote.Look, remote.Takeback} { // the last one changes its folder and its trap
				a, err := p.turn(t.Context(), v, "nothing", "", "-", "-")
				if err != nil {
					t.Fatalf("%v: %v: %v", shell, v, err)
				}
				if v == remote.Who && (a.Get("user") == "" || len(a.All("user")) != 1) {
					t.Errorf("%v: %v", shell, a)
				}
			}
		}
		p.finish()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", shell, err)
		}
	}
}

// TestLongAnswer: an answer over the limit says so: it does not look like a link that broke.
func TestLongAnswer(t *testing.T) {
	var failure *Failure
	if _, err := (&process{}).answer(remote.Who, "ab", make([]byte, answerLimit)); !errors.As(err, &failure) || failure.What != "answer" || errors.Is(err, ErrCutOff) {
		t.Error(err)
	}
}
