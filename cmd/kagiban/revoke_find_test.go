package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/hostsetup"
	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
)

func TestIsFile(t *testing.T) {
	for asked, want := range map[string]bool{"laptop": false, "SHA256:bG7QpLUzkJeOoQY73JjuNV90zr6n/LL9nDn4+yjVn8I": false, "laptop.pub": true, "./laptop": true, `C:\keys\id`: true} {
		if got := isFile(asked); got != want {
			t.Errorf("%s: %v", asked, got)
		}
	}
}

// TestSuspects: whose word counts. What others write behind a key never says which one is meant, and however many they are, it takes no time.
func TestSuspects(t *testing.T) {
	key := func(n int) ssh.PublicKey {
		k, _, _, _, err := ssh.ParseAuthorizedKey([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA" + fmt.Sprintf("%042d", n)))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	found := func(account string, n int, name string) hostsetup.FoundKey {
		return hostsetup.FoundKey{Account: account, Line: authkeys.Line{Key: key(n), Comment: name}}
	}
	page := book.Host{Name: "vps", User: "owner"}
	print := ssh.FingerprintSHA256(key(2))
	for _, c := range []struct {
		name, asked string
		keys        []hostsetup.FoundKey
		want        string // of each: its names
	}{
		{"the login's own", "laptop", []hostsetup.FoundKey{found("owner", 1, "me@laptop"), found("owner", 2, "desk")}, "me@laptop"},
		{"another's", "laptop", []hostsetup.FoundKey{found("bob", 1, "laptop")}, ""},
		{"another's word for another key", "laptop", []hostsetup.FoundKey{found("bob", 2, "laptop"), found("owner", 2, "recovery"), found("owner", 1, "me@laptop")}, "me@laptop"},
		{"two of the login's own, one of them to the letter", "laptop", []hostsetup.FoundKey{found("owner", 1, "laptop"), found("owner", 2, "me@laptop")}, "laptop; me@laptop"},
		{"under all its names", "laptop", []hostsetup.FoundKey{found("owner", 1, "laptop"), found("bob", 1, "recovery")}, "laptop+recovery"},
		{"a fingerprint, wherever", print, []hostsetup.FoundKey{found("bob", 2, "laptop"), found("owner", 1, "laptop")}, "laptop"},
	} {
		var s suspects
		r := &revoking{asked: c.asked}
		if err := r.suspect(context.Background(), &s, page, c.keys); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, x := range s.counting() {
			names = append(names, strings.Join(x.names, "+"))
		}
		if got := strings.Join(names, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}

	var many []hostsetup.FoundKey
	for n := range 40000 {
		many = append(many, found("bob", n, "laptop"))
	}
	var s suspects
	r := &revoking{asked: "laptop"}
	begun := time.Now()
	if err := r.suspect(context.Background(), &s, page, append(many, found("owner", 50000, "laptop"))); err != nil || len(s.counting()) != 1 || len(s.all) > mostSuspects+1 {
		t.Errorf("%v, %d", err, len(s.all))
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	if err := r.suspect(over, &s, page, many); err != context.Canceled {
		t.Errorf("after the end: %v", err)
	}
}

// TestAllIsNotForLastKeys: "all" answers the plans that follow, and neither that other people lose their only key nor what is owed of another key.
func TestAllIsNotForLastKeys(t *testing.T) {
	p := &program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), ask: prompt.NewAskpass(func(string) string { return "" })} // nobody can be asked
	r := &revoking{visits: &visits{p: p, floor: newFloor()}}
	r.floor.many, r.floor.all = true, true
	for _, c := range []struct {
		name string
		plan hostsetup.Revocation
		owed []book.Owed
		want error
	}{
		{"a plan", hostsetup.Revocation{}, nil, nil},
		{"bob's last key", hostsetup.Revocation{Losing: []hostsetup.Other{{Name: "bob", Why: "it has no other key"}}}, nil, prompt.ErrCannotAsk},
		{"another key", hostsetup.Revocation{}, []book.Owed{{Host: "vps"}}, prompt.ErrCannotAsk},
	} {
		if err := r.approve(t.Context(), "vps", c.plan, c.owed); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
