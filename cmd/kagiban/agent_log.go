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
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the agent's log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("the agent's log: %w", err)
	}
	return &logFile{path, f, info.Size()}, nil
}

// Write appends a line, and puts the others aside first if they would grow too long.
// A log that cannot be put aside goes on growing: better than none.
func (l *logFile) Write(line []byte) (int, error) {
	if l.size > 0 && l.size+int64(len(line)) > maxLog && l.putAside() == nil {
		l.size = 0
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

// putAside copies the log and empties it where it is. It is not renamed: an agent in the background has it as its stderr as well, and
// Windows moves no file that is open.
func (l *logFile) putAside() error {
	text, err := os.ReadFile(l.path)
	if err == nil {
		err = os.WriteFile(l.path+".1", text, 0o600)
	}
	if err == nil {
		err = os.Truncate(l.path, 0)
	}
	return err
}

func (l *logFile) Close() error { return l.file.Close() }

// logTail is what a log has got since it was from bytes long, or was put aside: its last
// lines, in one. It is for a message about an agent that did not begin.
func logTail(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() < from {
		from = 0
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, maxLog))
	if err != nil {
		return ""
	}
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "; ")
}
