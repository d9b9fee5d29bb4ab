package hostsetup

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// unwilling is an identity in an agent that will not sign.
type unwilling struct{ key ssh.PublicKey }

func (u unwilling) PublicKey() ssh.PublicKey { return u.key }
func (unwilling) Sign(io.Reader, []byte) (*ssh.Signature, error) {
	return nil, errors.New("the agent said no")
}

// TestCheck: several at once come to the same, and change nothing on the server; without a login, whatever the reason, nothing is claimed.
func TestCheck(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	if _, err := Add(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	before := h.Snapshot()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			health, err := Check(context.Background(), CheckOptions{Options: o})
			if err != nil || !health.KeyOnly || health.Open || len(health.Problems) != 0 || !slices.Equal(health.Methods, []string{"publickey"}) || len(health.Proved) != 1 {
				t.Errorf("%+v, %v", health, err)
			}
		})
	}
	all.Wait()
	for id, key := range map[string]ssh.Signer{"no-login": nil, "key-no-longer": ground.Signer(t), "inside-not-seen": unwilling{o.Key.PublicKey()}} {
		without := o
		without.Key = key
		health, err := Check(context.Background(), CheckOptions{Options: without, NoKey: "it is locked"})
		if err != nil || health.KeyOnly || health.Open || len(health.Problems) != 1 || health.Problems[0].ID != id || !slices.Equal(health.Methods, []string{"publickey"}) {
			t.Errorf("%s: %+v, %v", id, health, err)
		}
		if id == "inside-not-seen" && !strings.Contains(health.Problems[0].About["why"], "the agent said no") {
			t.Errorf("%s: %v", id, health.Problems)
		}
	}
	if after := h.Snapshot(); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	other := o
	other.Target.Name = "nobody"
	if _, err := Check(context.Background(), CheckOptions{Options: other}); !errors.Is(err, ErrNoHost) {
		t.Errorf("a server that the book does not know: %v", err)
	}
	h.Exec("rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; systemctl restart ssh")
	var changed *HostKeyError
	if _, err := Check(context.Background(), CheckOptions{Options: o}); !errors.As(err, &changed) || !changed.Changed {
		t.Errorf("another server answers: %v", err)
	}
}
