package authkeys

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func key(t *testing.T, seed byte) ssh.PublicKey {
	t.Helper()
	return seeded(t, strings.Repeat(string(rune(seed)), 32))
}

func seeded(t testing.TB, seed string) ssh.PublicKey {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(seed))
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestFind(t *testing.T) {
	ours, other := key(t, 'a'), key(t, 'b')
	line, otherLine := Format(ours, "laptop"), Format(other, "desk")
	for _, c := range []struct {
		name, text string
		present    bool
		bound      int
	}{
		{"empty", "", false, 0},
		{"there", line + "\n", true, 0},
		{"there, CRLF", otherLine + "\r\n" + line + "\r\n", true, 0},
		{"there, no newline", otherLine + "\n" + line, true, 0},
		{"another comment", Format(ours, "") + "\n", true, 0},
		{"commented out", "#" + line + "\n", false, 0},
		{"commented out, then there", "# " + line + "\n" + line + "\n", true, 0},
		{"bound by options", "command=\"x\" " + line + "\n", false, 1},
		{"bound first, plain later", otherLine + "\nrestrict " + line + "\n" + line + "\n", false, 2},
		{"plain first, bound later", line + "\nrestrict " + line + "\n", true, 0},
		{"only a part of it", line[:60] + "\n", false, 0},
		{"glued to junk", "ssh-ed25519 AAAAC3Nza" + line + "\n", false, 0},
		{"in a comment of another", Format(other, line) + "\n", false, 0},
	} {
		present, bound := Find(c.text, ours)
		number := 0
		if bound != nil {
			number = bound.Number
		}
		if present != c.present || number != c.bound {
			t.Errorf("%s: present %v, bound by line %d", c.name, present, number)
		}
	}
}

func TestFormatTakesHostileComments(t *testing.T) {
	got := Format(key(t, 'a'), "lap\ntop\x1b[31m \u202eevil\u0000")
	if strings.ContainsAny(got, "\n\r\x00\x1b\u202e") || !strings.HasSuffix(got, " lap top[31m evil") {
		t.Errorf("%q", got)
	}
}

func TestAppended(t *testing.T) {
	for in, want := range map[string]string{"": "k\n", "a": "a\nk\n", "a\n": "a\nk\n", "a\r\n": "a\r\nk\n"} {
		if got := Appended(in, "k"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
