package hostsetup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestResolveWithoutSSH: on a computer without ssh a name is what it says, unless somebody said something that only ssh could read.
func TestResolveWithoutSSH(t *testing.T) {
	home := t.TempDir()
	r := Resolver{Program: "no-such-program-as-ssh", Home: home}
	for _, c := range []resolved{
		{"root@vps.example.com", 0, "vps.example.com", "root", 22, "vps.example.com"},
		{"root@vps.example.com:2222", 0, "vps.example.com", "root", 2222, "[vps.example.com]:2222"},
		{"x@[2001:db8::1]:2222", 2200, "2001:db8::1", "x", 2200, "[2001:db8::1]:2200"},
	} {
		got := c.by(t, r)
		if got.Way != nil {
			t.Errorf("%s: there is a way: %+v", c.destination, got.Way)
		}
		if want := filepath.Join(home, ".ssh", "known_hosts"); !slices.Contains(got.KnownHosts, want) || got.KnownHosts[0] != want || got.Own != 2 {
			t.Errorf("%s: known hosts are in %q", c.destination, got.KnownHosts)
		}
	}
	if got, err := r.Resolve(t.Context(), "vps.example.com", 0); err != nil || got.User == "" {
		t.Errorf("without a user: %+v, %v", got, err)
	}
	var config *ConfigError
	var name *NameError
	if _, err := r.Resolve(t.Context(), "root@-oProxyCommand=x", 0); !errors.As(err, &name) {
		t.Errorf("an option for a name: %v", err)
	}
	for why, other := range map[string]Resolver{
		"a jump": {Program: r.Program, Home: home, Jump: "bastion"},
		"a file": {Program: r.Program, Home: home, Config: filepath.Join(home, "config")},
	} {
		if _, err := other.Resolve(t.Context(), "root@vps", 0); !errors.As(err, &config) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(home, ".ssh"), 0o700), os.WriteFile(filepath.Join(home, ".ssh", "config"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), "root@vps", 0); !errors.As(err, &config) {
		t.Errorf("with a configuration: %v", err)
	}
}
