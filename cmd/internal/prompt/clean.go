package prompt

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sequences are the terminal control sequences of ECMA-48, with the bytes that
// belong to them: CSI with its parameters, the strings OSC, DCS, SOS, PM and APC with
// their text, and two-character escapes.
var sequences = regexp.MustCompile(
	`(?s)(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?` +
		`|(?:\x1b[\]PX^_]|[\x{9d}\x{90}\x{98}\x{9e}\x{9f}]).*?(?:\x07|\x1b\\|\x{9c}|$)` +
		`|\x1b[ -/]*[0-~]?`)

// Clean makes text of unknown origin (a comment, a banner, a host's words) safe to
// show inside a question or a message: terminal sequences go as a whole, line
// breaks and tabs become spaces, and control, format and bidirectional characters
// are removed. Clean each piece before it is put beside text of ours.
func Clean(s string) string {
	s = sequences.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, s))
}

// Head is the beginning of a text that is clean, of at most max bytes wherever it is sent to be shown; "..." stands for the rest.
func Head(s string, max int) string {
	for i, r := range s {
		if max -= sent(r); max < 0 {
			return s[:i] + "..."
		}
	}
	return s
}

// Tail is its end.
func Tail(s string, max int) string {
	for i := len(s); i > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		if max -= sent(r); max < 0 {
			return "..." + s[i:]
		}
		i -= size
	}
	return s
}

// sent is how many bytes a character is at the most: with what unmarked and escapeAssuan make of it.
func sent(r rune) int {
	if strings.ContainsRune("<&%", r) {
		return 3
	}
	return len(string(r))
}

// visible is the last guard before a whole question is shown: line breaks stay.
func visible(s string) string {
	s = sequences.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.Map(func(r rune) rune {
		if r != '\n' && hidden(r) {
			return -1
		}
		return r
	}, s)
}

// unmarked is visible for another program's window: some take text for HTML where it looks like that (Qt's labels; Pango), and a tag could
// hide the rest.
func unmarked(s string) string { return markup.Replace(visible(s)) }

var markup = strings.NewReplacer("<", "\u2039", "&", "\uff06")

// hidden tells whether r moves the cursor, turns the reading direction or shows
// as nothing: the Unicode categories Cc and Cf.
func hidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }
