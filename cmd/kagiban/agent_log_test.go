package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLogIsBounded: the log is put aside once it is long, while the agent runs, and
// no line is lost at that moment. Its stderr, which is the same file, stays there.
func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.log")
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { l.Close() }()
	stderr, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	line := strings.Repeat("x", 99) + "\n"
	const lines = 3 * maxLog / 100
	for n := range lines {
		if n == lines/2 { // an agent that begins anew goes on where it was
			l.Close()
			if l, err = openLog(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	total := int64(0)
	for _, name := range []string{path, path + ".1"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > maxLog || info.Size()%100 != 0 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes, %v", name, info.Size(), info.Mode())
		}
		total += info.Size()
	}
	if total <= maxLog {
		t.Errorf("only %d bytes are kept", total)
	}
	if _, err := stderr.WriteString("panic: seen\n"); err != nil || !strings.HasSuffix(logTail(path, 0), "panic: seen") {
		t.Errorf("what is said on stderr is not in the log: %v", err)
	}
}

func TestLogTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.log")
	if got := logTail(path, 0); got != "" {
		t.Errorf("no file: %q", got)
	}
	if err := os.WriteFile(path, []byte("of another time\n1\n2\n3\n4\n5\n6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := logTail(path, 16); got != "2; 3; 4; 5; 6" {
		t.Errorf("%q", got)
	}
	if got := logTail(path, maxLog); got != "2; 3; 4; 5; 6" {
		t.Errorf("put aside since: %q", got)
	}
}
