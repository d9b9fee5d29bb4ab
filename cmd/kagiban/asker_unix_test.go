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
	"time"

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
	return newAsker(prompt.New(func(name string) string { return env[name] }), nil)
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
	if want := "/tmp/git (process 7) wants to use key laptop (SHA256:x) for something that is neither a login nor a file. Its passphrase: "; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	got, err = a.AskPassphrase(t.Context(), agent.Prompt{Key: "laptop", Attempt: 2})
	if want := "that is not the passphrase of key laptop; a program (process ?) wants to use it. Once more: "; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestAskerConfirm: what a yes is asked for, by what the key is wanted for.
func TestAskerConfirm(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	a := askBy(t, `echo "$SSH_ASKPASS_PROMPT: $1" >`+asked)
	here := agent.Prompt{Key: "laptop", Fingerprint: "SHA256:x", Peer: agent.Peer{Program: "/usr/bin/ssh", PID: 7}}
	const who = "/usr/bin/ssh (process 7) wants to use key laptop (SHA256:x) "
	tests := []struct {
		use  agent.Use
		want string
	}{
		{agent.Use{Purpose: agent.UseLogin, User: "me", Server: "vps1", HostKey: "SHA256:h"}, who + `to log in as "me" to vps1`},
		{agent.Use{Purpose: agent.UseLogin, User: "me", HostKey: "SHA256:h"}, who + `to log in as "me" to the server with host key SHA256:h`},
		{agent.Use{Purpose: agent.UseLogin, User: "me"}, who + `to log in as "me" to a server that it does not name`},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, who + `to sign a file (for "git")`},
		{agent.Use{Purpose: agent.UseOther}, who + `for something that is neither a login nor a file`},
		{agent.Use{Purpose: agent.UseFile, Namespace: "\x1b[2Kgit\u202e\n" + strings.Repeat("x", 500)}, who + `to sign a file (for "git ` + strings.Repeat("x", 96) + `...")`},
		{
			agent.Use{Purpose: agent.UseLogin, User: "root", Server: "vps1", Forwarded: true},
			`another computer, through /usr/bin/ssh (process 7) that forwards for it, wants to use key laptop (SHA256:x) to log in as "root" to vps1`,
		},
	}
	for _, tt := range tests {
		here.Use = tt.use
		yes, err := a.Confirm(t.Context(), here)
		text, _ := os.ReadFile(asked)
		if want := "confirm: " + tt.want + ". Allow it? (y/N) \n"; !yes || err != nil || string(text) != want {
			t.Errorf("%v, %v: %q, want %q", yes, err, text, want)
		}
	}
	if _, err := a.AskPassphrase(t.Context(), agent.Prompt{Comment: "me@here", Fingerprint: "SHA256:x", PIN: true, Attempt: 1}); !errors.Is(err, prompt.ErrEmpty) {
		t.Errorf("an empty PIN: %v", err)
	}
	if text, _ := os.ReadFile(asked); string(text) != ": a program (process ?) wants to use key me@here (SHA256:x) for something that is neither a login nor a file. The PIN of its device: \n" {
		t.Errorf("PIN: %q", text)
	}
}

// TestAskerEnds: the agent learns whether a person took the question away, or
// nobody was there.
func TestAskerEnds(t *testing.T) {
	a := askBy(t, "exit 1")
	if _, err := a.AskPassphrase(t.Context(), agent.Prompt{}); !errors.Is(err, agent.ErrCancelled) {
		t.Errorf("cancelled: %v", err)
	}
	if yes, err := a.Confirm(t.Context(), agent.Prompt{}); yes || err != nil {
		t.Errorf("no: %v, %v", yes, err)
	}
	env := map[string]string{"SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "/none"}
	nobody := newAsker(prompt.New(func(name string) string { return env[name] }), nil)
	if _, err := nobody.AskPassphrase(t.Context(), agent.Prompt{}); nobody.CanAsk() || !errors.Is(err, agent.ErrCannotAsk) {
		t.Errorf("nobody: %v", err)
	}
	if yes, err := nobody.Confirm(t.Context(), agent.Prompt{}); yes || !errors.Is(err, agent.ErrCannotAsk) {
		t.Errorf("nobody: %v, %v", yes, err)
	}
	nobody.Notify(t.Context(), agent.Prompt{}) // and returns
}

// TestAskerNotify: a program shows that a device waits, for as long as it does,
// while a question may be asked beside it.
func TestAskerNotify(t *testing.T) {
	shown := filepath.Join(t.TempDir(), "shown")
	a := askBy(t, `[ "$SSH_ASKPASS_PROMPT" = none ] || { echo secret; exit; }; echo "$1" >`+shown+`.new; mv `+shown+`.new `+shown+`; exec sleep 600`)
	ctx, touched := context.WithCancel(t.Context())
	hidden := make(chan struct{})
	go func() {
		defer close(hidden)
		a.Notify(ctx, agent.Prompt{Key: "yubi", Use: agent.Use{Purpose: agent.UseFile, Namespace: "git"}})
	}()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(shown); err == nil {
			if want := "touch your security key: a program (process ?) wants to use key yubi to sign a file (for \"git\")\n"; string(text) != want {
				t.Errorf("%q, want %q", text, want)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal("never shown")
		}
	}
	if got, err := a.AskPassphrase(t.Context(), agent.Prompt{PIN: true}); string(got) != "secret" || err != nil {
		t.Errorf("the PIN beside it: %q, %v", got, err)
	}
	touched()
	<-hidden
}

// TestQuestionEnd: a terminal that went away is nobody there: the next request may
// ask again at once. A person who closed the question is not.
func TestQuestionEnd(t *testing.T) {
	for end, want := range map[error]error{
		prompt.ErrHungUp: agent.ErrCannotAsk, prompt.ErrCannotAsk: agent.ErrCannotAsk,
		prompt.ErrNoAnswer: agent.ErrCancelled, prompt.ErrInterrupted: agent.ErrCancelled,
	} {
		err := questionEnd(end)
		if !errors.Is(err, want) || errors.Is(err, agent.ErrCannotAsk) == errors.Is(err, agent.ErrCancelled) {
			t.Errorf("%v becomes %v", end, err)
		}
	}
}
