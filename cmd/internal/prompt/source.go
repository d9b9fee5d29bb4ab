package prompt

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// Source is a place that the user named for a secret: a file, stdin ("-"), or a
// command. The zero value names none.
type Source struct {
	Flag    string // how the user called it, for errors: --passphrase-file
	File    string // "-" is stdin
	Command string // run by the shell
}

// SourceError says why a secret could not be read from a Source. It never holds
// what was read.
type SourceError struct {
	Flag string
	Err  error
}

func (e *SourceError) Error() string { return fmt.Sprintf("%s: %v", e.Flag, e.Err) }

// Unwrap gives the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// Given tells whether a place was named.
func (s Source) Given() bool { return s.File != "" || s.Command != "" }

// Stdin tells whether the secret is to come from stdin.
func (s Source) Stdin() bool { return s.File == "-" }

// Read returns the first line without its line end. Empty is ErrEmpty, all else
// that goes wrong a *SourceError. The command's own messages go to stderr.
func (s Source) Read(ctx context.Context, stdin io.Reader, stderr io.Writer) ([]byte, error) {
	data, err := s.read(ctx, stdin, stderr)
	if ctx.Err() != nil {
		clear(data)
		return nil, ctx.Err()
	}
	if err == nil {
		data, err = firstLine(data)
	}
	if err != nil {
		clear(data)
		return nil, &SourceError{Flag: s.Flag, Err: err}
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%s: %w", s.Flag, ErrEmpty)
	}
	return data, nil
}

func (s Source) read(ctx context.Context, stdin io.Reader, stderr io.Writer) ([]byte, error) {
	switch {
	case s.Command != "":
		cmd := shell(ctx, s.Command)
		cmd.Stderr = stderr
		return output(cmd)
	case s.Stdin():
		return head(stdin)
	}
	f, err := os.Open(s.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return head(f)
}

// head reads up to the end of the first line, byte by byte: what follows on
// stdin may belong to somebody else.
func head(r io.Reader) ([]byte, error) {
	data := make([]byte, 0, maxAnswer+2)
	for len(data) < cap(data) {
		n, err := r.Read(data[len(data) : len(data)+1])
		data = data[:len(data)+n]
		if n == 1 && data[len(data)-1] == '\n' || err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// shell runs a command line as the user's shell would.
func shell(ctx context.Context, line string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd", "/c", line)
	}
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}
