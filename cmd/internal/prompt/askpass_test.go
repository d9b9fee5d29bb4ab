//go:build unix

package prompt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script writes a shell script and returns its path.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// prompter is a Prompter without a terminal, in an environment of its own.
func prompter(env map[string]string) *Prompter {
	return &Prompter{getenv: func(name string) string { return env[name] }, tty: "/dev/null/tty"}
}

func TestAskpassWithoutTerminal(t *testing.T) {
	program := script(t, "echo hunter2")
	tests := []struct {
		name string
		env  map[string]string
		can  bool
	}{
		{"nothing set", map[string]string{}, false},
		{"program without display", map[string]string{"SSH_ASKPASS": program}, false},
		{"X11", map[string]string{"SSH_ASKPASS": program, "DISPLAY": ":0"}, true},
		{"Wayland", map[string]string{"SSH_ASKPASS": program, "WAYLAND_DISPLAY": "w"}, true},
		{"force", map[string]string{"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}, true},
		{"prefer without display", map[string]string{"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "prefer"}, false},
		{"never", map[string]string{"SSH_ASKPASS": program, "DISPLAY": ":0", "SSH_ASKPASS_REQUIRE": "never"}, false},
		{"no such program", map[string]string{"SSH_ASKPASS": program + "-not", "DISPLAY": ":0", "SSH_ASKPASS_REQUIRE": "force"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := prompter(tt.env)
			got, err := p.Secret(t.Context(), "Passphrase: ")
			if p.CanAsk() != tt.can {
				t.Errorf("CanAsk is %v", !tt.can)
			}
			if tt.can && (err != nil || string(got) != "hunter2") || !tt.can && !errors.Is(err, ErrCannotAsk) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestAskpassProgram(t *testing.T) {
	long := strings.Repeat("x", maxAnswer+1)
	tests := []struct {
		name, body string
		want       string
		err        error
	}{
		{"first line", `printf 'one\r\ntwo\n'`, "one", nil},
		{"no line end", `printf one`, "one", nil},
		{"nothing", `:`, "", ErrEmpty},
		{"cancelled", `echo secret; exit 1`, "", ErrNoAnswer},
		{"question is the only argument", `[ $# = 1 ] && [ "$1" = "Key of evil‹!--＆lt;: " ] && echo yes`, "yes", nil},
		{"no hint for a secret", `echo "hint=$SSH_ASKPASS_PROMPT"`, "hint=", nil},
		{"too long", `echo ` + long, "", errors.New("askpass")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := prompter(map[string]string{"SSH_ASKPASS": script(t, tt.body), "SSH_ASKPASS_REQUIRE": "force"})
			got, err := p.Secret(t.Context(), "Key of \x1b]0;root\x07evil<!--&lt;\u202e: ")
			if string(got) != tt.want || (err != nil) != (tt.err != nil) {
				t.Fatalf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
			if sentinel := tt.err; sentinel == ErrEmpty || sentinel == ErrNoAnswer {
				if !errors.Is(err, sentinel) {
					t.Errorf("error %v, want %v", err, sentinel)
				}
			}
		})
	}
}

func TestAskpassConfirm(t *testing.T) {
	for body, want := range map[string]bool{
		`[ "$SSH_ASKPASS_PROMPT" = confirm ] && echo`: true,
		`echo yes`:         true,
		`echo no`:          false,
		`exit 1`:           false,
		`echo yes; exit 1`: false,
	} {
		p := prompter(map[string]string{"SSH_ASKPASS": script(t, body), "SSH_ASKPASS_REQUIRE": "force"})
		if got, err := p.Confirm(t.Context(), "Sure?"); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", body, got, err, want)
		}
	}
}

// TestAskpassApprove: a yes is all that can be said there, and means what the question says.
func TestAskpassApprove(t *testing.T) {
	a := Approval{About: "log in", Ask: "Allow it?", Answers: "(y, 10m, lock, N)", AskPlain: "Allow it until Monday?", Plain: Consent{Yes: true, UntilLocked: true}}
	for body, want := range map[string]Consent{
		`[ "$1" = "$(printf 'log in\nAllow it until Monday? (y/N) ')" ] && [ "$SSH_ASKPASS_PROMPT" = confirm ]`: a.Plain,
		`echo yes`: a.Plain,
		`echo 10m`: {},
		`exit 1`:   {},
	} {
		p := prompter(map[string]string{"SSH_ASKPASS": script(t, body), "SSH_ASKPASS_REQUIRE": "force"})
		if got, err := p.Approve(t.Context(), a); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", body, got, err, want)
		}
	}
	nobody := prompter(map[string]string{"SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "/none"})
	if got, err := nobody.Approve(t.Context(), a); got != (Consent{}) || !errors.Is(err, ErrCannotAsk) {
		t.Errorf("nobody: %v, %v", got, err)
	}
}

// TestAskpassEndsWithContext: the program is ended, even one with a child that
// keeps its output open.
func TestAskpassEndsWithContext(t *testing.T) {
	p := prompter(map[string]string{"SSH_ASKPASS": script(t, "echo hunter2; sleep 60"), "SSH_ASKPASS_REQUIRE": "force"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	got, err := p.Secret(ctx, "?")
	if !errors.Is(err, context.DeadlineExceeded) || got != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}
