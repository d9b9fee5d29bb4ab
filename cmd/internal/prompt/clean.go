package prompt

import (
	"regexp"
	"strings"
	"unicode"
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
