package main

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"kagiban/agent"
	"kagiban/hostsetup/book"
	"kagiban/scripts/ground"
)

func TestGuesses(t *testing.T) {
	for words, want := range map[string]string{
		"ssh a.example.com":               "ssh a.example.com",
		"ssh -l me -p 2222 a true":        "ssh [ssh]:2222 me [me]:2222 a [a]:2222 true [true]:2222",
		"ssh -p2222 me@a":                 "ssh [ssh]:2222 a [a]:2222",
		"ssh -oPort=2222 me@a":            "ssh [ssh]:2222 a [a]:2222",
		"ssh -o Port=2222 me@a":           "ssh [ssh]:2222 a [a]:2222",
		"ssh ssh://me@a:2222/":            "ssh [ssh]:2222 a [a]:2222 a [a]:2222",
		"ssh -W [::1]:22 a":               "ssh [ssh]:22 ::1 [::1]:22 a [a]:22",
		"ssh git@a git-upload-pack 'b/c'": "ssh a git-upload-pack 'b",
		"":                                "",
	} {
		got := guesses(strings.Fields(words))
		for _, name := range strings.Fields(want) {
			if !slices.Contains(got, name) {
				t.Errorf("%s: %q, without %s", words, got, name)
			}
		}
	}
	many := guesses(strings.Fields(strings.Repeat("x ", 1e5) + strings.Join(slices.Repeat([]string{"1 2 3 4 5 6 7 8 9 10 11 12"}, 1000), " ")))
	if len(many) > maxGuesses*(maxGuessedPorts+1) {
		t.Errorf("%d guesses", len(many))
	}
}

// TestHiddenNames: a name that known_hosts hides is told where ssh was told it, and no other is.
func TestHiddenNames(t *testing.T) {
	folder, server, other, third, revoked := t.TempDir(), ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t)
	s := &serverNames{home: folder, now: func() time.Time { return time.Now().Add(time.Hour) }, log: slog.New(slog.DiscardHandler)}
	lay(t, filepath.Join(folder, ".ssh", "known_hosts"), xknownhosts.HashHostname("[a.example.com]:2222")+" "+lineOf(server)+xknownhosts.HashHostname("b.example.com")+" "+lineOf(other)+
		xknownhosts.HashHostname("c.example.com")+" "+lineOf(third)+xknownhosts.HashHostname("b.example.com")+" "+lineOf(revoked)+"@revoked * "+lineOf(revoked))
	lay(t, filepath.Join(folder, ".ssh", "config"), "Host b\n\tHostName b.example.com\nHost c.example.com *.org\n")
	if got := s.Name(other.PublicKey(), agent.Peer{}); got != "b.example.com" {
		t.Errorf("the configuration has it: %q", got)
	}
	if got := s.Name(third.PublicKey(), agent.Peer{}); got != "c.example.com" {
		t.Errorf("a line Host has it: %q", got)
	}
	if got := s.Name(server.PublicKey(), agent.Peer{}); got != "" {
		t.Errorf("nobody has it: %q", got)
	}
	if got := s.Name(revoked.PublicKey(), agent.Peer{}); got != "" {
		t.Errorf("revoked: %q", got)
	}
	for what, text := range map[string]string{
		"a page of the book": "[[host]]\nname = 'a'\nknown_as = '[a.example.com]:2222'\n",
		"a tie":              "[[tie]]\nkey = 'desk'\nhost = 'a'\nknown_as = '[a.example.com]:2222'\n",
		"a tie by hand":      "[[tie]]\nkey = 'desk'\nhost = 'a.example.com:2222'\n",
	} {
		tied := &serverNames{book: book.Book{Path: filepath.Join(folder, "hosts.toml")}, home: folder, now: s.now, log: s.log}
		lay(t, tied.book.Path, "schema = 1\n"+text)
		if got := tied.Name(server.PublicKey(), agent.Peer{}); got != "[a.example.com]:2222" {
			t.Errorf("%s has it: %q", what, got)
		}
		if got := tied.Name(revoked.PublicKey(), agent.Peer{}); got != "" {
			t.Errorf("revoked: %q", got)
		}
	}
	if runtime.GOOS != "linux" {
		return // no system else says what a program was told
	}
	told := func(words ...string) int {
		cmd := exec.Command("sh", append([]string{"-c", "read x", "ssh"}, words...)...)
		ground.Stay(t, cmd)
		return cmd.Process.Pid
	}
	if got := s.Name(server.PublicKey(), agent.Peer{PID: told("-p", "2222", "me@A.example.com")}); got != "A.example.com" && got != "[A.example.com]:2222" {
		t.Errorf("ssh was told: %q", got)
	}
	s.told = nil
	for _, words := range [][]string{{"me@a.example.com"}, {"-p", "2222", "me@c.example.com"}, {}} {
		if got := s.Name(server.PublicKey(), agent.Peer{PID: told(words...)}); got != "" {
			t.Errorf("ssh was told %q: %q", words, got)
		}
	}
}
