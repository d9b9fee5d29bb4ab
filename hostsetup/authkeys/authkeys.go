// Package authkeys reads authorized_keys files (sshd(8), AUTHORIZED_KEYS FILE FORMAT) without changing a byte of what it does not own.
// Its functions are pure. A key is known by its blob, never by its comment; a line that is commented out, broken or
// bound by options is never taken for a plain key.
package authkeys

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A Line is one line that holds a key.
type Line struct {
	Number  int // from 1
	Key     ssh.PublicKey
	Options []string
	Comment string
	Text    string // as it stands there; with its end, where there is one
}

// Parse returns the lines that sshd would take for keys; all others (blank, comments, junk) are passed over, as sshd does.
func Parse(text string) []Line {
	var lines []Line
	for i, raw := range strings.Split(text, "\n") {
		raw = strings.TrimSuffix(raw, "\r")
		trimmed := strings.TrimLeft(raw, " \t")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(raw))
		if err != nil {
			continue
		}
		lines = append(lines, Line{i + 1, key, options, comment, raw})
	}
	return lines
}

// Find tells how key stands in text: present is true where the line that sshd comes to first has no options; bound is that line
// where it has some (the login would run under them, whatever stands further down).
func Find(text string, key ssh.PublicKey) (present bool, bound *Line) {
	for _, l := range Parse(text) {
		if !bytes.Equal(l.Key.Marshal(), key.Marshal()) {
			continue
		}
		if len(l.Options) == 0 {
			return true, nil
		}
		return false, &l
	}
	return false, nil
}

// Format returns the line for a key: type, blob and comment, no newline. The comment is reduced to one line of printable text.
func Format(key ssh.PublicKey, comment string) string {
	line := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(key)), "\n")
	if comment = Comment(comment); comment == "" {
		return line
	}
	return line + " " + comment
}

// Comment is one line of printable text.
func Comment(text string) string {
	return strings.Join(strings.Fields(strings.Map(printable, text)), " ")
}

// printable drops control characters and those that turn the direction of the text around them.
func printable(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return ' '
	case r < 0x20, r == 0x7f, r >= 0x80 && r < 0xa0, r == 0xfffd,
		r == 0x61c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
		return -1
	}
	return r
}

// Appended returns text with the line at its end, as the server will write it.
func Appended(text, line string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n"
}

// unbinding are the options that bind what a login may do, not from where or until when it may come.
var unbinding = []string{"agent-forwarding", "command", "environment", "no-agent-forwarding", "no-port-forwarding", "no-pty", "no-touch-required",
	"no-user-rc", "no-x11-forwarding", "permitlisten", "permitopen", "port-forwarding", "pty", "restrict", "tunnel", "user-rc", "x11-forwarding"}

// Unbound tells whether the key lets its owner in from everywhere and for good. An option that sshd may not know has it refuse
// the line.
func (l Line) Unbound() bool {
	return !slices.ContainsFunc(l.Options, func(option string) bool {
		name, _, _ := strings.Cut(option, "=")
		return !slices.Contains(unbinding, strings.ToLower(name))
	})
}

// Free tells whether the key lets its owner in from everywhere, for good, and to more than one program.
func (l Line) Free() bool {
	return l.Unbound() && !slices.ContainsFunc(l.Options, func(option string) bool {
		name, _, _ := strings.Cut(option, "=")
		return strings.EqualFold(name, "command")
	})
}
