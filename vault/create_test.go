package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"kagiban/scripts/ground"
)

// TestCreate makes a key of every kind, and lets ssh-keygen and x/crypto's agent say what was made.
func TestCreate(t *testing.T) {
	ground.Program(t, "ssh-keygen", "openssh-client")
	pass := []byte("correct horse")
	for _, test := range []struct {
		spec  Spec
		kind  string
		bits  int
		label string // ssh-keygen's word
	}{
		{Spec{}, "ed25519", 256, "ED25519"},
		{Spec{Type: "ed25519", Bits: 256}, "ed25519", 256, "ED25519"},
		{Spec{Type: "ecdsa"}, "ecdsa", 256, "ECDSA"},
		{Spec{Type: "ecdsa", Bits: 384}, "ecdsa", 384, "ECDSA"},
		{Spec{Type: "ecdsa-p384"}, "ecdsa", 384, "ECDSA"},
		{Spec{Type: "ecdsa-p521", Bits: 521}, "ecdsa", 521, "ECDSA"},
		{Spec{Type: "rsa"}, "rsa", 3072, "RSA"},
	} {
		t.Run(fmt.Sprint(test.spec.Type, test.spec.Bits), func(t *testing.T) {
			v := newTestVault(t)
			test.spec.Comment = "  me@\u202elaptop\n"
			k, err := v.Create("laptop", test.spec, pass)
			if err != nil {
				t.Fatal(err)
			}
			if k.Type != test.kind || k.Bits != test.bits || k.Comment != "me@laptop" {
				t.Errorf("made %+v", k)
			}
			want := fmt.Sprintf("%d %s me@laptop (%s)\n", k.Bits, k.Fingerprint, test.label)
			if got := run(t, "ssh-keygen", "-l", "-f", v.pubFile("laptop")); got != want {
				t.Errorf("ssh-keygen says %q, want %q", got, want)
			}
			listed, err := v.Get("laptop")
			if err != nil || listed.Fingerprint != k.Fingerprint || !listed.Created.Equal(k.Created) || listed.Problem != nil {
				t.Errorf("got %+v, %v", listed, err)
			}
			p, err := v.Unlock("laptop", pass)
			if err != nil {
				t.Fatal(err)
			}
			if p.PublicMended || p.MendErr != nil || p.Key.Comment != "me@laptop" || p.Key.Fingerprint != k.Fingerprint {
				t.Errorf("opened %+v", p)
			}
			ring := agent.NewKeyring()
			if err := ring.Add(agent.AddedKey{PrivateKey: p.Crypto}); err != nil {
				t.Errorf("x/crypto's agent: %v", err)
			}
			signs(t, p, k.Public)
		})
	}
}

// signs lets the public half from the list verify what the private half signs, and sees that RSA never signs with SHA-1.
func signs(t *testing.T, p *Private, public ssh.PublicKey) {
	t.Helper()
	s, err := p.Signer()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign(rand.Reader, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if err := public.Verify([]byte("text"), sig); err != nil {
		t.Error(err)
	}
	if sig.Format == ssh.KeyAlgoRSA {
		t.Error("signed with SHA-1")
	}
	if s, ok := s.(ssh.AlgorithmSigner); ok && public.Type() == ssh.KeyAlgoRSA {
		if _, err := s.SignWithAlgorithm(rand.Reader, []byte("text"), ssh.KeyAlgoRSA); err == nil {
			t.Error("signs with SHA-1 when asked")
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	v := newTestVault(t)
	pass := []byte("x")
	if _, err := v.Create("laptop", Spec{}, pass); err != nil {
		t.Fatal(err)
	}
	writeAll(t, v.pubFile("stray"), []byte("somebody's\n"))
	writeAll(t, v.keyFile("bare"), []byte("without a .pub"))
	for _, test := range []struct {
		name string
		spec Spec
		pass []byte
		want error
	}{
		{"Bare", Spec{}, pass, ErrKeyExists},
		{"laptop", Spec{}, pass, ErrKeyExists},
		{"LapTop", Spec{}, pass, ErrKeyExists},
		{"stray", Spec{}, pass, ErrKeyExists},
		{"Stray", Spec{}, pass, ErrKeyExists},
		{"new", Spec{}, nil, ErrEmptyPassphrase},
		{"new", Spec{}, []byte{}, ErrEmptyPassphrase},
		{"new", Spec{Type: "rsa", Bits: 2048}, pass, ErrWeakKey},
		{"new", Spec{Type: "rsa", Bits: 3071}, pass, ErrWeakKey},
		{"new", Spec{Type: "rsa", Bits: 16385}, pass, ErrBadSpec},
		{"new", Spec{Type: "rsa", Bits: -1}, pass, ErrWeakKey},
		{"new", Spec{Type: "dsa"}, pass, ErrBadSpec},
		{"new", Spec{Type: "ecdsa", Bits: 255}, pass, ErrBadSpec},
		{"new", Spec{Type: "ecdsa-p256", Bits: 384}, pass, ErrBadSpec},
		{"new", Spec{Type: "ecdsa-p224"}, pass, ErrBadSpec},
		{"new", Spec{Type: "ed25519", Bits: 512}, pass, ErrBadSpec},
	} {
		if _, err := v.Create(test.name, test.spec, test.pass); !errors.Is(err, test.want) {
			t.Errorf("%s %+v: got %v, want %v", test.name, test.spec, err, test.want)
		}
	}
	if got := string(readAll(t, v.pubFile("stray"))); got != "somebody's\n" {
		t.Errorf("a stranger's file now holds %q", got)
	}
	if got := names(t, v); len(got) != 4 {
		t.Errorf("the folder holds %q", got)
	}
}
