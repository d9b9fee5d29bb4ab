//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// behind is a server that is reached from another one alone, and a client who may log in to that one with a key of ssh's.
type behind struct {
	*client
	gate, inner *vpstest.Host
	address     string // of inner, as gate sees it
	known       string // the client's known_hosts, which has the gate's host key
}

func newBehind(t *testing.T) *behind {
	t.Helper()
	hosts := vpstest.Many(t, []string{"", ""})
	gate := hosts[0]
	b := &behind{client: newClient(t), gate: gate, inner: hosts[1]}
	b.inner.Behind(gate)
	b.address = b.inner.Addr
	folder := filepath.Dir(b.config)
	b.known = filepath.Join(folder, "known_hosts")
	identity := filepath.Join(folder, "gate_key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	gate.Put(identity+".pub", "/home/owner/.ssh-key")
	gate.Exec("install -d -o owner -g owner -m 700 /home/owner/.ssh; install -o owner -g owner -m 600 /home/owner/.ssh-key /home/owner/.ssh/authorized_keys")
	b.write(b.known, gate.Addr+" "+gate.Exec("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub"))
	b.write(b.config, "Host gate\n\tHostName "+gate.Addr+"\n\tUser owner\n\tHostKeyAlias "+gate.Addr+"\n\tIdentityFile "+identity+"\n"+
		"Host by-jump\n\tHostName "+b.address+"\n\tUser owner\n\tHostKeyAlias by-jump\n\tProxyJump gate\n"+
		"Host by-command\n\tHostName "+b.address+"\n\tUser owner\n\tHostKeyAlias by-command\n\tProxyCommand ssh -F "+b.config+" -W '[%h]:%p' gate; : %r %n %%\n"+
		"Host *\n\tUserKnownHostsFile "+b.known+"\n\tGlobalKnownHostsFile /dev/null\n\tIdentityAgent none\n\tIdentitiesOnly yes\n")
	return b
}

func (b *behind) host(verb string, args ...string) (stdout, stderr string, code int) {
	return b.kagiban(append([]string{"host", verb, "-F", b.config}, args...)...)
}

// add runs host add on the inner server as destination leads to it.
func (b *behind) add(destination string, more ...string) (stdout, stderr string, code int) {
	return b.host("add", append([]string{destination, "--key", "laptop", "--passphrase-file", b.passphrase, "--password-file", b.inner.PasswordFile, "--accept-new", "--yes"}, more...)...)
}

// through counts the gate's connections to the inner server so far, by what the inner server saw.
func (b *behind) through() int {
	return strings.Count(b.inner.Exec("journalctl --no-pager -o cat"), "from "+b.gate.Addr+" port")
}

// TestBehindAJump: a server that is reached from another one alone. Every way there that ssh knows leads host add to its end, and the book
// finds it again.
func TestBehindAJump(t *testing.T) {
	b := newBehind(t)
	if _, _, code := b.add("by-jump", "-J", "none"); code != 1 {
		t.Fatalf("it is reached without the gate: exit %d", code)
	}
	if _, _, code := b.add("by-jump"); code != 0 {
		t.Fatalf("by ProxyJump: exit %d", code)
	}
	for _, s := range []struct {
		destination string
		more        []string
		name, jump  string // in the book
	}{
		{"by-command", nil, "by-command", ""},
		{"owner@" + b.address, []string{"-J", "gate", "--name", "by-flag"}, "by-flag", "gate"},
		{"by-jump", []string{"--name", "other"}, "other", "gate"},
	} {
		before := b.through()
		if stdout, _, code := b.add(s.destination, s.more...); code != 0 || !strings.Contains(stdout, s.name+" is already key-only") {
			t.Errorf("%s: exit %d", s.destination, code)
		}
		if b.through() == before {
			t.Errorf("%s: the server saw nobody come from the gate", s.destination)
		}
		page := b.page(s.name)
		if got := strings.Contains(page, `jump = 'gate'`); got != (s.jump != "") || !strings.Contains(page, "address = '"+b.address+"'") {
			t.Errorf("%s in the book: %s", s.name, page)
		}
	}
	if out, _, code := b.host("check", "--json", "--passphrase-file", b.passphrase, "--sudo-password-file", b.inner.PasswordFile); code != 0 || strings.Count(out, `"key_only":true`) != 4 {
		t.Errorf("check: exit %d, %s", code, out)
	}
	if known := read(t, b.known); strings.Count(known, b.gate.Addr+" ") != 1 || !strings.Contains(known, "by-jump ssh-ed25519") || !strings.Contains(known, "by-command ssh-ed25519") {
		t.Errorf("known_hosts: %s", known)
	}
	if _, stderr, code := b.add("by-command", "--name", "lost"); code != 2 || !strings.Contains(stderr, "would not be found again") {
		t.Errorf("a way that the book could not find again: exit %d, %s", code, stderr)
	}
	if _, _, code := b.host("undo", "by-flag", "--yes", "--passphrase-file", b.passphrase, "--password-file", b.inner.PasswordFile); code != 0 {
		t.Errorf("undo: exit %d", code)
	}
	for _, s := range []struct{ what, how, says string }{ // what the gate would have to ask a person, it cannot ask here
		{"whose host key nobody knows", "HostKeyAlias nobody-knows-it", "by way of gate: Host key verification failed."},
		{"that wants a password", "PubkeyAuthentication no", "Permission denied (publickey,password)."},
	} {
		config := filepath.Join(t.TempDir(), "config")
		b.write(config, "Host gate\n\t"+s.how+"\n"+read(t, b.config))
		if _, stderr, code := b.kagiban("host", "check", "-F", config, "by-flag"); code != 1 || !strings.Contains(stderr, s.says) {
			t.Errorf("by way of a gate %s: exit %d, %s", s.what, code, stderr)
		}
	}
	b.gate.Link(false) // the gate is down
	if _, stderr, code := b.host("check", "by-flag"); code != 1 || !strings.Contains(stderr, b.address+":22 is not reached by way of gate: ") {
		t.Errorf("check past a gate that is down: exit %d, %s", code, stderr)
	}
}

func (b *behind) page(name string) string {
	for _, page := range strings.Split(read(b.t, filepath.Join(b.home, "hosts.toml")), "[[host]]") {
		if strings.Contains(page, "name = '"+name+"'") {
			return page
		}
	}
	return ""
}

// TestWaysThatFail: what is wrong on the way is told in its own words, and a way that hangs comes to an end.
func TestWaysThatFail(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, s := range []struct{ name, config, says string }{
		{"dead", "ProxyCommand sh -c 'echo the door is shut >&2; exit 3'", "is not reached by way of its ProxyCommand: the door is shut"},
		{"mute", "ProxyCommand sh -c 'exit 3'", "its ProxyCommand: it ended with exit status 3"},
		{"hangs", "ConnectTimeout 1\n\tProxyCommand sh -c 'trap : TERM; while :; do sleep 1; done'", "its ProxyCommand: nothing came through (it said nothing)"},
		{"unknown", "ProxyCommand nc %q", "ProxyCommand has %q, which stands for nothing there"},
		{"fd", "ProxyUseFdpass yes\n\tProxyCommand nc %h %p", "ProxyUseFdpass"},
		{"evil", "HostKeyAlias \"$(touch pwned)\"\n\tProxyCommand echo %k", "is not allowed"},
		{"hop", "ProxyJump nobody@127.0.0.1:1", "by way of nobody@127.0.0.1:1: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
		{"hops", "ProxyJump nobody@127.0.0.1:1,me@gate", "by way of nobody@127.0.0.1:1,me@gate: ssh: connect to host 127.0.0.1 port 1: Connection refused"},
	} {
		c.write(c.config, "Host "+s.name+"\n\tHostName 192.0.2.1\n\tUser owner\n\t"+s.config+"\n")
		begin := time.Now()
		_, stderr, code := c.kagiban("host", "add", s.name, "-F", c.config, "--key", "laptop", "--passphrase-file", c.passphrase, "--accept-new", "--yes")
		if code != 1 && (s.name != "evil" || code != 2) || !strings.Contains(stderr, s.says) {
			t.Errorf("%s: exit %d, %q", s.name, code, stderr)
		}
		if took := time.Since(begin); took > 50*time.Second {
			t.Errorf("%s took %s", s.name, took)
		}
	}
	for _, jump := range []string{"-oProxyCommand=x", "a;b", "a,,b", "a b", "$(x)", "gate\x1b"} {
		if _, stderr, code := c.kagiban("host", "add", "vps1", "-F", c.config, "-J="+jump, "--key", "laptop", "--passphrase-file", c.passphrase, "--yes"); code != 2 || !strings.Contains(stderr, "is not allowed") {
			t.Errorf("-J %q: exit %d, %s", jump, code, stderr)
		}
	}
}
