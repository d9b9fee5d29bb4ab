package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/hostsetup"
	"kagiban/scripts/ground"
)

// TestAllIsNotForOthersLogins: "all" answers the plans that follow, and not that other people lose their login.
func TestAllIsNotForOthersLogins(t *testing.T) {
	p := &program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), ask: prompt.NewAskpass(func(string) string { return "" })} // nobody can be asked
	a := &person{p: p, host: "web1", floor: newFloor()}
	a.floor.many, a.floor.all = true, true
	if err := a.Approve(t.Context(), hostsetup.Plan{DropIn: true}); err != nil {
		t.Errorf("a plan after \"all\": %v", err)
	}
	if err := a.Approve(t.Context(), hostsetup.Plan{DropIn: true, Others: []hostsetup.Other{{Name: "bob", Why: "a password and no key"}}}); !errors.Is(err, prompt.ErrCannotAsk) {
		t.Errorf("a plan by which bob loses his login: %v", err)
	}
}

// TestHostKeyTyped: the fingerprint that is asked about is a yes, as in ssh; another is a no that says so, even after a y.
func TestHostKeyTyped(t *testing.T) {
	ground.NotWindows(t, "an askpass program that is a shell's script")
	key, another := ground.Signer(t).PublicKey(), ssh.FingerprintSHA256(ground.Signer(t).PublicKey())
	same := ssh.FingerprintSHA256(key)
	for typed, want := range map[string]string{
		"y": "", "yes": "", same: "", "256 " + same + " root@vps (ED25519)": "",
		"n": "is not known", "256": "is not known", another: "not " + another, "y " + another: "not " + another, same[:20]: "not " + same[:20],
	} {
		asked := filepath.Join(t.TempDir(), "asked")
		script := filepath.Join(t.TempDir(), "askpass")
		if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$1\" >"+asked+"\necho '"+typed+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		ask := prompt.NewAskpass(func(name string) string {
			return map[string]string{"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force"}[name]
		})
		err := (&person{p: &program{ask: ask}, floor: newFloor()}).AcceptHostKey(t.Context(), "vps", key)
		if said := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.Contains(said, want) {
			t.Errorf("%q: %v", typed, err)
		}
		if question, err := os.ReadFile(asked); err != nil || !strings.Contains(string(question), same) || !strings.Contains(string(question), "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub") {
			t.Errorf("the question was %q, %v", question, err)
		}
	}
}

// TestSamePassword: until one host has taken a password no other is shown it, and who refuses it afterwards is asked about alone.
func TestSamePassword(t *testing.T) {
	s := newSamePassword()
	shown := func(host string, attempt int, answer string) string {
		t.Helper()
		got, err := s.secret(t.Context(), host, attempt, func(int) ([]byte, error) { return []byte(answer), nil })
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	if got := shown("web1", 1, "mistyped"); got != "mistyped" {
		t.Errorf("the first host is shown %q", got)
	}
	var others sync.WaitGroup
	for _, host := range []string{"web2", "web3"} {
		others.Go(func() {
			got, err := s.secret(context.Background(), host, 1, func(int) ([]byte, error) { return []byte("asked for " + host), nil })
			if err != nil || string(got) != "right" {
				t.Errorf("%s is shown %q, %v", host, got, err)
			}
		})
	}
	s.heard("web1", hostsetup.Step{Name: "host-key", OK: true}) // that proves nothing
	if got := shown("web1", 2, "right"); got != "right" {
		t.Errorf("the first host is shown %q", got)
	}
	s.heard("web1", hostsetup.Step{Name: "login", OK: true})
	others.Wait()
	if got := shown("web2", 2, "another"); got != "another" {
		t.Errorf("a host that refused it is shown %q", got)
	}
	if got := shown("web4", 1, ""); got != "right" {
		t.Errorf("the next host is shown %q", got)
	}
	s.over("web4")

	s = newSamePassword() // the first host never came to take it
	shown("web1", 1, "lost")
	s.over("web1")
	if got := shown("web2", 1, "new"); got != "new" {
		t.Errorf("after a host that did not take it, the next is shown %q", got)
	}
}
