package hostsetup

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

// TestQuestions: what is taken for a question for a password, and what is not. The noise of a login shell never is.
func TestQuestions(t *testing.T) {
	for _, c := range []struct {
		way    string
		said   []string // as it arrives
		asked  []string // whose password
		beyond string   // what is told of it
	}{
		{"sudo", []string{"KG1-begins\n", "KG1-password-of-owner:"}, []string{"owner"}, ""},
		{"sudo", []string{"KG1-begins\nKG1-pass", "word-of-root:", "\nSorry, try again.\nKG1-password-of-root:"}, []string{"root", "root"}, "Sorry, try again."},
		{"sudo", []string{"KG1-begins\n", "Password: ", "KG2-password-of-owner:"}, nil, "Password: KG2-password-of-owner:"},
		{"su", []string{"KG1-begins\r\n", "Password: "}, []string{""}, ""},
		{"su", []string{"KG1-begins\r\nPass", "word:"}, []string{""}, ""},
		{"su", []string{"Password: ", "KG1-begins\r\n"}, nil, ""},
		{"su", []string{"KG1-begins\r\nPassword: \r\nsu: Authentication failure\r\n"}, nil, "Password: su: Authentication failure"},
		{"su", []string{"KG1-begins\r\nYour password: it is old\r\n"}, nil, "Your password: it is old"},
		{"su", []string{"KG1-begins\r\nNew password: "}, nil, "New password:"},
		{"su", []string{"KG1-begins\r\n", "Password for root@EXAMPLE.ORG: "}, []string{""}, ""},
		{"doas", []string{"KG1-begins\r\n", "\rdoas (owner@vps) password: "}, []string{""}, ""},
	} {
		w := way{name: c.way}
		h := &talk{begins: begins("KG1"), asks: w.question("KG1"), asked: make(chan string, 8)}
		for _, said := range c.said {
			_, _ = h.Write([]byte(said)) // it takes everything
		}
		close(h.asked)
		var asked []string
		for whose := range h.asked {
			asked = append(asked, whose)
		}
		if strings.Join(asked, ",") != strings.Join(c.asked, ",") || len(asked) != len(c.asked) || h.text() != c.beyond {
			t.Errorf("%s %q: asked %q, told %q", c.way, c.said, asked, h.text())
		}
	}
}

// TestNothingIsToldOfAPassword: not even if the other side repeats it.
func TestNothingIsToldOfAPassword(t *testing.T) {
	h := &talk{}
	h.hide(nil)
	h.hide([]byte("correct horse"))
	_, _ = h.Write([]byte("sh: 1: correct horse: not found\n"))
	if got := h.text(); got != "sh: 1: (the password): not found" {
		t.Errorf("%q", got)
	}
}

// TestWaitFor: what comes before the word is heard as it comes, what comes behind it is left.
func TestWaitFor(t *testing.T) {
	in, out := io.Pipe()
	r, heard := bufio.NewReader(in), &talk{asks: way{name: "su"}.question(""), asked: make(chan string, 1)}
	go func() {
		for _, part := range []string{"xKG1\nnoise\r\nPass", "word: "} {
			_, _ = out.Write([]byte(part))
		}
		<-heard.asked // before any line end
		for _, part := range []string{"\r\nKG", "1\r", "\nbehind\n"} {
			_, _ = out.Write([]byte(part))
		}
	}()
	if err := waitFor(r, "KG1", heard); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); line != "behind\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	if err := waitFor(bufio.NewReader(strings.NewReader(strings.Repeat("noise", complaintLimit))), "KG1", heard); err == nil {
		t.Error("endless noise is listened to")
	}
}

// TestWhyNot: sudo, doas and su in their own words.
func TestWhyNot(t *testing.T) {
	for _, c := range []struct {
		way, said, why  string
		wrong, terminal bool
	}{
		{way: "sudo", said: "owner is not in the sudoers file.  This incident will be reported.", why: "owner is not in the sudoers file"},
		{way: "sudo", said: "We trust you.\nSorry, user owner is not allowed to execute '/bin/sh -c echo' as root on vps.", why: "owner may run only some commands by it"},
		{way: "sudo", said: "Sorry, user owner may not run sudo on vps.", why: "owner may run only some commands by it"},
		{way: "sudo", said: "sudo: sorry, you must have a tty to run sudo", why: "it wants a terminal", terminal: true},
		{way: "sudo", said: "Sorry, try again.\nsudo: 3 incorrect password attempts", why: "the password was not it", wrong: true},
		{way: "sudo", said: "sudo: a password is required", why: "a password is required"},
		{way: "sudo", said: "sudo-rs: I'm sorry owner. I'm afraid I can't do that", why: "it does not permit owner"},
		{way: "sudo", why: "it ended without a word"},
		{way: "doas", said: "doas: Operation not permitted", why: "it does not permit owner"},
		{way: "doas", said: "doas: Authentication failed", why: "the password was not it", wrong: true},
		{way: "su", said: "Password: \nsu: Authentication failure", why: "the password was not root's, or root is locked", wrong: true},
		{way: "su", said: "su: must be run from a terminal", why: "it wants a terminal", terminal: true},
		{way: "su", said: "su: " + strings.Repeat("ä", 200), why: strings.Repeat("ä", 120)},
	} {
		got := way{name: c.way}.words("owner", strings.FieldsFunc(c.said, func(r rune) bool { return r == '\n' }))
		if got.why != c.why || got.wrong != c.wrong || got.terminal != c.terminal {
			t.Errorf("%s, %q: %+v", c.way, c.said, got)
		}
	}
}
