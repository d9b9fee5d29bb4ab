package agent

import (
	"crypto/elliptic"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

func TestWhichAlgorithmSigns(t *testing.T) {
	rsaKey := newFakeRSA(t, "rsa")
	edKey := newFakeKey(t, "ed25519")
	p := newECDSA(t, elliptic.P384())
	ecKey := &fakeKey{name: "ecdsa", private: p, public: newPublic(t, p)}
	tests := []struct {
		name  string
		key   *fakeKey
		flags uint32
		want  string
	}{
		{"rsa, none asked for: SHA-1 to others, never to us", rsaKey, 0, ssh.KeyAlgoRSASHA512},
		{"rsa, a flag of no meaning", rsaKey, 1, ssh.KeyAlgoRSASHA512},
		{"rsa, SHA-256", rsaKey, 2, ssh.KeyAlgoRSASHA256},
		{"rsa, SHA-512", rsaKey, 4, ssh.KeyAlgoRSASHA512},
		{"rsa, both: as OpenSSH does", rsaKey, 6, ssh.KeyAlgoRSASHA256},
		{"rsa, unknown flags beside a known one", rsaKey, 0xfffffff4, ssh.KeyAlgoRSASHA512},
		{"ed25519", edKey, 0, ssh.KeyAlgoED25519},
		{"ed25519, flags ignored", edKey, 6, ssh.KeyAlgoED25519},
		{"ecdsa, flags ignored", ecKey, 7, ssh.KeyAlgoECDSA384},
	}
	a := New(Options{})
	c := connect(t, a)
	for _, k := range []*fakeKey{rsaKey, edKey, ecKey} {
		wantSuccess(t, c.call(added(t, k.private, k.name)))
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := signRequest(test.key)
			request.Flags = test.flags
			answer := c.call(request)
			wantSignature(t, answer, test.key)
			var signature ssh.Signature
			if err := ssh.Unmarshal(answer.(*wire.SignResponse).Signature, &signature); err != nil {
				t.Fatal(err)
			}
			if signature.Format != test.want {
				t.Errorf("signed with %s, want %s", signature.Format, test.want)
			}
		})
	}
}

// TestOnlyLegacySignsWithSHA1, and only where a request asks for no better.
func TestOnlyLegacySignsWithSHA1(t *testing.T) {
	k := newFakeRSA(t, "rsa")
	c := connect(t, New(Options{Legacy: true}))
	wantSuccess(t, c.call(added(t, k.private, k.name)))
	for flags, want := range map[uint32]string{0: ssh.KeyAlgoRSA, 1: ssh.KeyAlgoRSA, 2: ssh.KeyAlgoRSASHA256, 4: ssh.KeyAlgoRSASHA512} {
		request := signRequest(k)
		request.Flags = flags
		answer := c.call(request)
		wantSignature(t, answer, k)
		var signature ssh.Signature
		if err := ssh.Unmarshal(answer.(*wire.SignResponse).Signature, &signature); err != nil || signature.Format != want {
			t.Errorf("flags %d: signed with %s, want %s; %v", flags, signature.Format, want, err)
		}
	}
}
