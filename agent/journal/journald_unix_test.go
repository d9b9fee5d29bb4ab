//go:build unix

package journal

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// standIn listens where journald would.
func standIn(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// told is the next datagram.
func told(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 64<<10)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// TestJournald: it gets the very lines that the files get, each as one message; and when it is not there, or does not
// keep up, nobody waits for it, and it is said.
func TestJournald(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	daemon := standIn(t, path)
	j := newJournal(t, Options{Journald: path})
	hostile := sample("one")
	hostile.User = "x\nPRIORITY=0\nMESSAGE=forged"
	j.Record(hostile)
	file, err := os.ReadFile(j.files.path(1))
	if err != nil {
		t.Fatal(err)
	}
	if got := told(t, daemon); got != "SYSLOG_IDENTIFIER=kagiban-log\nPRIORITY=6\nMESSAGE="+string(file) || strings.Count(got, "\n") != 3 {
		t.Errorf("told %q", got)
	}

	daemon.Close()
	os.Remove(path)
	j.Record(sample("two"))
	missed := j.Missed()
	if len(missed) != 1 || missed[0].Where != inJournald || missed[0].Count != 1 {
		t.Errorf("missed %+v", missed)
	}
	daemon = standIn(t, path) // it began anew
	j.Record(sample("three"))
	if got := told(t, daemon); !strings.Contains(got, `"key":"three"`) {
		t.Errorf("told %q", got)
	}

	const many = 5000 // more than any socket holds
	for range many {
		j.Record(sample("fast"))
	}
	if missed = j.Missed(); len(missed) != 1 || missed[0].Count < many/2 || !strings.Contains(missed[0].Why, "keep up") {
		t.Errorf("missed %+v", missed)
	}
	for range 3 {
		told(t, daemon)
	}
	before := missed[0].Count
	j.Record(sample("again"))
	if missed = j.Missed(); missed[0].Count != before {
		t.Errorf("there is room, and %+v", missed)
	}
	if file, err := os.ReadFile(j.files.path(1)); err != nil || bytes.Count(file, []byte("\n")) != many+4 {
		t.Errorf("the file has %d lines, %v", bytes.Count(file, []byte("\n")), err)
	}
}
