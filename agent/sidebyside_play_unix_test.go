//go:build unix

package agent_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// patience is how long an agent may take for an answer before a test gives up.
const patience = 60 * time.Second

// play is one conversation with one agent: what is sent, and a line of words on
// what came back. Frames are built here by hand, and not by the code under test.
type play struct {
	t      *testing.T
	socket string
	conns  map[string]net.Conn
	now    string // name of the connection in use
	said   []string
}

// converse plays it against the agent at socket and returns what was said.
func converse(t *testing.T, socket string, f func(*play)) string {
	t.Helper()
	p := &play{t: t, socket: socket, conns: map[string]net.Conn{}}
	defer func() {
		for _, c := range p.conns {
			c.Close()
		}
	}()
	f(p)
	return strings.Join(p.said, " ")
}

func (p *play) say(format string, args ...any) { p.said = append(p.said, fmt.Sprintf(format, args...)) }

// on goes on, or begins, at the connection of that name.
func (p *play) on(name string) *play {
	p.now = name
	return p
}

// conn is the connection in use. One that ended is replaced.
func (p *play) conn() net.Conn {
	if c := p.conns[p.now]; c != nil {
		return c
	}
	c, err := net.Dial("unix", p.socket)
	if err != nil {
		return nil
	}
	c.SetDeadline(time.Now().Add(patience))
	p.conns[p.now] = c
	return c
}

func (p *play) hangUp() {
	if c := p.conns[p.now]; c != nil {
		c.Close()
		delete(p.conns, p.now)
	}
}

// write sends bytes as they are. An agent may close before all have gone.
func (p *play) write(b []byte) {
	if c := p.conn(); c != nil {
		c.Write(b)
	}
}

// read returns the next answer. nil means that the connection ended.
func (p *play) read() []byte {
	c := p.conn()
	if c == nil {
		return nil
	}
	head := make([]byte, 4)
	_, err := io.ReadFull(c, head)
	if err == nil {
		body := make([]byte, min(binary.BigEndian.Uint32(head), 1<<20))
		if _, err = io.ReadFull(c, body); err == nil && len(body) > 0 {
			return body
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.say("SILENCE")
	}
	p.hangUp()
	return nil
}

// ask sends one message and notes what comes back.
func (p *play) ask(parts ...any) []byte {
	p.write(framed(pack(parts...)))
	answer := p.read()
	p.said = append(p.said, p.describe(answer))
	return answer
}

// answers are those that have no contents.
var answers = map[byte]string{5: "failure", 6: "success", 28: "extension-failure", 29: "extension"}

func (p *play) describe(answer []byte) string {
	if answer == nil {
		if c, err := net.Dial("unix", p.socket); err != nil {
			return "dead"
		} else {
			c.Close()
		}
		return "closed"
	}
	switch word, known := answers[answer[0]]; {
	case known && (len(answer) == 1 || answer[0] == 29):
		return word
	case answer[0] == 12:
		return "list[" + strings.Join(comments(answer), " ") + "]"
	case answer[0] == 14:
		return "signed"
	}
	return fmt.Sprintf("answer(%x)", answer[:min(len(answer), 40)])
}

// comments are those of a list of keys.
func comments(answer []byte) (comments []string) {
	r := reader{rest: answer[1:]}
	for range r.uint32() {
		blob, comment := r.string(), r.string()
		if _, err := ssh.ParsePublicKey(blob); err != nil {
			comment = append([]byte("BAD-BLOB:"), comment...)
		}
		comments = append(comments, strings.Trim(strconv.QuoteToASCII(string(comment)), `"`))
	}
	if r.bad || len(r.rest) > 0 {
		comments = append(comments, "BAD-LIST")
	}
	return comments
}

func (p *play) list() { p.ask(byte(11)) }

// sign asks for a signature by a key of the cast and verifies it.
func (p *play) sign(name string, flags uint32) { p.signData(name, flags, []byte("data")) }

func (p *play) signData(name string, flags uint32, data []byte) {
	key := cast()[name].public
	p.write(framed(pack(byte(13), key.Marshal(), data, flags)))
	answer := p.read()
	if answer == nil || answer[0] != 14 {
		p.said = append(p.said, p.describe(answer))
		return
	}
	var signature ssh.Signature
	r := reader{rest: answer[1:]}
	err := ssh.Unmarshal(r.string(), &signature)
	switch {
	case r.bad || len(r.rest) > 0 || err != nil:
		p.say("signed-badly")
	case key.Verify(data, &signature) != nil:
		p.say("signed-wrongly")
	default:
		p.say("signed:%s", signature.Format)
	}
}

// add hands over a key of the cast, with these constraints, and with its name for
// a comment. Without constraints it is message 17.
func (p *play) add(name string, constraints ...[]byte) {
	kind := byte(17)
	if constraints != nil {
		kind = 25
	}
	p.ask(kind, raw(cast()[name].private), name, raw(bytes.Join(constraints, nil)))
}

func (p *play) remove(name string) { p.ask(byte(18), cast()[name].public.Marshal()) }

func (p *play) removeAll() { p.ask(byte(19)) }

// cut sends each beginning of a message, each on a connection of its own, and
// notes which different answers came.
func (p *play) cut(parts ...any) {
	whole, got := pack(parts...), []string{}
	for n := 1; n < len(whole); n++ {
		p.on("cut").write(framed(whole[:n]))
		got = append(got, p.describe(p.read()))
		p.hangUp()
	}
	slices.Sort(got)
	p.say("cut:%s", strings.Join(slices.Compact(got), ","))
	p.on("")
}

// reader reads the data types of RFC 4251 section 5.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) uint32() uint32 {
	if len(r.rest) < 4 {
		r.bad, r.rest = true, nil
		return 0
	}
	n := binary.BigEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return n
}

func (r *reader) string() []byte {
	n := r.uint32()
	if uint64(n) > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
