package prompt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxAssuan is how long a line of the Assuan protocol may be, without its end
// (libassuan's manual, "Client requests").
const maxAssuan = 1000

// Error codes of libgpg-error that a pinentry ends a question with; the upper bits of
// a code say who gives it.
const (
	assuanCode          = 0xffff
	assuanTimeout       = 62
	assuanCancelled     = 99
	assuanNotConfirmed  = 114
	assuanFullyCanceled = 198
)

// assuanError is an answer that begins with ERR.
type assuanError struct {
	code int // without who gave it
	text string
}

func (e *assuanError) Error() string { return fmt.Sprintf("pinentry: %s (code %d)", e.text, e.code) }

// assuan is the client's end of a conversation in the Assuan protocol, as far as a
// pinentry speaks it: one line there, an answer of a few lines back.
type assuan struct {
	to   io.Writer
	from io.Reader
	buf  [maxAssuan + 2]byte // what was read and not yet looked at
	n    int
}

// call sends a command, whose argument is shown and never secret, and returns the
// data that the answer holds. The caller wipes it.
func (a *assuan) call(command, argument string) ([]byte, error) {
	line := command
	if argument != "" {
		argument, _ = fitAssuan(command, argument)
		line += " " + argument
	}
	if _, err := io.WriteString(a.to, line+"\n"); err != nil {
		return nil, err
	}
	return a.answer()
}

// answer reads up to OK or ERR. The capacity of data never grows, so that nothing
// secret is left behind by a copy.
func (a *assuan) answer() ([]byte, error) {
	data := make([]byte, 0, maxAnswer)
	for {
		line, err := a.line()
		if err == nil {
			word, rest, _ := bytes.Cut(line, []byte{' '})
			switch string(word) {
			case "OK":
				clear(line)
				return data, nil
			case "ERR":
				clear(data)
				return nil, errorOf(string(rest))
			case "D":
				data, err = appendUnescaped(data, rest)
			case "S", "#", "":
			default:
				err = errors.New("pinentry: an answer that is not understood") // INQUIRE asks for more than we have
			}
			clear(line)
		}
		if err != nil {
			clear(data)
			return nil, err
		}
	}
}

// line returns the next line, valid until the next call.
func (a *assuan) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(a.buf[:a.n], '\n'); i >= 0 {
			line := bytes.Clone(bytes.TrimSuffix(a.buf[:i], []byte{'\r'}))
			left := copy(a.buf[:], a.buf[i+1:a.n])
			clear(a.buf[left:])
			a.n = left
			return line, nil
		}
		if a.n == len(a.buf) {
			return nil, errors.New("pinentry: a line that is too long")
		}
		n, err := a.from.Read(a.buf[a.n:])
		a.n += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// wipe forgets what was read.
func (a *assuan) wipe() { clear(a.buf[:]) }

// errorOf reads what follows ERR: a number, and words that may come from anywhere.
func errorOf(rest string) error {
	number, text, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(number)
	if err != nil {
		return errors.New("pinentry: an error that is not understood")
	}
	return &assuanError{code & assuanCode, Clean(text)}
}

// fitAssuan escapes what a command is to show. Where that is too long for one line, its own last line stays whole, which is the question, and
// what stands before gives way.
func fitAssuan(command, text string) (escaped string, whole bool) {
	room := maxAssuan - len(command) - 1
	if escaped = escapeAssuan(text, math.MaxInt); len(escaped) <= room {
		return escaped, true
	}
	last := strings.LastIndex(text, "\n")
	question := "..." + escapeAssuan(text[max(last, 0):], math.MaxInt)
	if last < 0 || len(question) > room {
		return escapeAssuan(text, room), false
	}
	return escapeAssuan(text[:last], room-len(question)) + question, false
}

// escapeAssuan makes one line of text, of at most limit bytes: what is too long is
// cut, never in the middle of a character.
func escapeAssuan(text string, limit int) string {
	var b strings.Builder
	for _, r := range text {
		piece := string(r)
		switch r {
		case '%', '\r', '\n':
			piece = fmt.Sprintf("%%%02X", r)
		}
		if b.Len()+len(piece) > limit {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

// appendUnescaped appends what a D line holds. More than maxAnswer bytes are an error.
func appendUnescaped(data, line []byte) ([]byte, error) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c == '%' {
			if i+2 >= len(line) {
				return data, errors.New("pinentry: an escape that has no end")
			}
			high, low := unhex(line[i+1]), unhex(line[i+2])
			if high < 0 || low < 0 {
				return data, errors.New("pinentry: an escape that is no number")
			}
			c, i = byte(high<<4|low), i+2
		}
		if len(data) == cap(data) {
			return data, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
		}
		data = append(data, c)
	}
	return data, nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// splitQuestion parts a question into what is described and what is asked: its last
// line or sentence, where that is short enough to stand before an entry field.
func splitQuestion(question string) (description, asked string) {
	question = strings.TrimSpace(question)
	if i := strings.LastIndex(question, "\n"); i >= 0 {
		description, asked = question[:i], question[i+1:]
	} else if i := strings.LastIndex(question, ". "); i >= 0 {
		description, asked = question[:i+1], question[i+2:]
	} else {
		asked = question
	}
	if utf8.RuneCountInString(asked) > 40 {
		return question, "Answer:"
	}
	return description, asked
}
