//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kagiban/agent"
	"kagiban/cmd/internal/prompt"
)

// askBy is an asker whose askpass program is a script.
func askBy(t *testing.T, script string) *asker {
	t.Helper()
	path := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SSH_ASKPASS": path, "SSH_ASKPASS_REQUIRE": "force"}
	return newAsker(prompt.New(func(name string) string { return env[name] }))
}

// TestAskerOneAtATime: two keys are wanted at once, and a person sees one question.
func TestAskerOneAtATime(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	a := askBy(t, "echo begin >>"+log+"; sleep 0.1; echo end >>"+log+"; echo secret")
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() {
			if got, err := a.AskPassphrase(t.Context(), agent.Prompt{Key: "laptop"}); err != nil || string(got) != "secret" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	asking.Wait()
	text, err := os.ReadFile(log)
	if want := strings.Repeat("begin\nend\n", 3); err != nil || string(text) != want {
		t.Errorf("%v: %q", err, text)
	}
}

// TestAskerTurnEnds: who waits for a turn and gives up, gets none.
func TestAskerTurnEnds(t *testing.T) {
	a := askBy(t, "echo secret")
	a.turn <- struct{}{} // somebody's question is open
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := a.AskPassphrase(ctx, agent.Prompt{}); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", got, err)
	}
	<-a.turn
	if got, err := a.AskPassphrase(t.Context(), agent.Prompt{}); string(got) != "secret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAskerQuestion: what the person is told, with nothing in it that could move
// a cursor.
func TestAskerQuestion(t *testing.T) {
	a := askBy(t, `echo "$1"`)
	got, err := a.AskPassphrase(t.Context(), agent.Prompt{
		Key: "laptop", Fingerprint: "SHA256:x", Peer: agent.Peer{Program: "/tmp/\x1b[2Jgit\u202e", PID: 7}, Attempt: 1,
	})
	if want := "/tmp/git (process 7) wants to use key laptop (SHA256:x). Its passphrase: "; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	got, err = a.AskPassphrase(t.Context(), agent.Prompt{Key: "laptop", Attempt: 2})
	if want := "that is not the passphrase of key laptop; a program (process ?) wants to use it. Once more: "; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
