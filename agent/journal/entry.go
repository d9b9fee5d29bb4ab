package journal

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Entry is one use of a key, or one try. Absent strings are null in JSON.
type Entry struct {
	Time        time.Time `json:"time"`     // to the millisecond
	Count       int       `json:"count"`    // 1, or of how many that were refused alike within a minute it is the last; 0 is 1
	Request     string    `json:"request"`  // "sign", "bind", "change" or "extension"
	Decision    string    `json:"decision"` // "allowed", "asked" or "refused"
	Reason      string    `json:"reason"`   // why it was refused
	Key         string    `json:"key"`      // its name
	Fingerprint string    `json:"fingerprint"`
	Comment     string    `json:"comment"`
	Purpose     string    `json:"purpose"`   // "login", "git", "file" or "other"
	Namespace   string    `json:"namespace"` // of a signature over a file (PROTOCOL.sshsig)
	User        string    `json:"user"`      // of a login: the account
	Host        string    `json:"host"`      // the server's name, where it is known
	HostKey     string    `json:"host_key"`  // its fingerprint
	Forwarded   bool      `json:"forwarded"`
	Via         string    `json:"via"`    // the servers that a forwarded request came through, the nearest first
	Socket      string    `json:"socket"` // the narrower socket that it came by
	Peer        Peer      `json:"peer"`
}

// Peer is the program that asked.
type Peer struct {
	PID int    `json:"pid"` // null when not known
	Exe string `json:"exe"`
}

// Gap is what stands in the place of uses that could not be recorded.
type Gap struct {
	Since  time.Time // the first of them
	Until  time.Time
	Count  int
	Reason string // for the last of them
}

// schema is the version of a line.
const schema = 1

// maxText is how long the strings of a line may be, in bytes as they are written: a client may
// send as much as it likes, and the log is to hold many.
const maxText = 256

// timeLayout is RFC 3339 with milliseconds. Times are in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// append appends the line of e.
func (e *Entry) append(dst []byte) []byte {
	dst = append(dst, `{"schema":1,"time":"`...)
	dst = e.Time.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, `","count":`...)
	dst = strconv.AppendInt(dst, int64(max(1, e.Count)), 10)
	for _, f := range [...]struct{ name, value string }{
		{"request", e.Request}, {"decision", e.Decision}, {"reason", e.Reason}, {"key", e.Key}, {"fingerprint", e.Fingerprint}, {"comment", e.Comment},
		{"purpose", e.Purpose}, {"namespace", e.Namespace}, {"user", e.User}, {"host", e.Host}, {"host_key", e.HostKey}, {"via", e.Via}, {"socket", e.Socket},
	} {
		dst = append(append(append(dst, `,"`...), f.name...), `":`...)
		dst = appendText(dst, f.value)
	}
	dst = append(dst, `,"forwarded":`...)
	dst = strconv.AppendBool(dst, e.Forwarded)
	dst = append(dst, `,"peer":{"pid":`...)
	if e.Peer.PID > 0 {
		dst = strconv.AppendInt(dst, int64(e.Peer.PID), 10)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"exe":`...)
	dst = appendPath(dst, e.Peer.Exe)
	return append(dst, "}}\n"...)
}

func (g *Gap) append(dst []byte) []byte {
	dst = append(dst, `{"schema":1,"time":"`...)
	dst = g.Until.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, `","since":"`...)
	dst = g.Since.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, `","unrecorded":`...)
	dst = strconv.AppendInt(dst, int64(g.Count), 10)
	dst = append(dst, `,"reason":`...)
	dst = appendText(dst, g.Reason)
	return append(dst, "}\n"...)
}

// appendText appends a JSON string (RFC 8259 section 7) that takes at most maxText bytes, cut
// between characters; null for "". What is no UTF-8 becomes U+FFFD.
func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	begin := len(dst)
	for _, r := range s {
		before := len(dst)
		dst = appendRune(dst, r)
		if len(dst)-begin > maxText {
			dst = append(dst[:before], "…"...)
			break
		}
	}
	return append(dst, '"')
}

// appendPath is appendText for a path: cut at its beginning, for who chooses a long folder is
// not to hide the name.
func appendPath(dst []byte, path string) []byte {
	if path == "" {
		return append(dst, "null"...)
	}
	var one [16]byte
	from := len(path)
	for room := maxText; from > 0; {
		r, size := utf8.DecodeLastRuneInString(path[:from])
		if room -= len(appendRune(one[:0], r)); room < 0 {
			break
		}
		from -= size
	}
	dst = append(dst, '"')
	if from > 0 {
		dst = append(dst, "…"...)
	}
	for _, r := range path[from:] {
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}

// appendRune appends a character of a JSON string.
func appendRune(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r >= ' ' && r < 0x7f:
		return append(dst, byte(r))
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp): // a terminal would not show it, but do it
		for _, unit := range utf16.AppendRune(nil, r) {
			dst = append(dst, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
		}
		return dst
	}
	return utf8.AppendRune(dst, r)
}

// Line is what a line of the log says: one of the two is not nil.
type Line struct {
	Raw   []byte // without its end
	Entry *Entry
	Gap   *Gap
}

func (l Line) at() time.Time {
	if l.Gap != nil {
		return l.Gap.Since
	}
	return l.Entry.Time
}

var errNoLine = errors.New("not a line of the log")

// parse reads a line, without its end.
func parse(raw []byte) (Line, error) {
	var l struct {
		Schema     int       `json:"schema"`
		Unrecorded *int      `json:"unrecorded"`
		Since      time.Time `json:"since"`
		Entry
	}
	err := json.Unmarshal(raw, &l)
	switch {
	case err != nil:
		return Line{}, err
	case l.Schema != schema || l.Time.IsZero() || !utf8.Valid(raw):
		return Line{}, errNoLine
	case l.Unrecorded != nil:
		return Line{Raw: raw, Gap: &Gap{Since: l.Since, Until: l.Time, Count: *l.Unrecorded, Reason: l.Reason}}, nil
	}
	l.Count = max(1, l.Count)
	return Line{Raw: raw, Entry: &l.Entry}, nil
}
