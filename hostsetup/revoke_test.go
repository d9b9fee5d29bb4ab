package hostsetup

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// TestCksum: as cksum(1) has it.
func TestCksum(t *testing.T) {
	for _, text := range []string{"", "a", "abc\n", strings.Repeat("x", 70000), "\xff\x00\n"} {
		c := exec.Command(ground.Program(t, "cksum", "coreutils"))
		c.Stdin = strings.NewReader(text)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := cksum(text); got != strings.TrimSpace(string(out)) {
			t.Errorf("%.10q: %s, want %s", text, got, out)
		}
	}
}

// TestActor: root writes where nobody else can put a link in its way, an account in a folder of its own, and else nobody.
func TestActor(t *testing.T) {
	folders := func(file, folder, home mode) []mode { return []mode{file, folder, home, {bits: 0o755}, {bits: 0o755}} }
	roots, bobs, eves := mode{bits: 0o755}, mode{bits: 0o700, uid: 1001, gid: 1001}, mode{bits: 0o700, uid: 1002, gid: 1002}
	k := keyring{root: true, owners: map[string]account{"root": {owner: owner{name: "root"}}, "bob": {owner: owner{name: "bob", uid: 1001, gid: 1001}},
		"eve": {owner: owner{name: "eve", uid: 1002, gid: 1002}}}}
	const list = "/etc/ssh/keys/bob"
	for _, c := range []struct {
		name string
		held []heldFile
		want string
	}{
		{"bob's own", []heldFile{{"bob", "f", "f", "", folders(bobs, bobs, bobs), folders(bobs, bobs, bobs)}}, "bob"},
		{"a folder of root's", []heldFile{{"bob", list, list, "", folders(roots, roots, roots), folders(roots, roots, roots)}}, "root"},
		{"one that a group may write to", []heldFile{{"bob", list, list, "", folders(roots, mode{bits: 0o775}, roots), folders(roots, mode{bits: 0o775}, roots)}}, ""},
		{"eve's link to it", []heldFile{{"eve", "e", list, "", folders(roots, eves, eves), folders(roots, roots, roots)}}, ""},
		{"that, and bob's own name for it", []heldFile{{"eve", "e", list, "", folders(roots, eves, eves), folders(roots, roots, roots)},
			{"bob", list, list, "", folders(roots, roots, roots), folders(roots, roots, roots)}}, "root"},
		{"eve's link to bob's", []heldFile{{"eve", "e", "f", "", folders(bobs, eves, eves), folders(bobs, bobs, bobs)},
			{"bob", "f", "f", "", folders(bobs, bobs, bobs), folders(bobs, bobs, bobs)}}, "bob"},
		{"root's link to bob's", []heldFile{{"root", "r", "f", "", folders(bobs, roots, roots), folders(bobs, bobs, bobs)}}, ""},
		{"root's link to its own", []heldFile{{"root", "r", "l", "", folders(roots, roots, roots), folders(roots, roots, roots)}}, "root"},
		{"root's file in bob's folder", []heldFile{{"bob", "f", "f", "", folders(roots, bobs, bobs), folders(roots, bobs, bobs)}}, ""},
		{"bob's file in root's folder in his home", []heldFile{{"bob", "f", "f", "", folders(bobs, roots, bobs), folders(bobs, roots, bobs)}}, ""},
	} {
		got, ok := k.actor(change{held: c.held}, "owner")
		if got.name != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.name, got.name, c.want)
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
	lost, other := ground.Signer(t), ground.Signer(t)
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

// revocation is one run that takes lost off h.
func revocation(h *vpstest.Host, o Options, lost ssh.Signer, approve func()) (Revocation, error) {
	return Revoke(context.Background(), RevokeOptions{Options: o, Lost: []ssh.PublicKey{lost.PublicKey()}, Approve: func(context.Context, Revocation) error {
		if approve != nil {
			approve()
		}
		return nil
	}})
}

const authorized = "/home/owner/.ssh/authorized_keys"

// TestRevokeMeanwhile: somebody writes to the file while the plan is looked at. What they added stays; where it is the lost key once more, nothing
// is changed that the person has not seen.
func TestRevokeMeanwhile(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	lost, other := ground.Signer(t), ground.Signer(t)
	put(h, "owner", authorized, keyLine(o.Key, "laptop")+keyLine(lost, "lost"))
	appends := func(line string) func() {
		return func() { h.Exec("echo '" + strings.TrimSpace(line) + "' >>" + authorized) }
	}
	// su is left for root to become another: setpriv is one that has less of it.
	h.Exec("mv /usr/bin/setpriv /usr/bin/setpriv.real && printf '#!/bin/sh\\n[ \"$1\" = --help ] || exec setpriv.real \"$@\"\\n' >/usr/bin/setpriv && chmod 755 /usr/bin/setpriv; rm -f /usr/sbin/runuser /sbin/runuser")
	r, err := revocation(h, o, lost, appends("restrict "+keyLine(lost, "again")))
	var failure *Failure
	if want := keyLine(o.Key, "laptop") + keyLine(lost, "lost") + "restrict " + keyLine(lost, "again"); !errors.As(err, &failure) || failure.What != "changed" || r.Done || h.Exec("cat "+authorized) != want {
		t.Errorf("the lost key once more: %v, %q", err, h.Exec("cat "+authorized))
	}
	r, err = revocation(h, o, lost, appends(keyLine(other, "new")))
	if want := keyLine(o.Key, "laptop") + keyLine(other, "new"); err != nil || !r.Done || h.Exec("cat "+authorized) != want {
		t.Errorf("another's line: %v, %q", err, h.Exec("cat "+authorized))
	}
}

// TestRevokeWhatIsLeft: a line with from= only looks refused, so the files tell; a program that sshd asks gives the key away still, and is named; and
// without root the other accounts are named that were not seen.
func TestRevokeWhatIsLeft(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	lost := ground.Signer(t)
	for _, key := range []ssh.Signer{o.Key, lost} {
		var inUse *KeyInUseError
		var refused *StaysRefusedError
		if _, err := revocation(h, o, key, nil); !errors.As(err, &inUse) && !errors.As(err, &refused) || errors.As(err, &inUse) != (key == o.Key) {
			t.Errorf("before our key opens it: %v", err)
		}
	}
	put(h, "owner", authorized, keyLine(o.Key, "laptop")+`from="192.0.2.7" `+keyLine(lost, "lost"))
	if r, err := revocation(h, o, lost, nil); err != nil || !r.Done || r.Taken || r.Lines() != 1 || h.Exec("cat "+authorized) != keyLine(o.Key, "laptop") {
		t.Errorf("from=: %+v, %v", r, err)
	}

	// What is told is read again, and not believed.
	put(h, "owner", authorized, keyLine(o.Key, "laptop")+`from="192.0.2.7" `+keyLine(lost, "lost"))
	h.Exec("cp /bin/mv /bin/mv.real && printf '#!/bin/sh\\nrm -f \"$2\"\\n' >/bin/mv")
	var half *HalfRevokedError
	if r, err := revocation(h, o, lost, nil); !errors.As(err, &half) || r.Done || !slices.Contains(half.Files, authorized) {
		t.Errorf("the file stayed as it was: %+v, %v", r, err)
	}
	h.Exec("/bin/mv.real /bin/mv.real /bin/mv")

	h.Exec("printf '#!/bin/sh\\ncat /etc/ssh/list\\n' >/usr/local/bin/list && chmod 755 /usr/local/bin/list && sed -i '1i AuthorizedKeysCommand /usr/local/bin/list\\nAuthorizedKeysCommandUser nobody' /etc/ssh/sshd_config && " + vpstest.Reload)
	h.Exec("echo '" + strings.TrimSpace(keyLine(lost, "lost")) + "' >/etc/ssh/list")
	put(h, "owner", authorized, keyLine(o.Key, "laptop")+keyLine(lost, "lost"))
	r, err := revocation(h, o, lost, nil)
	var still *StillTakenError
	if !errors.As(err, &still) || r.Done || len(still.Doors) != 1 || still.Doors[0].ID != "door-command" || still.Doors[0].About["where"] != "/etc/ssh/sshd_config:1" {
		t.Errorf("a program: %+v, %v", r, err)
	}
	h.Exec("echo >/etc/ssh/list; echo 'cert-authority " + strings.TrimSpace(keyLine(lost, "lost")) + "' >>" + authorized)
	if r, err = revocation(h, o, lost, nil); err != nil || !r.Done || len(r.Files) > 0 || len(r.Doors) != 2 || r.Doors[1].ID != "door-authority-lost" {
		t.Errorf("an authority's line: %+v, %v", r, err)
	}

	put(h, "owner", authorized, keyLine(o.Key, "laptop")+keyLine(lost, "lost"))
	put(h, "root", "/root/.ssh/authorized_keys", keyLine(lost, "lost"))
	h.Exec("mv /usr/bin/sudo /usr/bin/sudo.off")
	o.Person = rootless{o.Person}
	r, err = revocation(h, o, lost, nil)
	if !errors.As(err, &still) || !strings.HasPrefix(still.Account, "root@") || len(r.Files) != 1 || len(r.Unseen) != 1 || !strings.Contains(r.Unseen[0], "every account but owner") {
		t.Errorf("without root: %+v, %v", r, err)
	}
	if left := h.Exec("cat " + authorized + " /root/.ssh/authorized_keys"); left != keyLine(o.Key, "laptop")+keyLine(lost, "lost") {
		t.Errorf("without root: %s", left)
	}
}

// rootless has no password for su.
type rootless struct{ Person }

func (rootless) RootPassword(context.Context, RootQuestion) ([]byte, error) {
	return nil, ErrNoPassword
}

// TestRevokeSpellings: an RSA key is asked about by what sshd takes of it today; and a key goes however its line is written, as long as
// sshd takes it so: which is seen first.
func TestRevokeSpellings(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd", "init=sysv")
	o := options(t, h, &person{password: h.Password()})
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	big, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	small := ground.Signer(t)
	type numbers struct {
		Name string
		E, N []byte
	}
	var of numbers
	if err := ssh.Unmarshal(big.PublicKey().Marshal(), &of); err != nil {
		t.Fatal(err)
	}
	point := small.PublicKey().Marshal()[19:]
	line := func(name string, fields any) string {
		return name + " " + base64.StdEncoding.EncodeToString(ssh.Marshal(fields)) + " someone\n"
	}
	zeros := func(n int, b []byte) []byte { return append(make([]byte, n), b...) }
	plain := strings.TrimSpace(keyLine(small, ""))
	for _, c := range []struct {
		name, text string
		lost       ssh.Signer
	}{
		{"RSA", keyLine(big, "lost"), big},
		{"zeros before e", line("ssh-rsa", numbers{"ssh-rsa", zeros(2, of.E), of.N}), big},
		{"zeros before n", line("ssh-rsa", numbers{"ssh-rsa", of.E, zeros(1, of.N)}), big},
		{"zeros before both, a short name", line("ssh-rsa", numbers{"RSA", zeros(1, of.E), zeros(3, of.N)}), big},
		{"a form feed in the blob", plain[:40] + "\f\r" + plain[40:50] + "\v" + plain[50:] + "\n", small},
		{"a short name in the blob", line("ssh-ed25519", struct{ Name, Point string }{"Ed25519", string(point)}), small},
	} {
		put(h, "owner", authorized, c.text+keyLine(o.Key, "laptop"))
		if r, err := revocation(h, o, c.lost, nil); err != nil || !r.Done || !r.Taken || h.Exec("cat "+authorized) != keyLine(o.Key, "laptop") {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
	}
}
