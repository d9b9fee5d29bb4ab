package prompt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestSource(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	long := strings.Repeat("x", maxAnswer+1)
	tests := []struct {
		name  string
		src   Source
		stdin string
		want  string
		err   string // part of the error
	}{
		{"file", Source{File: file("a", "hunter2\nmore\n")}, "", "hunter2", ""},
		{"carriage return", Source{File: file("b", "hunter2\r\n")}, "", "hunter2", ""},
		{"only the last one", Source{File: file("c", "hun\rter2\r\r\n")}, "", "hun\rter2\r", ""},
		{"no line end", Source{File: file("d", " hunter2 ")}, "", " hunter2 ", ""},
		{"stdin", Source{File: "-"}, "hunter2\nmore", "hunter2", ""},
		{"just fits", Source{File: file("e", long[1:]+"\r\n")}, "", long[1:], ""},
		{"too long", Source{File: file("f", long)}, "", "", "more than 4096 bytes"},
		{"empty", Source{File: file("g", "\nhunter2\n")}, "", "", ErrEmpty.Error()},
		{"no file", Source{File: filepath.Join(dir, "none")}, "", "", "none"},
	}
	if runtime.GOOS != "windows" {
		tests = append(tests, []struct {
			name  string
			src   Source
			stdin string
			want  string
			err   string
		}{
			{"command", Source{Command: "printf 'hunter2\\r\\nmore'"}, "", "hunter2", ""},
			{"command reads no stdin", Source{Command: "cat; echo hunter2"}, "evil\n", "hunter2", ""},
			{"command fails", Source{Command: "echo hunter2; echo why >&2; exit 3"}, "", "", "exit status 3"},
			{"command says nothing", Source{Command: ":"}, "", "", ErrEmpty.Error()},
		}...)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.src.Flag = "--passphrase-x"
			var stderr bytes.Buffer
			got, err := tt.src.Read(t.Context(), strings.NewReader(tt.stdin), &stderr)
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			switch {
			case tt.err == "" && err != nil, tt.err != "" && err == nil:
				t.Errorf("error %v, want %q", err, tt.err)
			case tt.err != "":
				var own *SourceError
				if !strings.Contains(err.Error(), tt.err) || !strings.HasPrefix(err.Error(), "--passphrase-x: ") {
					t.Errorf("error %q, want %q", err, tt.err)
				}
				if !errors.Is(err, ErrEmpty) && !errors.As(err, &own) {
					t.Errorf("error %T is no SourceError", err)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error %q holds the secret", err)
				}
			}
		})
	}
}

// TestSourceLeavesTheRest: what follows the line on stdin is for somebody else.
func TestSourceLeavesTheRest(t *testing.T) {
	stdin := strings.NewReader("hunter2\nthe rest")
	if _, err := (Source{File: "-"}).Read(t.Context(), stdin, nil); err != nil {
		t.Fatal(err)
	}
	if rest := stdin.Len(); rest != len("the rest") {
		t.Errorf("%d bytes are left", rest)
	}
}

// TestSourceEndsWithContext: Ctrl-C is not to wait for whoever writes the secret.
func TestSourceEndsWithContext(t *testing.T) {
	open, _ := io.Pipe() // nobody will ever write to it
	sources := map[string]Source{"stdin": {File: "-"}}
	if runtime.GOOS != "windows" {
		sources["command"] = Source{Command: "sleep 60; echo hunter2"}
	}
	for name, src := range sources {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := time.Now()
			got, err := src.Read(ctx, open, io.Discard)
			if !errors.Is(err, context.DeadlineExceeded) || got != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
