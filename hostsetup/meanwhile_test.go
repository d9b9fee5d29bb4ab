package hostsetup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// TestBrokenMeanwhile: somebody breaks sshd's configuration between our look at it and our change. That change is taken back at once and the cause is
// named, with --no-root, too: what is broken there is not ours to wait for.
func TestBrokenMeanwhile(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	o.NoRoot = true
	steps := o.Steps
	o.Steps = func(s Step) {
		steps(s)
		if s.Name == "rehearse" {
			h.Exec("cp -p /etc/ssh/sshd_config /root/good; echo Bogus line >>/etc/ssh/sshd_config")
		}
	}
	begun := time.Now()
	r, err := Add(context.Background(), o)
	var undone *UndoneError
	if r.Verdict != Undone && r.Verdict != Failed || !errors.As(err, &undone) || !strings.Contains(err.Error(), "Bogus") {
		t.Errorf("%v, %v", r.Verdict, err)
	}
	if took := time.Since(begun); took > 40*time.Second { // it would be 60 s, and the undo would go on waiting
		t.Errorf("it took %v", took)
	}
	h.Exec("cat /root/good >/etc/ssh/sshd_config; rm /root/good")
	if left := h.Exec("ls -d /run/kagiban/*/ /etc/ssh/sshd_config.d/00-kagiban.conf /home/owner/.ssh/authorized_keys 2>/dev/null || true"); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// TestFirstConnectionGone: the connection that a run came in by may die before its end; the host keys that the book has stay there.
func TestFirstConnectionGone(t *testing.T) {
	h := vpstest.Up(t, "", "sudo=nopasswd")
	o := options(t, h, &person{password: h.Password()})
	if _, err := Add(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	before, err := o.Book.Find("vps")
	if err != nil || len(before.HostKeys) != 3 {
		t.Fatalf("%d host keys, %v", len(before.HostKeys), err)
	}
	for _, step := range []string{"enforce", "confirm"} {
		h.Exec("rm -f /etc/ssh/sshd_config.d/00-kagiban.conf; " + vpstest.Reload)
		steps := o.Steps
		o.Steps = func(s Step) {
			steps(s)
			if s.Name == step {
				which := "-o" // the oldest
				if step == "confirm" {
					which = "-n" // the newest: it is asked for the host keys
				}
				h.Exec("kill $(pgrep " + which + " -f '[s]shd: owner@notty')")
			}
		}
		r, err := Add(context.Background(), o)
		if err != nil || r.Verdict != KeyOnly {
			t.Fatalf("killed after %s: %v, %v", step, r.Verdict, err)
		}
		o.Steps = steps
		if after, err := o.Book.Find("vps"); err != nil || !slices.Equal(after.HostKeys, before.HostKeys) {
			t.Errorf("killed after %s: %q, %v; want %q", step, after.HostKeys, err, before.HostKeys)
		}
	}
}
