package hostsetup

import (
	"bytes"
	"context"
	"io"
	"testing"

	"kagiban/hostsetup/remote"
	"kagiban/scripts/vpstest"
)

// TestPassage: programs are spoken with through the one shell that root has on a connection. It is kept when a program has ended, by itself or by the end
// of its input, and given up when one does not end.
func TestPassage(t *testing.T) {
	h := vpstest.Up(t, "")
	ctx := context.Background()
	o := options(t, h, &person{password: h.Password()})
	s, err := begin(&o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.arrive(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.survey(ctx); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 20000)
	for i := range said {
		said[i] = byte(i * i >> 5)
	}
	shell := s.root.shells[s.first]
	for _, c := range []struct {
		program string
		kept    bool
	}{{"cat", true}, {"head -c 20000; id -u >/dev/null", true}, {"true", true}, {"cat; sleep 1000", false}, {"cat", true}} {
		x, err := s.root.through(ctx, s.first, c.program)
		if err != nil {
			t.Fatal(c.program, err)
		}
		if _, err := x.Write(said); err != nil {
			t.Fatal(c.program, err)
		}
		if c.program != "true" {
			heard := make([]byte, len(said))
			if _, err := io.ReadFull(x, heard); err != nil || !bytes.Equal(heard, said) {
				t.Errorf("%s: what came back is not what was said: %v", c.program, err)
			}
		} else if n, err := x.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a program that has ended: %d bytes, %v", n, err)
		}
		if err := x.Close(); (err == nil) != c.kept {
			t.Errorf("%s: %v", c.program, err)
		}
		if n, err := x.Write([]byte("late")); n != 0 || err == nil {
			t.Errorf("after the end of %s %d bytes went to the shell: %v", c.program, n, err)
		}
		now := s.root.shells[s.first]
		if (now == shell) != c.kept {
			t.Errorf("%s: the shell is kept: %v", c.program, now == shell)
		}
		if _, err := s.root.do(ctx, s.first, remote.Inspect, s.facts.user, s.facts.client, s.facts.server, s.facts.port); err != nil {
			t.Errorf("after %s: %v", c.program, err)
		}
		shell = s.root.shells[s.first]
	}
}
