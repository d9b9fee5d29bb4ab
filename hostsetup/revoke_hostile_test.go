package hostsetup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// TestRevokeStays: the key that stays is taken off by another computer while the person thinks. Then the lost key is the last, and nothing goes.
func TestRevokeStays(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	lost := ground.Signer(t)
	both := keyLine(o.Key, "laptop") + keyLine(lost, "lost")
	put(h, "owner", authorized, both)
	var refused *StaysRefusedError
	r, err := revocation(h, o, lost, func() { put(h, "owner", authorized, keyLine(lost, "lost")) })
	if left := h.Exec("cat " + authorized); !errors.As(err, &refused) || r.Done || left != keyLine(lost, "lost") {
		t.Errorf("%v, left: %q", err, left)
	}
	// It opens the account still, by another file: the person has not seen that the first is left without it.
	put(h, "owner", authorized, both)
	put(h, "owner", authorized+"2", keyLine(o.Key, "laptop"))
	var failure *Failure
	r, err = revocation(h, o, lost, func() { put(h, "owner", authorized, keyLine(lost, "lost")) })
	if left := h.Exec("cat " + authorized); !errors.As(err, &failure) || failure.What != "changed" || r.Done || left != keyLine(lost, "lost") {
		t.Errorf("one of two files: %v, left: %q", err, left)
	}
}

// neighbours are other people: bob changes his file all the time, and the other keys that he has are bound.
const neighbours = `for who in bob cid; do useradd -m -s /bin/bash $who; done
mkdir -p -m 700 /home/owner/.shut
sed -i '1i AuthorizedKeysFile .ssh/authorized_keys .shut/keys' /etc/ssh/sshd_config
`

// TestRevokeNeighbours: nobody keeps a key on the others' accounts by what they do with their own.
func TestRevokeNeighbours(t *testing.T) {
	h := vpstest.Up(t, neighbours, "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	o.OthersLose = true
	lost, other := ground.Signer(t), ground.Signer(t)
	put(h, "owner", authorized, keyLine(o.Key, "laptop")+keyLine(lost, "lost"))
	const bobs, cids = "/home/bob/.ssh/authorized_keys", "/home/cid/.ssh/authorized_keys"
	put(h, "bob", bobs, keyLine(lost, "lost")+`expiry-time="20200101" `+keyLine(other, "")+`command="true" `+keyLine(ground.Signer(t), "")+"cert-authority "+keyLine(ground.Signer(t), ""))
	put(h, "cid", cids, keyLine(lost, "lost")+"no-pty "+keyLine(other, "cid"))
	h.Exec("mv /usr/bin/cksum /usr/bin/cksum.real; printf '#!/bin/sh\\n[ $(id -un) != bob ] || echo \"# one more\" >>" + bobs + "\\nexec cksum.real\\n' >/usr/bin/cksum; chmod 755 /usr/bin/cksum") // bob's file is another each time that it is compared
	var plan Revocation
	r, err := Revoke(context.Background(), RevokeOptions{Options: o, Lost: []ssh.PublicKey{lost.PublicKey()}, Approve: func(_ context.Context, r Revocation) error {
		plan = r
		return nil
	}})
	var half *HalfRevokedError
	if !errors.As(err, &half) || r.Done || !slices.Equal(half.Files, []string{bobs}) {
		t.Errorf("%+v, %v", r, err)
	}
	if left := h.Exec("cat " + authorized + " " + cids); left != keyLine(o.Key, "laptop")+"no-pty "+keyLine(other, "cid") {
		t.Errorf("left: %s", left)
	}
	if len(plan.Losing) != 1 || plan.Losing[0].Name != "bob" || !strings.Contains(plan.Losing[0].Why, "are bound") {
		t.Errorf("losing: %+v", plan.Losing)
	}
	h.Exec("rm " + bobs + "; mv /usr/bin/cksum.real /usr/bin/cksum")

	// A program that is called sshd is none; and what sshd itself was told is read up to a size.
	h.Exec("printf 'AuthorizedKeysCommand /evil\\n' >/tmp/evil; printf '#!/bin/sh\\nsleep 600\\n' >/tmp/sshd; chmod 755 /tmp/sshd; /tmp/sshd -f /tmp/evil >/dev/null 2>&1 &")
	h.Exec("{ cat /etc/ssh/sshd_config; yes '# filler' | head -c 9000000; } >/root/huge; $(command -v sshd) -f /root/huge -p 2222 -o PidFile=none")
	r, err = revocation(h, o, lost, nil)
	if err != nil || len(r.Doors) > 0 || !slices.Equal(r.Unseen, []string{"sshd: /root/huge cannot be read"}) {
		t.Errorf("%+v, %v", r, err)
	}
	h.Exec("kill $(pgrep -f '[s]shd.* -p 2222')")

	// What sshd hands out for root alone is seen on the wire.
	h.Exec("printf '#!/bin/sh\\n[ $1 != root ] || cat /etc/ssh/list\\n' >/usr/local/bin/list && chmod 755 /usr/local/bin/list && sed -i '1i AuthorizedKeysCommand /usr/local/bin/list %u\\nAuthorizedKeysCommandUser nobody' /etc/ssh/sshd_config && " + vpstest.Reload)
	h.Exec("echo '" + strings.TrimSpace(keyLine(lost, "lost")) + "' >/etc/ssh/list")
	var still *StillTakenError
	if r, err = revocation(h, o, lost, nil); !errors.As(err, &still) || !strings.HasPrefix(still.Account, "root@") {
		t.Errorf("root: %+v, %v", r, err)
	}
	h.Exec("rm /etc/ssh/list")

	// A folder that cannot be entered is not an empty one.
	h.Exec("mv /usr/bin/sudo /usr/bin/sudo.off")
	o.Person = rootless{o.Person}
	if r, err = revocation(h, o, lost, nil); err != nil || !slices.Contains(r.Unseen, "owner: /home/owner/.shut cannot be read") {
		t.Errorf("a folder that is shut: %+v, %v", r, err)
	}
}
