//go:build unix

package agent_test

import (
	"time"

	"kagiban/agent"
)

// Constraints (RFC 9987 section 5.2.7).
var confirm = []byte{2}

func lifetime(seconds uint32) []byte { return pack(byte(1), seconds) }

func extension(name string, contents []byte) []byte { return pack(byte(255), name, raw(contents)) }

// untilGone lists until nothing is there.
func (p *play) untilGone() {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		p.write(framed([]byte{11}))
		if answer := p.read(); answer != nil && len(comments(answer)) == 0 {
			p.say("gone")
			return
		}
	}
	p.say("STAYS")
}

func limitRows() []row {
	return []row{
		{name: "limits: none", want: "success list[ed25519]", play: func(p *play) { p.add("ed25519", []byte{}); p.list() }},
		{name: "limits: lifetime of 0", want: "success list[]", play: func(p *play) { p.add("ed25519", lifetime(0)); p.list() }},
		{name: "limits: lifetime of 1", want: "success gone failure", play: func(p *play) {
			p.add("ed25519", lifetime(1))
			p.untilGone()
			p.sign("ed25519", 0)
		}},
		{name: "limits: the longest lifetime", want: "success list[ed25519] signed:ssh-ed25519", play: func(p *play) { p.add("ed25519", lifetime(0xffffffff)); p.list(); p.sign("ed25519", 0) }},
		{name: "limits: a certificate's lifetime", want: "success success gone", play: func(p *play) {
			p.add("ed25519-cert", lifetime(1))
			p.add("ed25519", lifetime(1))
			p.untilGone()
		}},
		{name: "limits: added once more with a lifetime", want: "success success gone", play: func(p *play) {
			p.add("ed25519")
			p.add("ed25519", lifetime(1))
			p.untilGone()
		}},
		{name: "limits: added once more without its lifetime", want: `success success success left["ed25519"]`, play: func(p *play) {
			p.add("ed25519", lifetime(1))
			p.add("ed25519")
			p.add("other", lifetime(2))
			p.untilWithout("other")
		}},
		{name: "limits: a lifetime for all", want: "success gone", flags: []string{"-t", "1"}, options: func(o *agent.Options) { o.Life = time.Second }, play: func(p *play) {
			p.add("ed25519")
			p.untilGone()
		}},
		{name: "limits: a longer lifetime than that for all", want: `success success left["ed25519"]`, flags: []string{"-t", "1"}, options: func(o *agent.Options) { o.Life = time.Second }, play: func(p *play) {
			p.add("ed25519", lifetime(3600))
			p.add("other")
			p.untilWithout("other")
		}},
		{name: "limits: a constraint on a plain add", want: "success list[]",
			ours:    "failure list[]",
			differs: "message 17 has no constraints (RFC 9987 section 5.2), and what is meant by bytes after it nobody knows",
			play: func(p *play) {
				p.ask(byte(17), raw(cast()["ed25519"].private), "ed25519", raw(lifetime(0)))
				p.list()
			}},
		{name: "limits: not known", want: "failure failure failure failure failure failure list[]", play: func(p *play) {
			for _, kind := range []byte{0, 4, 5, 127, 128, 254} {
				p.add("ed25519", []byte{kind})
			}
			p.list()
		}},
		{name: "limits: the number of signatures, of an old draft", want: "failure failure list[]", play: func(p *play) {
			p.add("ed25519", pack(byte(3), uint32(5)))
			p.add("ed25519", []byte{3})
			p.list()
		}},
		{name: "limits: one twice", want: "failure failure failure list[]", play: func(p *play) {
			p.add("ed25519", lifetime(60), lifetime(60))
			p.add("ed25519", confirm, confirm)
			p.add("ed25519", lifetime(60), confirm, lifetime(60))
			p.list()
		}},
		{name: "limits: cut short", want: "failure failure failure failure failure list[]", play: func(p *play) {
			p.add("ed25519", []byte{1})
			p.add("ed25519", []byte{1, 0, 0, 1})
			p.add("ed25519", confirm, []byte{1, 0})
			p.add("ed25519", []byte{255})
			p.add("ed25519", []byte{255, 0, 0, 0, 9, 'x'})
			p.list()
		}},
		{name: "limits: an unknown extension", want: "failure failure failure list[]", play: func(p *play) {
			p.add("ed25519", extension("foo@example.com", nil))
			p.add("ed25519", extension("foo@example.com", pack("x")))
			p.add("ed25519", extension("", nil))
			p.list()
		}},
		{name: "limits: refused once more, the key stays as it was", want: "success failure list[ed25519] signed:ssh-ed25519", play: func(p *play) {
			p.add("ed25519")
			p.add("ed25519", []byte{254})
			p.list()
			p.sign("ed25519", 0)
		}},
	}
}

// untilWithout lists until that key is not there any more, and notes the others.
func (p *play) untilWithout(name string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		p.write(framed([]byte{11}))
		answer := p.read()
		if answer == nil {
			break
		}
		left := comments(answer)
		gone := true
		for _, comment := range left {
			gone = gone && comment != name
		}
		if gone {
			p.say("left%q", left)
			return
		}
	}
	p.say("STAYS")
}

func confirmRows() []row {
	use := func(p *play) {
		p.add("ed25519", confirm)
		p.list()
		p.sign("ed25519", 0)
		p.sign("ed25519", 0)
		p.remove("ed25519")
	}
	return []row{
		{name: "confirm: yes", person: "yes", want: "success list[ed25519] signed:ssh-ed25519 signed:ssh-ed25519 success", play: use},
		{name: "confirm: no", person: "no", want: "success list[ed25519] failure failure success", play: use},
		{name: "confirm: nobody to ask", want: "success list[ed25519] failure failure success", play: use},
		{name: "confirm: only the key that wants it", person: "no", want: "success success signed:ssh-ed25519 failure", play: func(p *play) {
			p.add("ed25519", confirm)
			p.add("other")
			p.sign("other", 0)
			p.sign("ed25519", 0)
		}},
		{name: "confirm: a certificate", person: "no", want: "success failure success signed:rsa-sha2-256 failure", play: func(p *play) {
			p.add("rsa-cert", confirm)
			p.sign("rsa-cert", 2)
			p.add("rsa")
			p.sign("rsa", 2)
			p.sign("rsa-cert", 2)
		}},
		{name: "confirm: with a lifetime", person: "yes", want: "success signed:ssh-ed25519 success signed:ssh-ed25519", play: func(p *play) {
			p.add("ed25519", confirm, lifetime(3600))
			p.sign("ed25519", 0)
			p.add("other", lifetime(3600), confirm)
			p.sign("other", 0)
		}},
		{name: "confirm: added once more without it", person: "no", want: "success success signed:ssh-ed25519", play: func(p *play) {
			p.add("ed25519", confirm)
			p.add("ed25519")
			p.sign("ed25519", 0)
		}},
		{name: "confirm: added once more with it", person: "no", want: "success success failure", play: func(p *play) {
			p.add("ed25519")
			p.add("ed25519", confirm)
			p.sign("ed25519", 0)
		}},
	}
}

func lockRows() []row {
	lock := func(p *play, password string) { p.ask(byte(22), password) }
	unlock := func(p *play, password string) { p.ask(byte(23), password) }
	return []row{
		{name: "lock: hides and comes back", want: "success success list[] success list[ed25519] signed:ssh-ed25519", play: func(p *play) {
			p.add("ed25519")
			lock(p, "secret")
			p.list()
			unlock(p, "secret")
			p.list()
			p.sign("ed25519", 0)
		}},
		{name: "lock: all else is refused", want: "success success failure failure failure failure failure failure failure failure success list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			lock(p, "secret")
			p.sign("ed25519", 0)
			p.add("other")
			p.add("other", lifetime(60))
			p.remove("ed25519")
			p.removeAll()
			p.ask(byte(20), "/usr/lib/no/such.so", "")
			p.ask(byte(27), "query")
			p.ask(byte(200))
			unlock(p, "secret")
			p.list()
		}},
		{name: "lock: on every connection", want: "success list[ed25519] success list[] failure list[] success list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			p.on("second").list()
			p.on("").ask(byte(22), "secret")
			p.on("second").list()
			p.sign("ed25519", 0)
			p.on("third").list()
			p.hangUp()
			p.on("second").ask(byte(23), "secret")
			p.on("").list()
		}},
		{name: "lock: outlives who locked", want: "success success list[] success list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			lock(p, "secret")
			p.hangUp()
			p.list()
			unlock(p, "secret")
			p.list()
		}},
		{name: "lock: an empty password", want: "success failure list[ed25519] success failure list[]", play: func(p *play) {
			p.add("ed25519")
			lock(p, "")
			p.list()
			lock(p, "secret")
			unlock(p, "")
			p.list()
		}},
		{name: "lock: while it is locked", want: "success failure failure failure success", play: func(p *play) {
			lock(p, "secret")
			lock(p, "secret")
			lock(p, "other")
			unlock(p, "other")
			unlock(p, "secret")
		}},
		{name: "lock: the wrong password", want: "success success failure list[] failure failure success list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			lock(p, "secret")
			unlock(p, "wrong")
			p.list()
			unlock(p, "secre")
			unlock(p, "secret2")
			unlock(p, "secret")
			p.list()
		}},
		{name: "lock: unlock when it is not locked", want: "failure success success failure list[]", play: func(p *play) {
			unlock(p, "secret")
			lock(p, "secret")
			unlock(p, "secret")
			unlock(p, "secret")
			p.list()
		}},
		{name: "lock: again, with another password", want: "success success success success failure success list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			lock(p, "one")
			unlock(p, "one")
			lock(p, "two")
			unlock(p, "one")
			unlock(p, "two")
			p.list()
		}},
		{name: "lock: bindings are heard", want: "success failure success",
			ours:    "success success failure",
			differs: "a connection that was forwarded while the agent was locked would be taken for a local one; so since OpenSSH 10.5",
			play: func(p *play) {
				lock(p, "secret")
				p.bind("host", "session", true)
				unlock(p, "secret")
			}},
		{name: "lock: constraints come back, too", person: "no", want: `success success success success success failure failure left["ed25519" "third"]`, play: func(p *play) {
			p.add("ed25519", confirm)
			p.add("other", lifetime(1))
			p.add("third", places(to("host", "h")))
			lock(p, "secret")
			unlock(p, "secret")
			p.sign("ed25519", 0)
			p.sign("third", 0)
			p.untilWithout("other")
		}},
		{name: "lock: every kind of key comes back", want: "success success success success success success success success success success list[rsa p256 p384 p521 dsa ed25519-cert rsa-cert sk-ed25519] signed:rsa-sha2-256 signed:ecdsa-sha2-nistp256 signed:ecdsa-sha2-nistp384 signed:ecdsa-sha2-nistp521 signed:ssh-dss signed:ssh-ed25519 signed:rsa-sha2-256", play: func(p *play) {
			for _, name := range []string{"rsa", "p256", "p384", "p521", "dsa", "ed25519-cert", "rsa-cert", "sk-ed25519"} {
				p.add(name)
			}
			lock(p, "secret")
			unlock(p, "secret")
			p.list()
			for _, name := range []string{"rsa", "p256", "p384", "p521", "dsa", "ed25519-cert", "rsa-cert"} {
				p.sign(name, 2)
			}
		}},
		{name: "lock: a password of all bytes but zero", want: "success success", play: func(p *play) {
			all := make([]byte, 255)
			for i := range all {
				all[i] = byte(i + 1)
			}
			lock(p, string(all))
			unlock(p, string(all))
		}},
		{name: "lock: a zero byte in the password", want: "success dead dead",
			ours:    "success success list[]",
			differs: stays + ", or locks where it can",
			play: func(p *play) {
				p.add("ed25519")
				lock(p, "a\x00b")
				p.list()
			}},
		{name: "lock: without a password", want: "success dead dead",
			ours:    "success failure list[ed25519]",
			differs: stays,
			play: func(p *play) {
				p.add("ed25519")
				p.ask(byte(22))
				p.list()
			}},
		{name: "lock: unlock without a password", want: "success dead dead",
			ours:    "success failure list[ed25519]",
			differs: stays,
			play: func(p *play) {
				p.add("ed25519")
				p.ask(byte(23))
				p.list()
			}},
		{name: "lock: a byte after the password", want: "success success failure",
			ours:    "failure failure failure",
			differs: whole,
			play: func(p *play) {
				p.ask(byte(22), "secret", byte(0))
				p.ask(byte(23), "secret", byte(0))
				p.ask(byte(23), "secret")
			}},
	}
}
