package hostsetup

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
	"kagiban/scripts/ground"
)

var anywhere = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 22}

func knownHosts(t *testing.T, text string) Target {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ssh", "known_hosts")
	if text != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Target{Name: "vps", KnownAs: "[vps.example]:2222", KnownHosts: []string{file}}
}

func refuse(context.Context, string, ssh.PublicKey) error { return errors.New("asked") }

func TestHostKeyPolicy(t *testing.T) {
	right, wrong := ground.Signer(t).PublicKey(), ground.Signer(t).PublicKey()
	line := func(name string, key ssh.PublicKey) string { return name + " " + string(ssh.MarshalAuthorizedKey(key)) }
	for _, c := range []struct {
		name   string
		file   string
		policy HostKeyPolicy
		ok     bool
		asked  bool
		change bool
	}{
		{"known", line("[vps.example]:2222", right), HostKeyPolicy{}, true, false, false},
		{"unknown: asked", "", HostKeyPolicy{}, false, true, false},
		{"unknown: accept-new", "", HostKeyPolicy{AcceptNew: true}, true, false, false},
		{"unknown: the right pin", "", HostKeyPolicy{Pin: ssh.FingerprintSHA256(right)}, true, false, false},
		{"unknown: a wrong pin", "", HostKeyPolicy{Pin: ssh.FingerprintSHA256(wrong)}, false, false, false},
		{"changed", line("[vps.example]:2222", wrong), HostKeyPolicy{}, false, false, true},
		{"changed: accept-new does not help", line("[vps.example]:2222", wrong), HostKeyPolicy{AcceptNew: true}, false, false, true},
		{"changed: nor does a pin", line("[vps.example]:2222", wrong), HostKeyPolicy{Pin: ssh.FingerprintSHA256(right)}, false, false, true},
		{"known: a wrong pin", line("[vps.example]:2222", right), HostKeyPolicy{Pin: ssh.FingerprintSHA256(wrong)}, false, false, true},
		{"another port's key is not this one's", line("vps.example", right), HostKeyPolicy{}, false, true, false},
		{"revoked", "@revoked * " + string(ssh.MarshalAuthorizedKey(right)), HostKeyPolicy{AcceptNew: true}, false, false, true},
	} {
		id, err := newIdentity(knownHosts(t, c.file), c.policy, refuse)
		if err != nil {
			t.Fatal(err)
		}
		err = id.check(context.Background(), anywhere, right)
		var wrongKey *HostKeyError
		asked := err != nil && err.Error() == "asked"
		if (err == nil) != c.ok || asked != c.asked || errors.As(err, &wrongKey) && wrongKey.Changed != c.change {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOneServerARun: what the first connection saw is all that later ones accept.
func TestOneServerARun(t *testing.T) {
	id, err := newIdentity(knownHosts(t, ""), HostKeyPolicy{AcceptNew: true}, refuse)
	if err != nil {
		t.Fatal(err)
	}
	first := ground.Signer(t).PublicKey()
	if err := id.check(context.Background(), anywhere, first); err != nil {
		t.Fatal(err)
	}
	var wrong *HostKeyError
	if err := id.check(context.Background(), anywhere, ground.Signer(t).PublicKey()); !errors.As(err, &wrong) {
		t.Errorf("another key later: %v", err)
	}
	if err := id.check(context.Background(), anywhere, first); err != nil {
		t.Error(err)
	}
}

// TestKnownKindComesFirst: a server of which only the rsa key is known is asked for that one.
func TestKnownKindComesFirst(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	id, err := newIdentity(knownHosts(t, "[vps.example]:2222 "+string(ssh.MarshalAuthorizedKey(public))), HostKeyPolicy{}, refuse)
	if err != nil {
		t.Fatal(err)
	}
	got := id.algorithms()
	if got[0] != ssh.KeyAlgoRSASHA512 && got[0] != ssh.KeyAlgoRSASHA256 || !slices.Contains(got, ssh.KeyAlgoED25519) {
		t.Errorf("%q", got)
	}
	// One that known_hosts does not have is asked for the kind that the book has.
	if id, err = bookIdentity(knownHosts(t, ""), HostKeyPolicy{}, book.Host{HostKeys: []string{authkeys.Format(public, "")}}); err != nil {
		t.Fatal(err)
	}
	if got = id.algorithms(); got[0] != ssh.KeyAlgoRSASHA512 || !slices.Contains(got, ssh.KeyAlgoED25519) {
		t.Errorf("%q", got)
	}
}

// TestRecordedAsSshWould: ssh-keygen finds what was written, hashed or not, and nothing that was there is lost.
func TestRecordedAsSshWould(t *testing.T) {
	keygen := ground.Program(t, "ssh-keygen", "openssh-client")
	for _, hashed := range []bool{false, true} {
		target := knownHosts(t, "# mine, no newline")
		target.HashNames = hashed
		id, err := newIdentity(target, HostKeyPolicy{AcceptNew: true}, refuse)
		if err != nil {
			t.Fatal(err)
		}
		key := ground.Signer(t).PublicKey()
		if err := id.check(context.Background(), anywhere, key); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time writes nothing
			if err := id.record(); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(target.KnownHosts[0])
		if err != nil || !strings.HasPrefix(string(text), "# mine, no newline\n") || strings.Count(string(text), "\n") != 2 || strings.Contains(string(text), "vps.example") == hashed {
			t.Errorf("hashed %v: %q, %v", hashed, text, err)
		}
		out, err := exec.Command(keygen, "-l", "-F", "[vps.example]:2222", "-f", target.KnownHosts[0]).CombinedOutput()
		if err != nil || !strings.Contains(string(out), ssh.FingerprintSHA256(key)) {
			t.Errorf("hashed %v: ssh-keygen: %s, %v", hashed, out, err)
		}
	}
}
