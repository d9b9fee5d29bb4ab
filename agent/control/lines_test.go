package control

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

func TestPassphrasesDoNotStayInTheBuffers(t *testing.T) {
	in, out := net.Pipe()
	defer in.Close()
	lines := newLineReader(in, maxRequest)
	secret := strings.Repeat("secret", 1000)
	go io.WriteString(out, secret+"\nnext\n")
	buffer, err := lines.buffered.Peek(1)
	if err != nil {
		t.Fatal(err)
	}
	buffer = buffer[:cap(buffer)] // all of it, before anything is read from it
	line, err := lines.next()
	if err != nil || string(line) != secret+"\n" {
		t.Fatalf("%d bytes, error %v", len(line), err)
	}
	if strings.Contains(string(buffer), "secret") {
		t.Error("the line is still in the buffer")
	}
	if next, err := lines.next(); err != nil || string(next) != "next\n" {
		t.Fatalf("%q, error %v", next, err)
	}
	if strings.Contains(string(line), "secret") {
		t.Error("the line is still in memory after the next one")
	}
}

func TestALineThatIsTooLongIsNotReadToItsEnd(t *testing.T) {
	endless := io.LimitReader(neverEnding('x'), 1<<40)
	lines := newLineReader(endless, maxRequest)
	if _, err := lines.next(); !errors.Is(err, errTooLong) {
		t.Errorf("error %v", err)
	}
	if cap(lines.line) > 2*maxRequest {
		t.Errorf("%d bytes are held", cap(lines.line))
	}
}

type neverEnding byte

func (n neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(n)
	}
	return len(p), nil
}
