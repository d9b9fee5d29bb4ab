package hostsetup

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/scripts/vpstest"
)

// TestCksum: as cksum(1) has it.
func TestCksum(t *testing.T) {
	for _, text := range []string{"", "a", "abc\n", strings.Repeat("x", 70000), "\xff\x00\n"} {
		c := exec.Command("cksum")
		c.Stdin = strings.NewReader(text)
		out, err := c.Output()
		if err != nil {
			t.Skip("needs cksum")
		}
		if got := cksum(text); got != strings.TrimSpace(string(out)) {
			t.Errorf("%.10q: %s, want %s", text, got, out)
		}
	}
}

// put writes a file of the user's keys on the host.
func put(h *vpstest.Host, user, path, text string) {
	h.Exec("mkdir -p \"$(dirname " + path + ")\"; cat >" + path + " <<'KEYS'\n" + text + "KEYS\nchmod 600 " + path + "; chown -R " + user + ": \"$(dirname " + path + ")\"")
}

func keyLine(key ssh.Signer, comment string) string {
	return authkeys.Format(key.PublicKey(), comment) + "\n"
}

// TestRevoke: the lost key goes from the login's file and from root's, and nothing else does.
func TestRevoke(t *testing.T) {
	h := vpstest.Up(t, "")
	o := options(t, h, &person{password: h.Password()})
	lost, other := newKey(t), newKey(t)
	put(h, "owner", "/home/owner/.ssh/authorized_keys", keyLine(o.Key, "laptop")+keyLine(lost, "lost")+"restrict "+keyLine(lost, "again")+keyLine(other, "other"))
	put(h, "owner", "/home/owner/.ssh/authorized_keys2", "# two\n"+keyLine(lost, "lost"))
	put(h, "root", "/root/.ssh/authorized_keys", keyLine(lost, "lost"))
	var shown Revocation
	r, err := Revoke(context.Background(), RevokeOptions{Options: o, Lost: []ssh.PublicKey{lost.PublicKey()}, Approve: func(_ context.Context, r Revocation) error {
		shown = r
		return nil
	}})
	t.Logf("%+v", r)
	if err != nil || !r.Done || !r.Taken || len(r.Unseen) > 0 || len(shown.Files) != 3 || r.Lines() != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
	if left := h.Exec("cat /home/owner/.ssh/authorized_keys /home/owner/.ssh/authorized_keys2 /root/.ssh/authorized_keys; stat -c '%a %U:%G' /home/owner/.ssh/* /root/.ssh/*; ls -A /home/owner/.ssh /root/.ssh"); left !=
		keyLine(o.Key, "laptop")+keyLine(other, "other")+"# two\n"+"600 owner:owner\n600 owner:owner\n600 root:root\n/home/owner/.ssh:\nauthorized_keys\nauthorized_keys2\n\n/root/.ssh:\nauthorized_keys\n" {
		t.Errorf("left: %s", left)
	}
}
