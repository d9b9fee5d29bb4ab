package hostsetup

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// talk is what a program says besides its answer, as far as it matters, and a watch on it for a question.
type talk struct {
	mu     sync.Mutex
	heard  []byte         // the end of it, as far as it matters
	begins string         // what is said before this is a login shell's noise, and no question
	begun  bool           // and is not kept any more
	asks   *regexp.Regexp // a question; its group, if it has one, is whose password is asked for
	asked  chan string    // that, one value for each question
	from   int            // where the next one may begin
	secret []string       // what was answered
}

func (t *talk) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun && t.asks != nil && len(t.heard) >= complaintLimit {
		return len(b), nil
	}
	t.heard = append(t.heard, b...)
	if !t.begun {
		if _, after, found := bytes.Cut(t.heard, []byte(t.begins)); found {
			t.heard, t.begun = after, true
		}
	}
	if t.asks == nil || !t.begun {
		t.heard = t.heard[max(0, len(t.heard)-complaintLimit):]
		return len(b), nil
	}
	for {
		at := t.asks.FindSubmatchIndex(t.heard[t.from:])
		if at == nil {
			return len(b), nil
		}
		whose := ""
		if len(at) > 2 {
			whose = string(t.heard[t.from+at[2] : t.from+at[3]])
		}
		t.from += at[1]
		select {
		case t.asked <- whose:
		default:
		}
	}
}

// hide keeps what was answered out of all that is told.
func (t *talk) hide(secret []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(secret) > 0 {
		t.secret = append(t.secret, string(secret))
	}
}

// forget drops what was said so far.
func (t *talk) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard, t.from, t.asks = nil, 0, nil
}

// lines are what was said after the noise, without questions and answers.
func (t *talk) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := string(t.heard)
	if t.asks != nil {
		text = t.asks.ReplaceAllString(text, "\n")
	}
	for _, secret := range t.secret {
		text = strings.ReplaceAll(text, secret, "(the password)")
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	return slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
}

// text is all of it on one line.
func (t *talk) text() string {
	return strings.Join(strings.Fields(strings.Join(t.lines(), " ")), " ")
}

// last is the last line of it.
func (t *talk) last() string {
	lines := t.lines()
	return strings.Join(lines[max(0, len(lines)-1):], "")
}

// waitFor reads up to the line that is exactly word; what comes before it is told to heard as it comes.
func waitFor(r *bufio.Reader, word string, heard io.Writer) error {
	var line []byte
	for read := 0; read < answerLimit; {
		if _, err := r.Peek(1); err != nil {
			return err
		}
		chunk, _ := r.Peek(r.Buffered()) // what is there already
		end := bytes.IndexByte(chunk, '\n')
		if end >= 0 {
			chunk = chunk[:end+1]
		}
		line = append(line, chunk...)
		if end >= 0 {
			if strings.TrimRight(string(line), "\r\n") == word {
				_, err := r.Discard(len(chunk))
				return err
			}
			line = line[:0]
		}
		_, _ = heard.Write(chunk) // a talk takes everything
		read += len(chunk)
		if _, err := r.Discard(len(chunk)); err != nil {
			return err
		}
	}
	return errors.New("too much noise before the command began")
}
