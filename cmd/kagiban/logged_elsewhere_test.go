package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/journal"
	"kagiban/hostsetup/book"
	"kagiban/scripts/ground"
)

// TestLoggedElsewhere: the last login of that key to each server that the book does not know, and nothing else that the log has.
func TestLoggedElsewhere(t *testing.T) {
	home := t.TempDir()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)
	p := &program{getenv: func(name string) string { return map[string]string{"KAGIBAN_HOME": home}[name] }, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	key, other, known, git, old := ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t)
	print := func(s ssh.Signer) string { return ssh.FingerprintSHA256(s.PublicKey()) }
	if got := p.loggedElsewhere(key.PublicKey(), nil); got != nil {
		t.Errorf("without a log: %v", got)
	}
	j := journal.New(journal.Options{Dir: filepath.Join(home, "log", "uses")})
	defer j.Close()
	at := now.Add(-10 * time.Minute)
	record := func(by ssh.Signer, change func(*journal.Entry)) {
		e := journal.Entry{Time: at, Request: "sign", Decision: "allowed", Fingerprint: print(by), Purpose: "login", User: "git", Host: "git.example.com", HostKey: print(git)}
		at = at.Add(time.Minute)
		change(&e)
		j.Record(e)
	}
	record(key, func(e *journal.Entry) { e.User = "first" })
	record(key, func(e *journal.Entry) {
		e.HostKey, e.Host, e.Decision, e.User = print(old), "", "asked", "me\x1b[2J\", x"
	})
	record(key, func(e *journal.Entry) {})
	record(other, func(e *journal.Entry) { e.HostKey = "SHA256:others" })
	record(key, func(e *journal.Entry) { e.HostKey, e.Decision = "SHA256:refused", "refused" })
	record(key, func(e *journal.Entry) { e.HostKey, e.Purpose = "SHA256:file", "file" })
	record(key, func(e *journal.Entry) { e.HostKey = "" })
	record(key, func(e *journal.Entry) { e.HostKey, e.Host = print(known), "" })
	record(key, func(e *journal.Entry) { e.HostKey, e.Host = "SHA256:certificate", "vps1 (vps1.example.com)" })
	hosts := []book.Host{{Name: "vps1", HostKeys: []string{"no line", strings.TrimSpace(lineOf(known))}}}
	got := p.loggedElsewhere(key.PublicKey(), hosts)
	if len(got) != 2 || got[0]["server"] != print(old) || got[0]["user"] != "me', x" || got[1]["server"] != "git.example.com" || got[1]["user"] != "git" || got[1]["time"] != "11:52" {
		t.Errorf("%v", got)
	}
}
