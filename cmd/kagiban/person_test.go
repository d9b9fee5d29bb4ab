package main

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"kagiban/cmd/internal/prompt"
	"kagiban/hostsetup"
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
