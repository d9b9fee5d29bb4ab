//go:build unix

package hostsetup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

func by(command string) Target {
	return Target{Name: "vps1", Address: "192.0.2.1", Port: 22, KnownAs: "vps1", Way: &Way{Words: shellWords("", command)}}
}

// TestProgramEndsWithItsConnection: also one that does not listen when it is asked to, and one that has a child at its pipes.
func TestProgramEndsWithItsConnection(t *testing.T) {
	for _, script := range []string{"exec cat", "trap : TERM; cat; while :; do sleep 1; done", "sleep 60 & cat; wait"} {
		file := filepath.Join(t.TempDir(), "pid")
		c, err := through(context.Background(), by("sh -c 'echo $$ >"+file+"; "+script+"'"))
		if err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 5)
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Errorf("%s: %v", script, err)
		}
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "hello" {
			t.Errorf("%s: %q, %v", script, answer, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", script, err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s: process %d after the end: %v", script, pid, err)
		}
	}
}

// TestTerminalsSignals are for us: what we take back after a Ctrl-C may need the connection.
func TestTerminalsSignals(t *testing.T) {
	c, err := through(context.Background(), by("sh -c 'kill -INT $$; kill -HUP $$; exec cat'"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("it was ended by a signal: %v", err)
	}
}

// TestWhatTheWaySays: the cause, whatever else is said after it; and never control characters.
func TestWhatTheWaySays(t *testing.T) {
	for _, s := range []struct {
		script, says string
		hungUp       bool
	}{
		{"echo one >&2; echo two >&2; exit 255", "by way of its ProxyCommand: two", false},
		{"echo channel 0: open failed >&2; echo stdio forwarding failed >&2; exit 1", "channel 0: open failed", false},
		{"echo Connection closed by UNKNOWN port 65535 >&2; exit 255", "Connection closed by UNKNOWN port 65535", false},
		{`printf "\033[2Jbad\007\n\n" >&2; exit 1`, ": [2Jbad", false},
		{"exec /nonexistent/program", "/nonexistent/program: not found", false},
		{"kill -9 $$", "signal: killed", false},
		{"echo welcome to the gate >&2", "no answer from", true},
		{"echo no ssh here; exec sleep 60", "nothing came through (it said nothing)", false},
		{"echo waiting >&2; exec sleep 60", "nothing came through (it said: waiting)", false},
		{"yes noise | head -c 1000000 >&2; echo >&2; echo the end >&2; exit 1", ": the end", false},
	} {
		target := by("sh -c '" + s.script + "'")
		target.Patience = time.Second
		id, err := newIdentity(target, HostKeyPolicy{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = (&dialer{target: target, identity: id}).open(context.Background(), auth{user: "me"})
		var lost *UnreachableError
		if !errors.As(err, &lost) || !strings.Contains(err.Error(), s.says) || lost.HungUp != s.hungUp || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v, %+v", s.script, err, lost)
		}
	}
}

// TestEndOfARun: a person who gives up does not wait for the way.
func TestEndOfARun(t *testing.T) {
	target := by("sleep 60")
	id, err := newIdentity(target, HostKeyPolicy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, _, err := (&dialer{target: target, identity: id}).open(ctx, auth{user: "me"})
		ended <- err
	}()
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestKnownByItsOwnName: known_hosts is asked for the server, not for what stands on the way.
func TestKnownByItsOwnName(t *testing.T) {
	target := by("cat")
	key := ground.Signer(t).PublicKey()
	target.KnownHosts = []string{filepath.Join(t.TempDir(), "known_hosts")}
	if err := os.WriteFile(target.KnownHosts[0], []byte("vps1 "+string(ssh.MarshalAuthorizedKey(key))), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := through(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := newIdentity(target, HostKeyPolicy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.check(context.Background(), c.RemoteAddr(), key); err != nil {
		t.Errorf("its key: %v", err)
	}
	var changed *HostKeyError
	if err := id.check(context.Background(), c.RemoteAddr(), ground.Signer(t).PublicKey()); !errors.As(err, &changed) {
		t.Errorf("another key: %v", err)
	}
}
