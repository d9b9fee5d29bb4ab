package authkeys

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestWithout(t *testing.T) {
	lost, other := key(t, 'a'), key(t, 'b')
	line, stays := Format(lost, "laptop"), Format(other, "desk")
	blob := base64.StdEncoding.EncodeToString(lost.Marshal())
	for _, c := range []struct {
		name, text, rest string
		gone             []int
	}{
		{"empty", "", "", nil},
		{"not there", stays + "\n", stays + "\n", nil},
		{"there", stays + "\n" + line + "\n" + stays + "\n", stays + "\n" + stays + "\n", []int{2}},
		{"alone", line + "\n", "", []int{1}},
		{"twice", line + "\n" + stays + "\n" + line + "\n", stays + "\n", []int{1, 3}},
		{"the last, without an end", stays + "\n" + line, stays + "\n", []int{2}},
		{"before a last without an end", line + "\n" + stays, stays, []int{1}},
		{"CRLF", stays + "\r\n" + line + "\r\n" + stays + "\r\n", stays + "\r\n" + stays + "\r\n", []int{2}},
		{"blank lines", "\n\n" + line + "\n\n", "\n\n\n", []int{3}},
		{"under another name", Format(lost, "desk") + "\n", "", []int{1}},
		{"with options", `from="10.0.0.0/8",command="echo \"a b\", c" ` + line + "\n" + stays + "\n", stays + "\n", []int{1}},
		{"with tabs", "\t" + strings.ReplaceAll(line, " ", " \t") + "\n", "", []int{1}},
		{"behind a byte order mark", "\ufeff" + line + "\n" + stays + "\n", stays + "\n", []int{1}},
		{"another behind a byte order mark", "\ufeff" + stays + "\n" + line + "\n", "\ufeff" + stays + "\n", []int{2}},
		{"a short name of the type, which sshd takes", "ED25519 " + blob + "\n", "", []int{1}},
		{"cut short by a NUL, as sshd reads it", "ssh-ed25519 " + blob + "\x00junk\n" + stays + "\n", stays + "\n", []int{1}},
		{"a blob with what sshd passes over", "ssh-ed25519 " + blob[:9] + "\f" + blob[9:] + "\n", "", []int{1}},
		{"commented out", "#" + line + "\n # " + line + "\n", "#" + line + "\n # " + line + "\n", nil},
		{"a certificate authority", "cert-authority " + line + "\n", "cert-authority " + line + "\n", nil},
		{"likewise, in capitals", "no-pty,Cert-Authority " + line + "\n", "no-pty,Cert-Authority " + line + "\n", nil},
		{"cert-authority in a command", `command="cert-authority" ` + line + "\n", "", []int{1}},
		{"in a comment of another", Format(other, line) + "\n", Format(other, line) + "\n", nil},
		{"in another's command", `command="ssh-ed25519 ` + blob + `" ` + stays + "\n", `command="ssh-ed25519 ` + blob + `" ` + stays + "\n", nil},
		{"a quote that does not end", `command="x ` + line + "\n", `command="x ` + line + "\n", nil},
		{"a part of it", line[:60] + "\n", line[:60] + "\n", nil},
		{"bytes that are no text", "\xff\xfe\x00\n" + line + "\n\xff", "\xff\xfe\x00\n\xff", []int{2}},
	} {
		rest, gone := Without(c.text, lost)
		var numbers []int
		for _, l := range gone {
			numbers = append(numbers, l.Number)
		}
		if rest != c.rest || !slices.Equal(numbers, c.gone) {
			t.Errorf("%s: lines %v went, %q is left; want %v, %q", c.name, numbers, rest, c.gone, c.rest)
		}
	}
}

// FuzzWithout: what is left and what went are the text, line by line, and nothing that sshd would take for the key is left.
func FuzzWithout(f *testing.F) {
	private := strings.Repeat("a", 32)
	lost := seeded(f, private)
	line := Format(lost, "laptop")
	f.Add("", "", "")
	f.Add("#", "\r\n", "x\n")
	f.Add("restrict ", "\n\n", "cert-authority ")
	f.Add("a=\"\\\" b\" ", "", "\x00")
	f.Fuzz(func(t *testing.T, before, between, after string) {
		text := before + line + between + line + after
		rest, gone := Without(text, lost)
		lines := strings.SplitAfter(text, "\n")
		for _, l := range gone {
			if lines[l.Number-1] != l.Text || strings.HasPrefix(strings.TrimLeft(l.Text, " \t"), "#") {
				t.Fatalf("line %d is %q, not %q", l.Number, lines[l.Number-1], l.Text)
			}
			lines[l.Number-1] = ""
		}
		if strings.Join(lines, "") != rest {
			t.Fatalf("%q became %q", text, rest)
		}
		for _, l := range Parse(rest) { // which knows of no NUL
			if string(l.Key.Marshal()) == string(lost.Marshal()) && !l.Authority() && !strings.Contains(l.Text, "\x00") {
				t.Fatalf("it is left in %q", rest)
			}
		}
	})
}
