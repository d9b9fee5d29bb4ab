package prompt

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// Source is a place that the user named for a secret: a file, stdin ("-"), or a
// command. The zero value names none.
type Source struct {
	Flag    string // how the user called it, for errors: --passphrase-file
	File    string // "-" is stdin
	Command string // run by the shell; on Windows by cmd.exe
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
		cmd.WaitDelay = time.Second // when its context ends, so does the shell, and nobody waits for what it has started
		cmd.Stderr = stderr
		return output(cmd)
	case s.Stdin():
		return await(ctx, func() ([]byte, error) { return head(stdin) })
	}
	return await(ctx, func() ([]byte, error) { // a named pipe may wait for its writer
		f, err := os.Open(s.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return head(f)
	})
}

// await runs read, and leaves it alone when ctx ends: a read cannot be called
// back, and the person who pressed Ctrl-C is not to wait for it.
func await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := read()
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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
