package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"kagiban/hostsetup"
)

// screened is a board on a terminal of that size, whose clock goes on by a second at each look.
func screened(width, height, hosts int) (*board, *bytes.Buffer) {
	var out bytes.Buffer
	now := time.Unix(1_700_000_000, 0)
	b := &board{talk: &out, now: func() time.Time { now = now.Add(time.Second); return now }, size: func() (int, int) { return width, height }, rows: make([]row, hosts)}
	for i := range b.rows {
		b.rows[i].host = fmt.Sprintf("web%02d", i+1)
	}
	return b, &out
}

func TestBoardTable(t *testing.T) {
	b, out := screened(60, 10, 3)
	b.begin(0)
	b.begin(2)
	b.step(0, hostsetup.Step{Name: "prove", OK: true})
	b.end(2, "failed", 1)
	b.refresh(false)
	want := "  web01  key proved               3 s\n  web02\n  web03  failed                   1 s\n3 hosts: 0 done, 1 failed, 1 under way, 1 waiting\n"
	if got := out.String(); got != want {
		t.Errorf("the table is\n%s, want\n%s", got, want)
	}
	out.Reset()
	if b.refresh(false) || out.Len() > 0 {
		t.Error("it is drawn again although nothing happened")
	}
	b.step(0, hostsetup.Step{Name: "record", OK: true})
	b.refresh(false)
	if got := out.String(); !strings.HasPrefix(got, "\r\x1b[4A\x1b[J  web01  recorded ") {
		t.Errorf("it is not drawn over itself: %q", got)
	}
}

// TestBoardSilent: a host that does not answer says so in its row, and above plain lines; beside a question only in its row.
func TestBoardSilent(t *testing.T) {
	b, out := screened(60, 10, 1)
	b.begin(0)
	b.silent(0, time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local))
	b.refresh(false)
	if got := out.String(); !strings.HasPrefix(got, "  web01  no answer, back 03:04:05 ") {
		t.Errorf("the row is %q", got)
	}
	b.erase()
	b.size = nil
	out.Reset()
	b.silent(0, time.Time{})
	if got := out.String(); !strings.HasPrefix(got, "web01: nothing has come from there for 10 s; ") || !strings.HasSuffix(got, "sshd there is as it was\n") {
		t.Errorf("the line is %q", got)
	}
	out.Reset()
	over := b.question()
	b.silent(0, time.Time{})
	if over(); out.Len() > 0 {
		t.Errorf("beside a question: %q", out)
	}
}

// TestBoardQuestion: while a question is open nothing comes on the screen, and what was to be said comes after it.
func TestBoardQuestion(t *testing.T) {
	b, out := screened(60, 10, 2)
	b.begin(0)
	b.refresh(true)
	over := b.question()
	out.Reset()
	b.step(1, hostsetup.Step{Name: "login", OK: true})
	b.say(out, "meanwhile")
	b.refresh(true)
	if out.Len() > 0 {
		t.Errorf("on the screen beside a question: %q", out)
	}
	over()
	b.refresh(true)
	if got := out.String(); !strings.HasPrefix(got, "meanwhile\n  web01 ") {
		t.Errorf("after it: %q", got)
	}
}

// TestBoardSmall: more hosts than lines, and a window that is made narrower below the table.
func TestBoardSmall(t *testing.T) {
	width := 40
	b, out := screened(0, 0, 50)
	b.size = func() (int, int) { return width, 5 }
	for i := range 40 {
		b.begin(i)
	}
	for i := range 38 {
		b.end(i, "key-only", 0)
	}
	b.refresh(true)
	if got := out.String(); strings.Count(got, "\n") != 3 || !strings.Contains(got, "web39") || !strings.Contains(got, "web40") || !strings.Contains(got, "50 hosts: 38 done, 0 failed") {
		t.Errorf("the table is\n%s", got)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > width {
			t.Errorf("a line of %d in a window of %d", len(line), width)
		}
	}
	width = 20 // 31, 31 and 39 columns take two rows each now
	out.Reset()
	b.refresh(true)
	if got := out.String(); !strings.HasPrefix(got, "\r\x1b[6A\x1b[J") {
		t.Errorf("after the window was made narrower: %q", got)
	}
}

// TestBoardPlain: without a terminal each step is a line that names its host, where there are several.
func TestBoardPlain(t *testing.T) {
	for hosts, want := range map[int]string{1: "  ok    key proved      by a login\n", 2: "web01: ok    key proved      by a login\n"} {
		b, out := screened(0, 0, hosts)
		b.size = nil
		b.begin(0)
		b.step(0, hostsetup.Step{Name: "prove", OK: true, Detail: "by a login"})
		if got := out.String(); got != want {
			t.Errorf("%d hosts: %q, want %q", hosts, got, want)
		}
	}
}
