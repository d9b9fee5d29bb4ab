package authkeys

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Without returns text without the lines that hold one of keys, and those lines. Every other line stays byte for byte: one that is
// commented out, one in which the key stands elsewhere than keys do, and one that has the key as a certificate authority's.
//
// A line is read as sshd reads it (auth2-pubkeyfile.c, sshkey_read), but for the name of the key's type, which sshd takes in several spellings and
// which does not matter here: nobody must be able to write a key that opens the server so that it is not found.
func Without(text string, keys ...ssh.PublicKey) (rest string, gone []Line) {
	var kept strings.Builder
	for i, raw := range strings.SplitAfter(text, "\n") {
		l, ok := read(raw)
		if ok && !l.Authority() && slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), l.Key.Marshal()) }) {
			l.Number = i + 1
			gone = append(gone, l)
			continue
		}
		kept.WriteString(raw)
	}
	return kept.String(), gone
}

// All returns every line of text in which sshd might find a key, read as [Without] reads them.
func All(text string) []Line {
	var lines []Line
	for i, raw := range strings.Split(text, "\n") {
		if l, ok := read(raw); ok {
			l.Number = i + 1
			lines = append(lines, l)
		}
	}
	return lines
}

// Authority tells whether the line's key opens nothing itself, and those opens whom it signs for (sshd(8), cert-authority).
func (l Line) Authority() bool {
	return slices.ContainsFunc(l.Options, func(option string) bool { return strings.EqualFold(option, "cert-authority") })
}

// read reads one line, with its end or without.
func read(raw string) (Line, bool) {
	text, _, _ := strings.Cut(raw, "\x00") // to sshd, a line ends there
	text = strings.Trim(text, " \t\r\n")
	text = strings.TrimPrefix(text, "\ufeff") // somebody may take it out one day, and the line would open the server
	if text == "" || text[0] == '#' {
		return Line{}, false
	}
	l := Line{Text: raw}
	if _, after, ok := word(text); ok && l.key(after) {
		return l, true
	}
	options, after, ok := quoted(text)
	if !ok {
		return Line{}, false
	}
	l.Options = options
	_, after, ok = word(after)
	return l, ok && l.key(after)
}

// word is what stands before the first blank, and what comes after the blanks.
func word(text string) (first, rest string, ok bool) {
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, "", false
	}
	return text[:i], strings.TrimLeft(text[i:], " \t"), true
}

// key takes the blob and the comment from the beginning of text.
func (l *Line) key(text string) bool {
	blob, comment, _ := word(text)
	// What sshd passes over in a blob (b64_pton of its own).
	blob = strings.NewReplacer("\r", "", "\v", "", "\f", "").Replace(blob)
	bytes, err := base64.StdEncoding.DecodeString(blob)
	if err != nil {
		return false
	}
	l.Key, err = public(bytes)
	l.Comment = strings.Trim(comment, " \t\r\n")
	return err == nil
}

// quoted takes the options from the beginning of text: they end with the first blank outside of quotes.
func quoted(text string) (options []string, rest string, ok bool) {
	open, from := false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && strings.HasPrefix(text[i+1:], `"`):
			i++
		case c == '"':
			open = !open
		case c == ',' && !open:
			options = append(options, text[from:i])
			from = i + 1
		case (c == ' ' || c == '\t') && !open:
			return append(options, text[from:i]), strings.TrimLeft(text[i:], " \t"), true
		}
	}
	return nil, "", false
}
