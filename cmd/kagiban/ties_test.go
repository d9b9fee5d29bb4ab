package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"kagiban/agent"
	"kagiban/cmd/internal/home"
	"kagiban/hostsetup/book"
	"kagiban/scripts/ground"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

// tiesIn are the ties of a user whose files lie in folder.
func tiesIn(t *testing.T, folder string, now func() time.Time) *serverNames {
	t.Helper()
	h, err := home.Find(func(name string) string { return map[string]string{"KAGIBAN_HOME": folder}[name] })
	if err != nil {
		t.Fatal(err)
	}
	return &serverNames{book: book.Book{Path: h.Hosts()}, settings: &h, home: folder, now: now, log: slog.New(slog.DiscardHandler)}
}

// at says how the keys one and two are tied to a server: H here, E elsewhere, - nowhere; "" if no key is tied anywhere.
func at(s *serverNames, host ssh.PublicKey) (says string) {
	tie := s.At(host)
	if tie == nil {
		return ""
	}
	for _, name := range []string{"one", "two"} {
		says += map[agent.Tie]string{agent.TiedHere: "H", agent.TiedElsewhere: "E", agent.Untied: "-"}[tie(&vaultKey{key: vault.Key{Name: name, Fingerprint: "SHA256:" + name}})]
	}
	return says
}

func bareLine(s ssh.Signer) string { return strings.TrimSpace(lineOf(s)) }

// TestTiesAt: key one is tied to a server in every way that there is, and each of its host keys is known by that.
func TestTiesAt(t *testing.T) {
	folder := t.TempDir()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := tiesIn(t, folder, func() time.Time { return now })
	keys := map[string]ssh.Signer{}
	for _, name := range []string{"page ed25519", "page rsa", "page by ssh", "other page", "git", "git, second", "port", "wildcard", "hidden", "revoked", "stranger", "authority", "wrong authority", "revoked authority", "far", "by hand"} {
		keys[name] = ground.Signer(t)
	}
	line := func(name string) string { return lineOf(keys[name]) }
	lay(t, s.book.Path, "schema = 1\n[[host]]\nname = 'vps1'\nknown_as = 'vps1.example.com'\nhost_keys = ['"+bareLine(keys["page ed25519"])+"', '"+bareLine(keys["page rsa"])+"', '"+bareLine(keys["revoked"])+"']\n"+
		"[[host]]\nname = 'vps1-root'\nhost_keys = ['"+bareLine(keys["page rsa"])+"']\n[[tie]]\nkey = 'two'\nhost = 'vps1-root'\n"+
		"[[host]]\nname = 'vps2'\nhost_keys = ['"+bareLine(keys["other page"])+"']\n"+
		"[[tie]]\nkey = 'called otherwise'\nfingerprint = 'SHA256:one'\nhost = 'vps1'\n"+
		"[[tie]]\nkey = 'one'\nhost = 'git'\nknown_as = 'git.example.com'\nknown_hosts = ['"+filepath.Join(folder, "further")+"']\n"+
		"[[tie]]\nkey = 'one'\nhost = 'far.example.net'\n"+
		"[[tie]]\nkey = 'one'\nhost = 'Hand.example.net:2022'\n"+
		"[[tie]]\nkey = 'two'\nhost = 'vps2'\n"+
		"[[tie]]\nkey = 'one'\nfingerprint = 'SHA256:an earlier one'\nhost = 'vps2'\n")
	lay(t, filepath.Join(folder, ".ssh", "known_hosts"), "vps1.example.com "+line("page by ssh")+"no line\n"+
		"!x.example.net,*.example.net "+line("wildcard")+xknownhosts.HashHostname("far.example.net")+" "+line("hidden")+"[far.example.net]:2022 "+line("port")+
		"[hand.example.net]:2022 "+line("by hand")+
		"@cert-authority *.example.com,[hand.example.net]:2022 "+line("authority")+"@cert-authority * "+line("revoked authority")+"@revoked * "+line("revoked authority")+"@revoked * "+line("revoked"))
	lay(t, filepath.Join(folder, "further"), "git.example.com,192.0.2.1 "+line("git")+"git.example.com "+line("git, second"))

	certificate := func(key, by string, names ...string) ssh.PublicKey {
		c := &ssh.Certificate{Key: keys[key].PublicKey(), CertType: ssh.HostCert, ValidBefore: uint64(now.Unix()) + 1, ValidPrincipals: names}
		if err := c.SignCert(rand.Reader, keys[by]); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tt := range []struct {
		name string
		key  ssh.PublicKey
		want string
	}{
		{"a host key of the page", keys["page ed25519"].PublicKey(), "HE"},
		{"another one, which another page has, too", keys["page rsa"].PublicKey(), "HH"},
		{"one that ssh has learnt", keys["page by ssh"].PublicKey(), "HE"},
		{"a certificate for one of the page's", certificate("page ed25519", "stranger", "what.ever"), "HE"},
		{"a certificate by its authority", certificate("stranger", "authority", "other.example.com", "vps1.example.com"), "HE"},
		{"with a wildcard", certificate("stranger", "authority", "vps?.example.com"), "HE"},
		{"by its authority for another", certificate("stranger", "authority", "vps3.example.com"), "EE"},
		{"by another authority", certificate("stranger", "wrong authority", "vps1.example.com"), "EE"},
		{"by a revoked one", certificate("stranger", "revoked authority", "vps1.example.com"), "EE"},
		{"by an authority for another name", certificate("stranger", "authority", "far.example.net"), "EE"},
		{"for a server with a port", certificate("stranger", "authority", "hand.example.net"), "HE"},
		{"a host key that is revoked", keys["revoked"].PublicKey(), "EE"},
		{"the other page", keys["other page"].PublicKey(), "EH"},
		{"another name of ssh's", keys["git"].PublicKey(), "HE"},
		{"its other key", keys["git, second"].PublicKey(), "HE"},
		{"by a pattern", keys["wildcard"].PublicKey(), "HE"},
		{"by a hidden name", keys["hidden"].PublicKey(), "HE"},
		{"another port", keys["port"].PublicKey(), "EE"},
		{"by hand, with a port", keys["by hand"].PublicKey(), "HE"},
		{"a stranger", keys["stranger"].PublicKey(), "EE"},
	} {
		if got := at(s, tt.key); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	known := s.look()
	known.aliases[blob(keys["revoked"].PublicKey())] = []string{"taken back"}
	for host, want := range map[string]bool{"vps1": true, "vps1-root": true, "far.example.net": true, "Hand.example.net:2022": true, "x.example.com": true,
		"nobody.example.org": false, "vps1:2022": false, "taken back": false} {
		if known.knows(book.Tie{Host: host}) != want {
			t.Errorf("a tie to %s fits a server: %v, want %v", host, !want, want)
		}
	}
}

// TestTiesAsTheyAreNow: what changes in hosts.toml, known_hosts and config.toml is seen at once; nothing is read where nothing has changed.
func TestTiesAsTheyAreNow(t *testing.T) {
	folder, here, rekeyed := filepath.Join(t.TempDir(), "kagiban"), ground.Signer(t), ground.Signer(t)
	now := time.Now().Add(10 * time.Second)
	s := tiesIn(t, folder, func() time.Time { return now })
	page := book.Host{Name: "vps1", Key: "one", Fingerprint: "SHA256:one", HostKeys: []string{bareLine(here)}}
	if err := safefile.PrivateDir(folder); err != nil {
		t.Fatal(err)
	}
	step := func(what string, err error, host ssh.Signer, want string) {
		t.Helper()
		if got := at(s, host.PublicKey()); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", what, got, want, err)
		}
	}
	step("no book", nil, here, "")
	step("a server comes", s.book.Put(t.Context(), page), here, "H-")
	step("its other key", nil, rekeyed, "E-")
	page.HostKeys = []string{bareLine(rekeyed)}
	step("the book learns its host keys anew", s.book.Put(t.Context(), page), rekeyed, "H-")
	step("and the old one is none", nil, here, "E-")
	step("a tie to a name of ssh's", s.book.Tie(t.Context(), book.Tie{Key: "two", Fingerprint: "SHA256:two", Host: "git"}), here, "EE")
	lay(t, filepath.Join(folder, ".ssh", "known_hosts"), "git "+lineOf(here))
	step("known_hosts comes to know it", nil, here, "EH")
	config := filepath.Join(folder, "config.toml")
	lay(t, config, "per_server = false\n")
	step("switched off", nil, here, "")
	lay(t, config, "per_server = nonsense\n")
	step("a switch that cannot be read", nil, here, "")
	lay(t, config, "per_server = true\n")
	step("switched on", nil, here, "EH")
	text, err := os.ReadFile(s.book.Path)
	lay(t, s.book.Path, "nonsense\n")
	step("a book that cannot be read", err, here, "EH")
	lay(t, s.book.Path, string(text))
	_, err = s.book.Untie(t.Context(), func(t book.Tie) bool { return t.Host == "git" })
	step("a tie goes", err, here, "E-")
	step("a server goes", s.book.Remove(t.Context(), "vps1"), here, "")

	step("a tie", s.book.Tie(t.Context(), book.Tie{Key: "one", Host: "git"}), here, "H-")
	now = now.Add(settleTime) // else it could change again and keep its date
	step("and once more", nil, here, "H-")
	s.known.ties[0].Key = "two"
	step("not read again", nil, here, "-H")
}

// TestKnownByHowMuch: what key tie tells, and what it refuses.
func TestKnownByHowMuch(t *testing.T) {
	one, two, authority := ground.Signer(t), ground.Signer(t), ground.Signer(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	lay(t, file, "git,192.0.2.1 "+lineOf(one)+"git "+lineOf(two)+"git "+lineOf(one)+"@cert-authority *.org,git "+lineOf(authority)+"h "+lineOf(authority)+"@revoked * "+lineOf(two)+
		"@cert-authority "+xknownhosts.HashHostname("hidden")+" "+lineOf(authority)+"@cert-authority *.Example.com "+lineOf(authority))
	k := newKnownServers()
	k.read([]string{file})
	for name, want := range map[string][]int{"git": {1, 1}, "192.0.2.1": {1, 0}, "a.org": {0, 1}, "h": {1, 0}, "hidden": {0, 1}, "Hidden": {0, 1}, "a.example.Com": {0, 1}, "nobody": {0, 0}} {
		keys, authorities := k.count(name)
		if !slices.Equal([]int{keys, authorities}, want) {
			t.Errorf("%s: %d host keys, %d authorities; want %v", name, keys, authorities, want)
		}
	}
}
