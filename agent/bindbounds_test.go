package agent

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// bareRSA is a public key of so many bits, that nobody has the private half of.
func bareRSA(t testing.TB, bits int) ssh.PublicKey {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	k, err := ssh.NewPublicKey(&rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// bindOf is a bind that says it was signed by that key.
func bindOf(k ssh.PublicKey) *wire.Extension {
	b := &wire.SessionBind{HostKey: k.Marshal(), SessionID: []byte("a"), Signature: ssh.Marshal(ssh.Signature{Format: ssh.KeyAlgoRSASHA512, Blob: make([]byte, 16)})}
	return &wire.Extension{Name: wire.ExtensionSessionBind, Contents: b.Contents()}
}

// TestALargeHostKeyIsRefusedUnused: whoever may bind could have us compute for as long as they like. It is recorded, and said why.
func TestALargeHostKeyIsRefusedUnused(t *testing.T) {
	small, large, ed25519 := bareRSA(t, maxHostRSABits), bareRSA(t, maxHostRSABits+1), newHostKey(t).PublicKey()
	certificate := func(key, authority ssh.PublicKey) ssh.PublicKey {
		return &ssh.Certificate{Key: key, SignatureKey: authority, CertType: ssh.HostCert, Signature: &ssh.Signature{Format: ssh.KeyAlgoRSASHA512, Blob: make([]byte, 16)}}
	}
	const tooLarge = "RSA key of more than 8192 bits"
	for name, test := range map[string]struct {
		key ssh.PublicKey
		why string
	}{
		"a key that is not":           {small, "not signed by that host key"},
		"a key":                       {large, tooLarge},
		"a certificate that is not":   {certificate(small, small), "certificate: "},
		"a certificate":               {certificate(large, ed25519), tooLarge},
		"the key of its authority":    {certificate(ed25519, large), tooLarge},
		"a key as long as it can get": {bareRSA(t, 1<<18), "a host key of more than 16384 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			log, j := &ground.Buffer{}, &fakeJournal{}
			a := New(Options{Log: logTo(log), Journal: j})
			c := connect(t, a)
			wantExtensionFailure(t, c.call(bindOf(test.key)))
			j.want(t, RequestBind, Refused, test.why)
			if !strings.Contains(log.String(), test.why) {
				t.Errorf("the log: %s", log)
			}
			wantFailure(t, c.call(&wire.RemoveAll{})) // who knows who is there
		})
	}
}

// TestTheHostKeysOfAConnectionAreBounded: what they are parsed to is kept, and there may be thousands of connections.
func TestTheHostKeysOfAConnectionAreBounded(t *testing.T) {
	host, authority, log := newHostKey(t), newHostKey(t), &ground.Buffer{}
	long := host.certified(t, authority, func(c *ssh.Certificate) { c.KeyId = strings.Repeat("x", maxHostKeys/3) })
	c := connect(t, New(Options{Log: logTo(log)}))
	for i := range maxHostKeys / len(long.blob()) {
		wantSuccess(t, c.call(long.bind(t, fmt.Sprint(i), true)))
	}
	wantSuccess(t, c.call(long.bind(t, "0", true))) // known
	wantExtensionFailure(t, c.call(long.bind(t, "one more", true)))
	if !strings.Contains(log.String(), "host keys of more than 32768 bytes") {
		t.Errorf("the log: %s", log)
	}
}

// TestBindsComeOneAtATime from where somebody may be who is trusted less, and hold up nobody elsewhere.
func TestBindsComeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newHostKey(t)
		a := New(Options{})
		busy, other := mustBegin(t, Scope{Name: "box", Purposes: []string{UseFile}}), mustBegin(t, Scope{Name: "other", Purposes: []string{UseFile}})
		for name, test := range map[string]struct {
			c     *client
			place turn
		}{"narrower socket": {connectAt(t, a, busy), busy.heavy}, "forwarded": {connectFrom(t, a, host), a.work.remote}} {
			test.place <- struct{}{}
			answer := test.c.later(host.bind(t, name, true))
			stillWaiting(t, answer)
			wantSuccess(t, connectAt(t, a, other).call(host.bind(t, name, true)))
			wantSuccess(t, connect(t, a).call(host.bind(t, name, true)))
			<-test.place
			wantSuccess(t, <-answer)
			if len(test.place) > 0 {
				t.Errorf("%s: the place is still taken", name)
			}
		}
	})
}
