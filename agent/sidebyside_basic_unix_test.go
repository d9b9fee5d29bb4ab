//go:build unix

package agent_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Why both agents differ, where more than one row has the same reason.
const (
	whole    = "a message is understood to its last byte or refused; no client sends more"
	sound    = "a key that is not sound is refused: what it signs is refused elsewhere, or gives it away"
	stays    = "OpenSSH's agent ends, and all keys are gone; ours refuses the message"
	fullList = "a list that is longer than clients read would make every key useless to them"

	protocol1 = "protocol 1 is no part of RFC 9987; who asks to remove its keys (ssh-add -D) asks to remove all others before"
	known28   = "an extension that is known and fails is answered with 28 (RFC 9987 section 5.8); so since OpenSSH 10.3"
	unbound   = "who tried to bind and failed may be anywhere, whatever is bound later: keys that may go to some places only are not for him"
)

func listRows() []row {
	return []row{
		{name: "list: nothing", want: "list[]", play: func(p *play) { p.list() }},
		{name: "list: in the order in which they came", want: "success success success list[p256 ed25519 ed25519-cert]", play: func(p *play) {
			p.add("p256")
			p.add("ed25519")
			p.add("ed25519-cert")
			p.list()
		}},
		{name: "list: added once more", want: "success success success list[new ed25519]", play: func(p *play) {
			p.add("p256")
			p.add("ed25519")
			p.ask(byte(17), raw(cast()["p256"].private), "new")
			p.list()
		}},
		{name: "list: removed and added", want: "success success success success list[ed25519 p256]", play: func(p *play) {
			p.add("p256")
			p.add("ed25519")
			p.remove("p256")
			p.add("p256")
			p.list()
		}},
		{name: "list: comments of all kinds", want: `success success list[ \u9375 \xff\x1b[31m]`, play: func(p *play) {
			p.ask(byte(17), raw(cast()["ed25519"].private), "")
			p.ask(byte(17), raw(cast()["p256"].private), "鍵 \xff\x1b[31m")
			p.list()
		}},
		{name: "list: a comment with a zero byte", want: "failure list[]", play: func(p *play) {
			p.ask(byte(17), raw(cast()["ed25519"].private), "a\x00b")
			p.list()
		}},
		{name: "list: longer than a client reads", want: "success success 2 keys",
			ours:    "success failure 1 keys",
			differs: fullList,
			play: func(p *play) {
				for _, name := range []string{"ed25519", "other"} {
					p.ask(byte(17), raw(cast()[name].private), strings.Repeat("x", 200<<10))
				}
				p.write(framed([]byte{11}))
				p.say("%d keys", len(comments(p.read())))
			}},
		{name: "list: of protocol 1", want: "failure", play: func(p *play) { p.ask(byte(1)) }},
		{name: "remove: one", want: "success success success list[p256] failure failure", play: func(p *play) {
			p.add("ed25519")
			p.add("p256")
			p.remove("ed25519")
			p.list()
			p.sign("ed25519", 0)
			p.remove("ed25519")
		}},
		{name: "remove: none such", want: "success failure failure failure failure list[ed25519]", play: func(p *play) {
			p.add("ed25519")
			p.remove("other")
			p.remove("ed25519-cert")
			p.ask(byte(18), "nonsense")
			p.ask(byte(18), "")
			p.list()
		}},
		{name: "remove: a certificate stays without its key", want: "success success success list[ed25519-cert] signed:ssh-ed25519", play: func(p *play) {
			p.add("ed25519")
			p.add("ed25519-cert")
			p.remove("ed25519")
			p.list()
			p.sign("ed25519-cert", 0)
		}},
		{name: "remove: all", want: "success success success success list[] failure", play: func(p *play) {
			p.removeAll()
			p.add("ed25519")
			p.add("p256-cert")
			p.removeAll()
			p.list()
			p.sign("ed25519", 0)
		}},
		{name: "remove: all of protocol 1", want: "success success list[]",
			ours:    "success failure list[ed25519]",
			differs: protocol1,
			play: func(p *play) {
				p.add("ed25519")
				p.ask(byte(9))
				p.list()
			}},
	}
}

// format is what a key of the cast signs with where SHA-256 is asked for.
func format(name string) string {
	name, _ = strings.CutSuffix(name, "-cert")
	return map[string]string{"ed25519": "ssh-ed25519", "p256": "ecdsa-sha2-nistp256", "p384": "ecdsa-sha2-nistp384",
		"p521": "ecdsa-sha2-nistp521", "rsa": "rsa-sha2-256", "dsa": "ssh-dss"}[name]
}

func signRows() (rows []row) {
	flags := func(name string) func(*play) {
		return func(p *play) {
			p.add(name)
			for _, flag := range []uint32{0, 1, 2, 4, 6, 8, 1 << 31, 1<<31 | 2, 0xffffffff} {
				p.sign(name, flag)
			}
		}
	}
	for _, name := range []string{"rsa", "rsa-cert"} {
		rows = append(rows, row{name: "sign: every flag with " + name, play: flags(name),
			want: "success signed:ssh-rsa signed:ssh-rsa signed:rsa-sha2-256 signed:rsa-sha2-512 signed:rsa-sha2-256 signed:ssh-rsa signed:ssh-rsa signed:rsa-sha2-256 signed:rsa-sha2-256"})
	}
	for _, name := range []string{"ed25519", "p256", "p384", "p521", "dsa", "ed25519-cert", "p256-cert", "p384-cert", "p521-cert", "dsa-cert"} {
		want := "success" + strings.Repeat(" signed:"+format(name), 9)
		rows = append(rows, row{name: "sign: every flag with " + name, want: want, play: flags(name)})
	}
	return append(rows, []row{
		{name: "sign: a key that is not there", want: "failure success failure", play: func(p *play) {
			p.sign("ed25519", 0)
			p.add("ed25519")
			p.sign("other", 0)
		}},
		{name: "sign: in the name of the certificate, with the key alone", want: "success failure", play: func(p *play) {
			p.add("ed25519")
			p.sign("ed25519-cert", 0)
		}},
		{name: "sign: in the name of the key, with the certificate alone", want: "success failure", play: func(p *play) {
			p.add("ed25519-cert")
			p.sign("ed25519", 0)
		}},
		{name: "sign: nothing", want: "success signed:ssh-ed25519", play: func(p *play) {
			p.add("ed25519")
			p.signData("ed25519", 0, nil)
		}},
		{name: "sign: as much as a message holds", want: "success signed:ssh-ed25519 closed", play: func(p *play) {
			p.add("ed25519")
			blob := cast()["ed25519"].public.Marshal()
			p.signData("ed25519", 0, bytes.Repeat([]byte{7}, 256<<10-1-4-len(blob)-4-4))
			p.signData("ed25519", 0, bytes.Repeat([]byte{7}, 256<<10-1-4-len(blob)-4-4+1))
		}},
		{name: "sign: with a device that is not there", want: "success failure success failure", play: func(p *play) {
			for _, name := range []string{"sk-ed25519", "sk-ecdsa-cert"} {
				p.add(name, extension("sk-provider@openssh.com", pack("internal")))
				p.ask(byte(13), cast()[name].public.Marshal(), "data", uint32(0))
			}
		}},
		{name: "sign: a blob that is no key", want: "success failure failure failure failure", play: func(p *play) {
			p.add("ed25519")
			blob := cast()["ed25519"].public.Marshal()
			p.ask(byte(13), "", "data", uint32(0))
			p.ask(byte(13), blob[:len(blob)-1], "data", uint32(0))
			p.ask(byte(13), append(bytes.Clone(blob), 0), "data", uint32(0))
			p.ask(byte(13), pack("ssh-foo", "x"), "data", uint32(0))
		}},
	}...)
}

func addRows() (rows []row) {
	for _, name := range []string{"ed25519", "p256", "p384", "p521", "rsa", "dsa", "ed25519-cert", "p256-cert", "p384-cert", "p521-cert", "rsa-cert", "dsa-cert"} {
		want := fmt.Sprintf("success success list[%[1]s] signed:%[2]s success list[%[1]s] success list[]", name, format(name))
		rows = append(rows, row{name: "add: " + name, want: want, play: func(p *play) {
			p.add(name)
			p.add(name)
			p.list()
			p.sign(name, 2)
			p.add(name, []byte{})
			p.list()
			p.remove(name)
			p.list()
		}})
	}
	for _, name := range []string{"sk-ed25519", "sk-ecdsa", "sk-ed25519-cert", "sk-ecdsa-cert"} {
		want := fmt.Sprintf("success list[%s] success failure success list[]", name)
		rows = append(rows, row{name: "add: " + name, want: want, play: func(p *play) {
			p.add(name)
			p.list()
			p.add(name, extension("sk-provider@openssh.com", pack("internal")))
			p.add(name, extension("sk-provider@openssh.com", pack("/no/such/provider.so")))
			p.add(name, extension("sk-provider@openssh.com", pack("internal")), lifetime(0))
			p.list()
		}})
	}
	return append(slices.Concat(rows, brokenRows(), brokenCertRows()), []row{
		{name: "add: a provider for a key that lives in no device", want: "failure list[]", play: func(p *play) {
			p.add("ed25519", extension("sk-provider@openssh.com", pack("internal")))
			p.list()
		}},
		{name: "add: a provider in capitals", want: "success list[sk-ed25519]", play: func(p *play) {
			p.add("sk-ed25519", extension("sk-provider@openssh.com", pack("INTERNAL")))
			p.list()
		}},
		{name: "add: a provider twice", want: "failure list[]", play: func(p *play) {
			internal := extension("sk-provider@openssh.com", pack("internal"))
			p.add("sk-ed25519", internal, internal)
			p.list()
		}},
		{name: "add: an unknown kind", want: "failure failure", play: func(p *play) {
			p.ask(byte(17), "ssh-foo", "x", "y", "comment")
			p.ask(byte(17), "", "comment")
		}},
		{name: "add: a certificate that has expired", want: "success list[expired-cert]", play: func(p *play) {
			p.add("expired-cert")
			p.list()
		}},
		{name: "add: a certificate of another key", want: "failure list[]", play: func(p *play) {
			p.ask(byte(17), cast()["ed25519-cert"].public.Type(), cast()["ed25519-cert"].public.Marshal(), raw(cast()["other"].secret), "x")
			p.list()
		}},
		{name: "add: a certificate of another kind of key", want: "failure list[]", play: func(p *play) {
			p.ask(byte(17), cast()["p256-cert"].public.Type(), cast()["ed25519-cert"].public.Marshal(), raw(cast()["p256"].secret), "x")
			p.list()
		}},
		{name: "add: a plain key where a certificate should be", want: "failure list[]", play: func(p *play) {
			p.ask(byte(17), cast()["ed25519-cert"].public.Type(), cast()["ed25519"].public.Marshal(), raw(cast()["ed25519"].secret), "x")
			p.list()
		}},
		{name: "add: a host's certificate", want: "success list[x]", play: func(p *play) {
			p.ask(byte(17), "ssh-ed25519-cert-v01@openssh.com", hostCert("h").PublicKey().Marshal(), raw(cast()["host"].secret), "x")
			p.list()
		}},
	}...)
}

// brokenRows are keys whose parts do not belong together.
func brokenRows() []row {
	broken := func(name, want string, parts func() []any) row {
		r := row{name: "add: broken " + name, want: want, play: func(p *play) {
			p.ask(append(append([]any{byte(17)}, parts()...), "x")...)
			p.list()
		}}
		if want != "failure list[]" {
			r.ours, r.differs = "failure list[]", sound
		}
		return r
	}
	rsaWith := func(change func(n, e, d, iqmp, p, q *big.Int)) func() []any {
		return func() []any {
			r := reader{rest: cast()["rsa"].private}
			parts, numbers := []any{"ssh-rsa"}, []*big.Int{}
			for r.string(); len(r.rest) > 0; {
				numbers = append(numbers, new(big.Int).SetBytes(r.string()))
			}
			change(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
			for _, n := range numbers {
				parts = append(parts, n)
			}
			return parts
		}
	}
	set := func(n *big.Int, v int64) { n.SetInt64(v) }
	return []row{
		broken("ed25519: one public half another's", "success list[x]", func() []any {
			return []any{"ssh-ed25519", []byte(newEd25519()[32:]), []byte(newEd25519())}
		}),
		broken("ed25519: both public halves another's", "success list[x]", func() []any {
			mine, other := newEd25519(), newEd25519()
			return []any{"ssh-ed25519", []byte(other[32:]), slices.Concat([]byte(mine[:32]), []byte(other[32:]))}
		}),
		broken("ed25519: too short", "failure list[]", func() []any { return []any{"ssh-ed25519", make([]byte, 31), make([]byte, 64)} }),
		broken("p256: another's private half", "success list[x]", func() []any {
			return []any{"ecdsa-sha2-nistp256", "nistp256", must(must(newP256()).PublicKey.Bytes()), new(big.Int).SetBytes(must(must(newP256()).Bytes()))}
		}),
		broken("p256: a point off the curve", "failure list[]", func() []any {
			key := must(newP256())
			point := must(key.PublicKey.Bytes())
			point[40] ^= 1
			return []any{"ecdsa-sha2-nistp256", "nistp256", point, new(big.Int).SetBytes(must(key.Bytes()))}
		}),
		broken("rsa: another n", "success list[x]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { n.Add(n, big.NewInt(2)) })),
		broken("rsa: p is 0", "success list[x]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { set(p, 0) })),
		broken("rsa: p and q are 1", "failure list[]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { set(p, 1); set(q, 1) })),
		broken("rsa: d is 0", "success list[x]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { set(d, 0) })),
		broken("rsa: e is 1", "success list[BAD-BLOB:x]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { set(e, 1) })),
		broken("rsa: e is 2^40", "success list[BAD-BLOB:x]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { e.Lsh(big.NewInt(1), 40) })),
		broken("rsa: n of 40 bits", "failure list[]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { n.Lsh(big.NewInt(1), 39).Add(n, big.NewInt(1)) })),
		broken("rsa: n of 16400 bits", "failure list[]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { n.Lsh(big.NewInt(1), 16399).Add(n, big.NewInt(1)) })),
		broken("rsa: n is negative", "failure list[]", rsaWith(func(n, e, d, iqmp, p, q *big.Int) { n.Neg(n) })),
	}
}

// brokenCertRows are certificates with something else than their keys.
func brokenCertRows() []row {
	broken := func(kind, what, want string, change func(fields [][]byte)) row {
		r := row{name: "add: broken certificate " + kind + ": " + what, want: want, play: func(p *play) {
			m, fields := cast()[kind+"-cert"], [][]byte{}
			for r := (reader{rest: cast()[kind].secret}); len(r.rest) > 0; {
				fields = append(fields, bytes.Clone(r.string()))
			}
			change(fields)
			var secret []byte
			for _, field := range fields {
				secret = append(secret, pack(field)...)
			}
			p.ask(byte(17), m.public.Type(), m.public.Marshal(), raw(secret), "x")
			p.list()
		}}
		if want != "failure list[]" {
			r.ours, r.differs = "failure list[]", sound
		}
		return r
	}
	nothing, one := []byte{}, []byte{1}
	return []row{
		broken("ed25519", "one public half another's", "failure list[]", func(f [][]byte) { f[0] = newEd25519()[32:] }),
		broken("ed25519", "another's seed", "success list[x]", func(f [][]byte) { copy(f[1], newEd25519()[:32]) }),
		broken("ed25519", "another's key", "failure list[]", func(f [][]byte) {
			key := newEd25519()
			f[0], f[1] = key[32:], key
		}),
		broken("p256", "another's d", "success list[x]", func(f [][]byte) { f[0] = must(must(newP256()).Bytes()); f[0][0] &= 0x7f }),
		broken("p256", "d is 0", "failure list[]", func(f [][]byte) { f[0] = nothing }),
		broken("rsa", "d is 0", "success list[x]", func(f [][]byte) { f[0] = nothing }),
		broken("rsa", "another d", "success list[x]", func(f [][]byte) { f[0][len(f[0])-1] ^= 2 }),
		broken("rsa", "another coefficient", "success list[x]", func(f [][]byte) { f[1][len(f[1])-1] ^= 2 }),
		broken("rsa", "p is 0", "success list[x]", func(f [][]byte) { f[2] = nothing }),
		broken("rsa", "p and q are 1", "failure list[]", func(f [][]byte) { f[2], f[3] = one, one }),
		broken("rsa", "another p", "success list[x]", func(f [][]byte) { f[2][len(f[2])-1] ^= 2 }),
		broken("dsa", "another x", "success list[x]", func(f [][]byte) { f[0][len(f[0])-1] ^= 2 }),
		broken("dsa", "x is 0", "success list[x]", func(f [][]byte) { f[0] = nothing }),
	}
}

func cardRows() []row {
	card := func(provider string) func(*play) {
		return func(p *play) {
			p.ask(byte(20), provider, "1234")
			p.ask(byte(26), provider, "1234", raw(lifetime(60)))
			p.ask(byte(26), provider, "1234", raw(confirm))
			p.ask(byte(21), provider, "1234")
			p.list()
		}
	}
	return []row{
		{name: "card: no such provider", want: "failure failure failure failure list[]", play: card("/usr/lib/no/such.so")},
		{name: "card: a provider outside of the list", want: "failure failure failure failure list[]", play: card("/etc/passwd")},
		{name: "card: a provider by a path that leads out of the list", want: "failure failure failure failure list[]", play: card("/usr/lib/../../etc/passwd")},
		{name: "card: a relative path", want: "failure failure failure failure list[]", play: card("libc.so.6")},
		{name: "card: an empty path", want: "failure failure failure failure list[]", play: card("")},
		{name: "card: constraints that cannot be", want: "failure failure failure", play: func(p *play) {
			p.ask(byte(26), "/usr/lib/no/such.so", "1234", byte(254))
			p.ask(byte(26), "/usr/lib/no/such.so", "1234", byte(1))
			p.ask(byte(20), "/usr/lib/no/such.so", "1234", byte(254))
		}},
	}
}
