package hostsetup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// resolved is what a destination comes to, with -p port.
type resolved struct {
	destination   string
	port          int
	address, user string
	wantPort      int
	knownAs       string
}

func (c resolved) by(t *testing.T, r Resolver) Target {
	t.Helper()
	got, err := r.Resolve(t.Context(), c.destination, c.port)
	if err != nil || got.Address != c.address || got.User != c.user || got.Port != c.wantPort || got.KnownAs != c.knownAs {
		t.Errorf("%s: %+v, %v", c.destination, got, err)
	}
	return got
}

// TestResolve asks the real ssh.
func TestResolve(t *testing.T) {
	program := ground.Program(t, "ssh", "openssh-client")
	config := filepath.Join(t.TempDir(), "config")
	err := os.WriteFile(config, []byte(`
Host vps1
	HostName 192.0.2.7
	Port 2222
	User owner
	UserKnownHostsFile ~/.ssh/known_vps /etc/more
	GlobalKnownHostsFile /etc/ssh/global
	HashKnownHosts yes
Host aliased
	HostName 192.0.2.8
	HostKeyAlias the-key
Host evil
	HostName -oProxyCommand=x
Match host second user root
	HostName 192.0.2.9
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	r := Resolver{Program: program, Config: config, Home: "/home/me"}
	for _, c := range []resolved{
		{"vps1", 0, "192.0.2.7", "owner", 2222, "[192.0.2.7]:2222"},
		{"me@vps1:22", 0, "192.0.2.7", "me", 22, "192.0.2.7"},
		{"vps1:2022", 2200, "192.0.2.7", "owner", 2200, "[192.0.2.7]:2200"},
		{"x@aliased", 0, "192.0.2.8", "x", 22, "the-key"},
		{"root@second", 0, "192.0.2.9", "root", 22, "192.0.2.9"},
		{"x@[2001:db8::1]:2222", 0, "2001:db8::1", "x", 2222, "[2001:db8::1]:2222"},
		{"x@2001:db8::1", 0, "2001:db8::1", "x", 22, "2001:db8::1"},
	} {
		c.by(t, r)
	}
	got, err := r.Resolve(context.Background(), "vps1", 0)
	if err != nil || !got.HashNames || len(got.KnownHosts) != 3 || !strings.HasSuffix(got.KnownHosts[0], "/.ssh/known_vps") || got.KnownHosts[2] != "/etc/ssh/global" {
		t.Errorf("known_hosts: %+v, %v", got, err)
	}
	var name *NameError
	if _, err := r.Resolve(context.Background(), "evil", 0); !errors.As(err, &name) {
		t.Errorf("a hostile HostName: %v", err)
	}
}

// TestHostileNames never reach a program.
func TestHostileNames(t *testing.T) {
	r := Resolver{Program: "/nonexistent/must-not-run"}
	for _, name := range []string{
		"", "-oProxyCommand=x", "x@-oProxyCommand=x", "-l@host", "a b", "a'b", `a"b`, "a;b", "$(x)", "`x`", "a\nb", "a\x1bb", "a|b", "@host",
		"host:0", "host:99999", "host:x", "x@", "\u202ehost", "ho/st",
	} {
		_, err := r.Resolve(context.Background(), name, 0)
		var bad *NameError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
