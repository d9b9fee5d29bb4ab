//go:build unix

package main

import (
	"crypto/dsa" //lint:ignore SA1019 what old servers want is what is shown
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// TestSSHAgentTakesDSA, which no other agent of ours does.
func TestSSHAgentTakesDSA(t *testing.T) {
	key := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s := serve(t, linkedSSHAgent(t))
	c, err := net.Dial("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := agent.NewClient(c)
	if err := client.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	signers, err := client.Signers()
	if err != nil || len(signers) != 1 {
		t.Fatalf("%v, %v", signers, err)
	}
	text := []byte("text")
	signature, err := signers[0].Sign(rand.Reader, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := signers[0].PublicKey().Verify(text, signature); err != nil {
		t.Error(err)
	}
}

// TestMatchList: ssh_config(5), PATTERNS.
func TestMatchList(t *testing.T) {
	for _, tt := range []struct {
		text, patterns string
		want           bool
	}{
		{"/usr/lib/x.so", "/usr/lib*/*", true},
		{"/usr/lib64/a/x.so", "/usr/lib*/*,/usr/local/lib*/*", true},
		{"/home/x.so", "/usr/lib*/*,/usr/local/lib*/*", false},
		{"ssh:me", "ssh:??", true},
		{"ssh:m", "ssh:??", false},
		{"example.com", "*.com,!example.*", false},
		{"example.com", "!example.*,*.com", false},
		{"other.com", "!example.*,*.com", true},
		{"other.com", "!example.*", false},
		{"a", "", false},
		{"", "", false},
		{"", "*", true},
		{"a*b", "a*b", true},
		{"Axb", "a*b", false},
	} {
		if got := matchList(tt.text, tt.patterns); got != tt.want {
			t.Errorf("%q against %q: %v", tt.text, tt.patterns, got)
		}
	}
}

// TestFingerprints: as ssh-keygen shows them.
func TestFingerprints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-qt", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"md5", "sha1", "SHA256", "sha384", "sha512"} {
		o, err := parseSSHAgent([]string{"-E", hash})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ssh-keygen", "-l", "-E", hash, "-f", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := o.fingerprint(key); !slices.Contains(strings.Fields(string(out)), got) {
			t.Errorf("%s: %s, and ssh-keygen says %s", hash, got, out)
		}
	}
}
