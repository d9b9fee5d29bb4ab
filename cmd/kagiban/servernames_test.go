package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"kagiban/agent"
	"kagiban/hostsetup/book"
	"kagiban/scripts/ground"
)

func lineOf(s ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(s.PublicKey())) }

func lay(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestServerNames: by the book, by known_hosts wherever ssh's configuration has it, by an authority; nothing that a name cannot be proved for.
func TestServerNames(t *testing.T) {
	folder := t.TempDir()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &serverNames{book: book.Book{Path: filepath.Join(folder, "hosts.toml")}, home: folder, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	both, aliasOnly, nameOnly, elsewhere, hashed, revoked, copied := ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t), ground.Signer(t)
	authority, badAuthority, certified := ground.Signer(t), ground.Signer(t), ground.Signer(t)
	lay(t, s.book.Path, "schema = 1\n[[host]]\nname = 'vps1'\nhost_keys = ['"+strings.TrimSpace(lineOf(both))+"', '"+strings.TrimSpace(lineOf(revoked))+"']\n"+
		"[[host]]\nname = 'vps2'\nhost_keys = ['"+strings.TrimSpace(lineOf(aliasOnly))+"']\n")
	lay(t, filepath.Join(folder, ".ssh", "config"), "# Include nothing\nInclude conf.d/*\n  UserKnownHostsFile=\"~/my hosts\" "+filepath.Join(folder, "second")+"\n")
	lay(t, filepath.Join(folder, ".ssh", "conf.d", "a"), "Host x\n\tGlobalKnownHostsFile "+filepath.Join(folder, "third")+"\n")
	lay(t, filepath.Join(folder, "my hosts"), "vps1.example.com,192.0.2.7 "+lineOf(both)+"@cert-authority *.example.com,!x.example.com "+lineOf(authority)+
		"@cert-authority * "+lineOf(badAuthority)+"@revoked * "+lineOf(badAuthority))
	lay(t, filepath.Join(folder, "second"), "[git.example.com]:2222 "+lineOf(nameOnly)+xknownhosts.HashHostname("hidden")+" "+lineOf(hashed)+"no line\n")
	lay(t, filepath.Join(folder, "third"), "third "+lineOf(elsewhere)+"@revoked * "+lineOf(revoked)+"d "+lineOf(copied)+"b "+lineOf(copied)+"a "+lineOf(copied)+"c "+lineOf(copied))

	certificate := func(by ssh.Signer, change func(*ssh.Certificate)) ssh.PublicKey {
		c := &ssh.Certificate{Key: certified.PublicKey(), CertType: ssh.HostCert, ValidBefore: uint64(now.Unix()) + 1, ValidPrincipals: []string{"y.example.com", "x.example.com", "y.example.org", "*.example.com"}}
		change(c)
		if err := c.SignCert(rand.Reader, by); err != nil {
			t.Fatal(err)
		}
		return c
	}
	same := func(*ssh.Certificate) {}
	for name, tt := range map[string]struct {
		key  ssh.PublicKey
		want string
	}{
		"alias and name":     {both.PublicKey(), "vps1 (vps1.example.com)"},
		"alias":              {aliasOnly.PublicKey(), "vps2"},
		"name":               {nameOnly.PublicKey(), "[git.example.com]:2222"},
		"an included file":   {elsewhere.PublicKey(), "third"},
		"a hidden name":      {hashed.PublicKey(), ""},
		"revoked":            {revoked.PublicKey(), ""},
		"many":               {copied.PublicKey(), "a, b, c, ..."},
		"unknown":            {authority.PublicKey(), ""},
		"certified":          {certificate(authority, same), "y.example.com"},
		"by a revoked one":   {certificate(badAuthority, same), ""},
		"by another one":     {certificate(both, same), ""},
		"expired":            {certificate(authority, func(c *ssh.Certificate) { c.ValidBefore-- }), ""},
		"of a user":          {certificate(authority, func(c *ssh.Certificate) { c.CertType = ssh.UserCert }), ""},
		"with a requirement": {certificate(authority, func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": ""} }), ""},
		"as ssh asks nobody": {certificate(authority, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"Y.example.com"} }), ""},
	} {
		if got := s.Name(tt.key, agent.Peer{}); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	now = now.Add(tellAgain)
	lay(t, filepath.Join(folder, ".ssh", "known_hosts2"), "late "+lineOf(hashed)) // a file that was not there
	if got := s.Name(hashed.PublicKey(), agent.Peer{}); got != "late" {
		t.Errorf("after a change: %q", got)
	}
	lay(t, s.book.Path, "nonsense")
	now = now.Add(tellAgain)
	if got := s.Name(both.PublicKey(), agent.Peer{}); got != "vps1 (vps1.example.com)" {
		t.Errorf("with a book that cannot be read: %q", got)
	}
}

// TestServerNamesAreQuick: nothing is read where nothing has changed.
func TestServerNamesAreQuick(t *testing.T) {
	folder, server := t.TempDir(), ground.Signer(t)
	now := time.Now().Add(10 * time.Second)
	s := &serverNames{home: folder, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	lay(t, filepath.Join(folder, ".ssh", "known_hosts"), "a "+lineOf(server))
	s.Name(server.PublicKey(), agent.Peer{})
	s.known.names[blob(server.PublicKey())] = []string{"kept"}
	if got := s.Name(server.PublicKey(), agent.Peer{}); got != "a" {
		t.Errorf("looked for again at once: %q", got)
	}
	now = now.Add(tellAgain)
	if got := s.Name(server.PublicKey(), agent.Peer{}); got != "kept" {
		t.Errorf("read again: %q", got)
	}
	now = now.Add(rereadAfter + 1)
	if got := s.Name(server.PublicKey(), agent.Peer{}); got != "a" {
		t.Errorf("a minute later: %q", got)
	}
}

// TestServerNamesOfADiskThatHangs: only who looks at the files waits for it; the others are told what was known.
func TestServerNamesOfADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder, server := t.TempDir(), ground.Signer(t)
		hang, at := make(chan struct{}), time.Now()
		var calls atomic.Int32
		s := &serverNames{home: folder, log: slog.New(slog.DiscardHandler), now: func() time.Time {
			if calls.Add(1) == 2 { // the first sees to what is told
				<-hang
			}
			return at
		}}
		s.known = newKnownServers()
		s.known.names[blob(server.PublicKey())] = []string{"known"}
		lay(t, filepath.Join(folder, ".ssh", "known_hosts"), "new "+lineOf(server))
		first := make(chan string)
		go func() { first <- s.Name(server.PublicKey(), agent.Peer{}) }()
		synctest.Wait()
		for wait := range 2 {
			begun := time.Now()
			if got := s.look().name(server.PublicKey(), at); got != "known" || time.Since(begun) != lookPatience*time.Duration(1-wait) {
				t.Errorf("%q after %v", got, time.Since(begun))
			}
		}
		close(hang)
		if got := <-first; got != "new" {
			t.Errorf("who waited for the disk hears %q", got)
		}
		if got := s.look().name(server.PublicKey(), at); got != "new" {
			t.Errorf("later: %q", got)
		}
	})
}
