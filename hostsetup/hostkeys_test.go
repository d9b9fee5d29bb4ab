package hostsetup

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/scripts/ground"
)

// TestOfACertificateTheKeyIsKept: the next certificate of the same server is another one.
func TestOfACertificateTheKeyIsKept(t *testing.T) {
	host, authority := ground.Signer(t), ground.Signer(t)
	c := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody announces anything
	if got := newAnnounced(nil, c).all(ctx, nil); !slices.Equal(got, []string{authkeys.Format(host.PublicKey(), "")}) {
		t.Errorf("%q", got)
	}
}
