// Package say holds every sentence that kagiban shows to people: one table from
// an id to what happened, what is still true and what to type next, one
// function from an error to its id, and one switch from an id to the exit code
// that scripts see.
//
// A message is whole without its error: ids are stable, sentences may change.
// It never prints, and it never shows a control character, whatever a server or
// a library put into an error.
package say

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"unicode"
)

// ID names a message of the table. Ids are a contract with scripts and with
// docs/messages.md; they are never reused for another meaning.
type ID string

// Fields fill the {placeholders} of a message.
type Fields map[string]string

// Message is one row of the table. Each part may hold {placeholders}. A row for an
// error has all three parts; for talk, which is no error, What is enough.
type Message struct {
	// What happened: a sentence without its full stop, beginning lower case.
	What string
	// StillTrue says what has not changed, so that nobody has to guess.
	StillTrue string
	// Next is the command to type, or several, one a line.
	Next string
}

// Error is an error that already knows its message.
type Error struct {
	ID     ID
	Fields Fields
	Err    error // the cause, for errors.Is and errors.As; may be nil
}

// Fail makes an Error out of an id and pairs of field name and value. The cause
// may be nil.
func Fail(id ID, cause error, pairs ...string) *Error {
	f := Fields{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f[pairs[i]] = pairs[i+1]
	}
	return &Error{ID: id, Fields: f, Err: cause}
}

// Error is the first part of the message, for logs.
func (e *Error) Error() string { return Text(e.ID, e.Fields) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// rules are asked in turn which message an error has; each room of the program
// has its own rule in a file of its own, of_ROOM.go. The frame's comes after them:
// an error of a room may wrap a cancelled context, and says more than that.
func rules() []func(error) (ID, Fields) {
	return []func(error) (ID, Fields){ofRotate, ofRevoke, ofExport, ofHostsetup, ofCreate, ofAdmit, ofVault, ofAgent, ofService, ofFrame, ofDisk}
}

// tables are the rows, one file for each room: table_ROOM.go.
func tables() []map[ID]Message {
	return []map[ID]Message{
		hostsetupTable(),
		revokeTable(),
		revokeProblems(),
		problemsTable(),
		fleetTable(),
		wayTable(),
		admitTable(),
		rotateTable(),
		vaultTable(),
		tiesTable(),
		lockingTable(),
		agentTable(),
		doorsTable(),
		socketsTable(),
		askTable(),
		logTable(),
		serviceTable(),
		doctorTable(),
		doctorTalk(),
		frameTable(),
		checkTable(),
		checkProblems(),
		createTable(),
		createProblems(),
	}
}

// table is all rows together.
var table = sync.OnceValue(func() map[ID]Message {
	all := map[ID]Message{}
	for _, t := range tables() {
		maps.Copy(all, t)
	}
	return all
})

// Of finds the message of an error. An error that no rule knows is Failed, with
// its text in the field "error".
func Of(err error) (ID, Fields) {
	var own *Error
	if errors.As(err, &own) {
		return own.ID, own.Fields
	}
	for _, rule := range rules() {
		if id, fields := rule(err); id != "" {
			return id, fields
		}
	}
	return Failed, Fields{"error": err.Error()}
}

// Render is the text of a message for a terminal, without a last newline: what
// happened, what is still true, and what to type next. A message about how
// kagiban was called is one line.
func Render(id ID, fields Fields) string {
	m, ok := table()[id]
	if !ok {
		m, fields = table()[Failed], Fields{"error": "no message for " + string(id)}
	}
	what, still, next := fill(m.What, fields), fill(m.StillTrue, fields), fill(m.Next, fields)
	if ExitCode(id) == ExitUsage {
		return "kagiban: " + what + "; try: " + next
	}
	lines := []string{"kagiban: " + what}
	if still != "" {
		lines = append(lines, "  still true: "+still)
	}
	for _, n := range strings.Split(next, "\n") {
		if n != "" {
			lines = append(lines, "  next: "+n)
		}
	}
	return strings.Join(lines, "\n")
}

// RenderOf is Render for one of several hosts, which it names first.
func RenderOf(host string, id ID, fields Fields) string {
	_, text, _ := strings.Cut(Render(id, fields), ": ")
	return oneLine(host) + ": " + text
}

// Text is what a message says has happened, alone and without a prefix: for
// progress, results and questions, which are rows with nothing else.
func Text(id ID, fields Fields) string { return fill(table()[id].What, fields) }

// fill replaces the placeholders of text. A value is shown on one line without
// control and format characters; a placeholder without a value stays as it is,
// which a test looks for.
func fill(text string, fields Fields) string {
	pairs := make([]string, 0, 2*len(fields))
	for name, value := range fields {
		pairs = append(pairs, "{"+name+"}", oneLine(value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// oneLine makes spaces of line breaks and tabs, and drops what could move the
// cursor or turn the reading direction.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		}
		return r
	}, s))
}
