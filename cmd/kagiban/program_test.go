package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

// TestEnd: one way out, with the exit code of the message.
func TestEnd(t *testing.T) {
	tests := []struct {
		err    error
		code   int
		stderr string
	}{
		{nil, 0, ""},
		{exitStatus(4), 4, ""},
		{fmt.Errorf("two: %w", exitStatus(6)), 6, ""},
		{errors.New("no route to host"), 1, "kagiban: no route to host\n"},
		{context.Canceled, 130, "kagiban: interrupted\n"},
		{say.Fail(say.BadShell, nil, "shell", "x"), 2, "kagiban: no shell \"x\""},
	}
	for _, tt := range tests {
		var stderr bytes.Buffer
		p := &program{stderr: &stderr, log: slog.New(slog.DiscardHandler)}
		if code := p.end(tt.err); code != tt.code || !strings.HasPrefix(stderr.String(), tt.stderr) || tt.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%v: %d, %q; want %d, %q", tt.err, code, stderr.String(), tt.code, tt.stderr)
		}
	}
}

// TestPanic: people see a sentence, and the trace only with -v.
func TestPanic(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var stderr bytes.Buffer
		level := new(slog.LevelVar)
		level.Set(slog.LevelWarn)
		p := &program{
			stdout: new(bytes.Buffer), stderr: &stderr, verbose: level,
			log: slog.New(slog.NewTextHandler(&stderr, &slog.HandlerOptions{Level: level})),
		}
		boom := &cli.Command{Name: "boom", Action: func(c *cli.Context) error { return errors.New(c.String("no-such-flag")) }}
		args := []string{"kagiban", "boom"}
		if verbose {
			args = append(args, "-v")
		}
		code := p.end(p.guard(context.Background(), newApp(p, []*cli.Command{boom}), args))
		text := stderr.String()
		if code != 1 || !strings.Contains(text, `inside kagiban: command "boom" has no flag "no-such-flag"`) {
			t.Errorf("%d, %q", code, text)
		}
		if strings.Contains(text, "goroutine") != verbose {
			t.Errorf("with -v=%v the text is %q", verbose, text)
		}
	}
}
