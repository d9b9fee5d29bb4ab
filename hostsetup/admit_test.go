package hostsetup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/remote"
	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// TestAdmitWeak: a key that is too easily broken is refused before anything is done.
func TestAdmitWeak(t *testing.T) {
	key, _, err := ReadPublicKey([]byte(contents(t, "testdata/dsa.pub")))
	if err != nil {
		t.Fatal(err)
	}
	var weak *PublicKeyError
	if r, err := Admit(context.Background(), AdmitOptions{Guest: key}); !errors.As(err, &weak) || weak.Why != PublicWeak || r.Verdict != Failed {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestAdmit: a guest's key is let in on a server that is key-only. Whatever goes wrong on the way is taken back to the byte, drop-in or not.
func TestAdmit(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	if r, err := Add(context.Background(), o); err != nil || r.Verdict != KeyOnly {
		t.Fatalf("%+v, %v", r, err)
	}
	const keys = "/home/owner/.ssh/authorized_keys"
	guest, before := ground.Signer(t), h.Snapshot()
	o.Comment = "guest"
	admit := func(proof ssh.Signer, after string, do func(stop func())) (Result, error) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		a := AdmitOptions{Options: o, Guest: guest.PublicKey(), Proof: proof}
		if after == "plan" {
			a.Person = &meddler{a.Person, func() { do(stop) }}
		}
		a.Steps = func(s Step) {
			t.Log(s)
			if s.Name == after && s.OK {
				do(stop)
			}
		}
		return Admit(ctx, a)
	}
	nothing := func(func()) {}
	for name, s := range map[string]struct {
		proof ssh.Signer
		after string
		do    func(stop func())
		as    func(error) bool
		back  string // on the server: what else was done there is undone
	}{
		"interrupted": {nil, "install", func(stop func()) { stop() }, func(err error) bool { return errors.Is(err, context.Canceled) }, ""},
		"the proof is another key's": {ground.Signer(t), "", nothing, func(err error) bool {
			var refused *KeyRefusedError
			return errors.As(err, &refused)
		}, ""},
		"its line is gone": {nil, "install", func(func()) { h.Exec("sed -i '$d' " + keys) }, keygone, ""},
		"its line is bound meanwhile": {nil, "install", func(func()) { h.Exec("sed -i 's/^.* guest$/restrict &/' " + keys) }, keygone,
			"sed -i '$d' " + keys},
		"somebody else writes before it": {nil, "plan", func(func()) { h.Exec("echo '# a note' >>" + keys) }, func(err error) bool {
			var failure *remote.Failure
			return errors.As(err, &failure) && failure.What == "changed"
		}, "sed -i '$d' " + keys},
	} {
		r, err := admit(s.proof, s.after, s.do)
		if err == nil || !s.as(err) || r.Verdict != Undone && s.after != "plan" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		h.Exec(s.back + "\ntrue")
		if after := h.Snapshot(); after != before {
			t.Fatalf("%s: the server is not as it was:\n%s\n%s", name, before, after)
		}
	}

	r, err := admit(guest, "", nothing)
	page, bookErr := o.Book.Find("vps")
	if err != nil || r.Verdict != Installed || bookErr != nil || !slices.Contains(page.Proved, fingerprint(guest.PublicKey())) || !page.KeyOnly {
		t.Errorf("%+v, %v; the book has %+v, %v", r, err, page, bookErr)
	}
	if line := h.Exec("tail -n 1 " + keys); !strings.HasPrefix(line, "ssh-ed25519 ") || !strings.HasSuffix(line, " guest\n") {
		t.Errorf("the line is %q", line)
	}
}

// meddler does something on the server while its owner looks at the plan.
type meddler struct {
	Person
	do func()
}

func (m *meddler) Approve(context.Context, Plan) error {
	m.do()
	return nil
}

func keygone(err error) bool {
	var failure *remote.Failure
	return errors.As(err, &failure) && failure.What == "keygone"
}

// TestQueryRealSSHD: sshd says of keys of every kind whether it would take them, and logs in who asked.
func TestQueryRealSSHD(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	o.NoEnforce = true
	if _, err := Add(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	var all []ssh.PublicKey
	want := []bool{}
	for i, s := range []struct {
		kind   []string
		before string // on its line; "-": there is none
	}{
		{[]string{"ed25519"}, ""}, {[]string{"rsa", "-b", "3072"}, ""}, {[]string{"ecdsa", "-b", "521"}, `command="date" `},
		{[]string{"rsa", "-b", "2048"}, "-"}, {[]string{"ed25519"}, `from="192.0.2.1" `}, {[]string{"ecdsa"}, "#"},
	} {
		line := contents(t, keygen(t, append([]string{"-N", "", "-t"}, s.kind...)...)+".pub")
		key, _, err := ReadPublicKey([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if s.before != "-" {
			h.Exec("echo '" + s.before + strings.TrimSpace(line) + "' >>/home/owner/.ssh/authorized_keys")
		}
		all, want = append(all, key), append(want, i < 3)
	}
	d := &dialer{target: o.Target, identity: mustIdentity(t, o)}
	got, c, err := d.query(context.Background(), auth{user: h.User, signers: []ssh.Signer{o.Key}}, all...)
	if err != nil || !slices.Equal(got, want) || c == nil {
		t.Fatalf("%v, %v; want %v", got, err, want)
	}
	_ = c.Close()
	if log := h.Exec("journalctl -u ssh --no-pager -o cat | grep -c 'Failed publickey' || true"); log != "0\n" {
		t.Errorf("%s refusals stand where fail2ban reads", strings.TrimSpace(log))
	}
}
