package prompt

import (
	"context"
	"fmt"
	"io"
	"unicode/utf8"
)

// keys is a terminal that hands over what is typed, byte by byte, with nothing
// interpreted and nothing echoed. Read waits about a tenth of a second and then
// returns 0 bytes and no error, so that a context can end a question.
type keys interface{ Read([]byte) (int, error) }

// editor reads one line from a terminal in that state.
type editor struct {
	in   keys
	out  io.Writer
	echo bool
	buf  []byte
}

const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	del       = 0x7f
)

// line shows the question and reads until Enter. Whatever it returns, the cursor
// stands on a new line.
func (e *editor) line(ctx context.Context, question string) ([]byte, error) {
	fmt.Fprint(e.out, question)
	defer fmt.Fprint(e.out, "\n")
	e.buf = make([]byte, 0, maxAnswer+1)
	var key [1]byte
	for {
		if err := ctx.Err(); err != nil {
			clear(e.buf)
			fmt.Fprint(e.out, "(nothing is asked any more: type nothing secret)")
			return nil, err
		}
		n, err := e.in.Read(key[:])
		if err != nil {
			clear(e.buf)
			return nil, ErrHungUp
		}
		if n == 0 {
			continue
		}
		done, err := e.key(key[0])
		if err != nil {
			clear(e.buf)
			return nil, err
		}
		if done {
			return e.buf, nil
		}
	}
}

// key takes one byte; done when it ends the line.
func (e *editor) key(b byte) (done bool, err error) {
	switch b {
	case '\r', '\n':
		return true, nil
	case ctrlC:
		return false, ErrInterrupted
	case ctrlD:
		if len(e.buf) == 0 {
			return false, ErrNoAnswer
		}
	case backspace, del:
		e.drop()
	case ctrlU:
		for len(e.buf) > 0 {
			e.drop()
		}
	default:
		if b < 0x20 {
			return false, nil // no answer holds a control character
		}
		if len(e.buf) == maxAnswer {
			return false, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
		}
		e.buf = append(e.buf, b)
		if e.echo {
			_, err = e.out.Write([]byte{b})
		}
	}
	return false, err
}

// drop takes the last character back.
func (e *editor) drop() {
	if len(e.buf) == 0 {
		return
	}
	_, size := utf8.DecodeLastRune(e.buf)
	clear(e.buf[len(e.buf)-size:])
	e.buf = e.buf[:len(e.buf)-size]
	if e.echo {
		fmt.Fprint(e.out, "\b \b")
	}
}
