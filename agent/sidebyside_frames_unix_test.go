//go:build unix

package agent_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
)

func frameRows() []row {
	more := func(name, want string, message func() []any) row { // message, and a byte more
		r := row{name: "frames: a byte after " + name, want: "success " + want, play: func(p *play) {
			p.add("ed25519")
			p.ask(append(message(), byte(0))...)
			p.on("other").list()
		}}
		if want != "failure list[ed25519]" {
			r.ours, r.differs = "success failure list[ed25519]", whole
		}
		return r
	}
	cut := func(name, want, left string, message func() []any) row {
		return row{name: "frames: beginnings of " + name, want: fmt.Sprintf("success cut:%s list[%s]", want, left), play: func(p *play) {
			p.add("ed25519")
			p.cut(message()...)
			p.list()
		}}
	}
	blob := func() []byte { return cast()["ed25519"].public.Marshal() }
	list := func() []any { return []any{byte(11)} }
	sign := func() []any { return []any{byte(13), blob(), "data", uint32(0)} }
	add := func(name string) func() []any {
		return func() []any { return []any{byte(17), raw(cast()[name].private), "comment"} }
	}
	constrained := func() []any {
		return []any{byte(25), raw(cast()["ed25519"].private), "c", raw(lifetime(3600)), raw(places(to("host", "h")))}
	}
	remove := func() []any { return []any{byte(18), blob()} }
	card := func(kind byte) func() []any { return func() []any { return []any{kind, "/no", "1"} } }
	bind := func() []any {
		return []any{byte(27), sessionBind, cast()["host"].public.Marshal(), "s", signed(cast()["host"].signer, "s"), true}
	}
	rows := []row{
		more("list", "list[ed25519] list[ed25519]", list), more("sign", "signed list[ed25519]", sign), more("add", "failure list[ed25519]", add("p256")), more("remove", "success list[]", remove),
		more("remove all", "success list[]", func() []any { return []any{byte(19)} }), more("card", "failure list[ed25519]", card(20)), more("card away", "failure list[ed25519]", card(21)),
		cut("sign", "failure", "ed25519", sign), cut("add ed25519", "failure", "ed25519", add("ed25519")), cut("add p256", "failure", "ed25519", add("p256")), cut("add rsa", "failure", "ed25519", add("rsa")),
		cut("add dsa", "failure", "ed25519", add("dsa")), cut("add a certificate", "failure", "ed25519", add("ed25519-cert")), cut("add an rsa certificate", "failure", "ed25519", add("rsa-cert")),
		cut("add a device's key", "failure", "ed25519", add("sk-ed25519")), cut("add with constraints", "failure,success", "c", constrained), cut("remove", "failure", "ed25519", remove),
		cut("card", "failure", "ed25519", card(20)), cut("card away", "failure", "ed25519", card(21)), cut("card with constraints", "failure", "ed25519", card(26)), cut("session-bind", "failure", "ed25519", bind).but("success cut:extension-failure,failure list[ed25519]", known28),
		{name: "frames: messages that are no requests", want: "failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure list[]", play: func(p *play) {
			for _, kind := range []byte{0, 2, 3, 5, 6, 7, 8, 10, 12, 14, 15, 16, 24, 28, 29, 30, 100, 200, 255} {
				p.ask(kind)
			}
			p.list()
		}},
		{name: "frames: requests of protocol 1", want: "failure failure failure failure success failure",
			ours:    "failure failure failure failure failure failure",
			differs: protocol1,
			play: func(p *play) {
				for _, kind := range []byte{1, 3, 7, 8, 9, 24} {
					p.ask(kind)
				}
			}},
	}
	return append(rows, streamRows()...)
}

// streamRows are about how frames come and go.
func streamRows() []row {
	list := framed([]byte{11})
	return []row{
		{name: "frames: no bytes", want: "closed closed list[]", play: func(p *play) {
			p.write([]byte{0, 0, 0, 0})
			p.halfClose()
			p.say("%s", p.describe(p.read()))
			p.write(append([]byte{0, 0, 0, 0}, list...))
			p.say("%s", p.describe(p.read()))
			p.list()
		}},
		{name: "frames: of 256 KiB", want: "failure list[]", play: func(p *play) {
			p.ask(byte(200), raw(make([]byte, 256<<10-1)))
			p.list()
		}},
		{name: "frames: longer than 256 KiB", want: "closed closed closed list[]", play: func(p *play) {
			p.write([]byte{0, 4, 0, 1, 11})
			p.say("%s", p.describe(p.read()))
			p.write([]byte{255, 255, 255, 255, 11})
			p.say("%s", p.describe(p.read()))
			p.write([]byte("GET / HTTP/1.1\r\n\r\n"))
			p.say("%s", p.describe(p.read()))
			p.list()
		}},
		{name: "frames: byte by byte", want: "success list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			for i := range list {
				p.write(list[i : i+1])
			}
			p.say("%s", p.describe(p.read()))
		}},
		{name: "frames: half of one, and the end", want: "closed list[]", play: func(p *play) {
			p.write(list[:3])
			p.halfClose()
			p.say("%s", p.describe(p.read()))
			p.list()
		}},
		{name: "frames: several at once", want: "success list[ed25519] signed list[ed25519] failure", play: func(p *play) {
			p.add("ed25519")
			sign := framed(pack(byte(13), cast()["ed25519"].public.Marshal(), "data", uint32(0)))
			p.write(bytes.Join([][]byte{list, sign, list, framed([]byte{200})}, nil))
			for range 4 {
				p.say("%s", p.describe(p.read()))
			}
		}},
		{name: "frames: one, and the first half of the next", want: "success list[ed25519] list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			p.write(append(bytes.Clone(list), list[:2]...))
			p.say("%s", p.describe(p.read()))
			p.write(list[2:])
			p.say("%s", p.describe(p.read()))
		}},
		{name: "frames: one, and no more will come", want: "success closed list[ed25519]",
			ours:    "success list[ed25519] list[ed25519]",
			differs: "what was asked for is answered, as other agents do; OpenSSH's throws the answer away",
			play: func(p *play) {
				p.add("ed25519")
				p.on("half").write(list)
				p.halfClose()
				p.say("%s", p.describe(p.read()))
				p.on("").list()
			}},
		{name: "frames: one, and gone", want: "success gone", play: func(p *play) {
			p.add("other", lifetime(3600))
			p.on("gone").write(framed(pack(byte(18), cast()["other"].public.Marshal())))
			p.hangUp()
			p.on("").untilGone()
		}},
		{name: "frames: a hundred connections", want: "success true", play: func(p *play) {
			p.add("ed25519")
			same := true
			for i := range 100 {
				p.on(strings.Repeat("i", i)).write(list)
			}
			for i := range 100 {
				same = p.on(strings.Repeat("i", i)).describe(p.read()) == "list[ed25519]" && same
			}
			p.say("%v", same)
		}},
	}
}

// halfClose says that no more will be sent.
func (p *play) halfClose() {
	if c, ok := p.conn().(*net.UnixConn); ok {
		c.CloseWrite()
	}
}
