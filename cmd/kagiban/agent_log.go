package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxLog is how long the agent's log grows before it is put aside as agent.log.1,
// in place of the one before it.
const maxLog = 1 << 20

// logFile is the agent's log, of bounded length and readable by the user alone.
// It is used by one handler, which writes whole lines and one at a time.
type logFile struct {
	path string
	file *os.File
	size int64
}

func openLog(path string) (*logFile, error) {
	l := &logFile{path: path}
	return l, l.open()
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the agent's log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("the agent's log: %w", err)
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends a line, and begins a new file first if this one would grow too long.
// A log that cannot be put aside goes on growing: better than none.
func (l *logFile) Write(line []byte) (int, error) {
	if l.size > 0 && l.size+int64(len(line)) > maxLog {
		l.file.Close() // first: Windows moves no file that is open
		_ = os.Rename(l.path, l.path+".1")
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

func (l *logFile) Close() error { return l.file.Close() }

// logTail is what a log has got since it was from bytes long: its last lines, in
// one. It is for a message about an agent that did not begin.
func logTail(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, from, maxLog))
	if err != nil {
		return ""
	}
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "; ")
}
