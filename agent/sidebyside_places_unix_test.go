//go:build unix

package agent_test

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Destination constraints (PROTOCOL.agent, "restrict-destination-v00").

// hop is one end of a way that a key may go. A key of the cast that is written
// "@name" is that of an authority.
type hop struct {
	user, name string
	keys       []string
}

type place struct{ from, to hop }

// to lets a key be used from here to a host.
func to(key, name string) place { return place{to: hop{name: name, keys: []string{key}}} }

// from lets a key be used from one host to another.
func from(key, name string, there place) place {
	there.from = hop{name: name, keys: []string{key}}
	return there
}

func (d place) as(user string) place { d.to.user = user; return d }

func (h hop) pack() []byte {
	b := pack(h.user, h.name, "")
	for _, key := range h.keys {
		name, ca := strings.CutPrefix(key, "@")
		b = append(b, pack(cast()[name].public.Marshal(), ca)...)
	}
	return b
}

func (d place) pack() []byte { return pack(pack(d.from.pack(), d.to.pack(), "")) }

func places(list ...place) []byte {
	var all []byte
	for _, d := range list {
		all = append(all, d.pack()...)
	}
	return extension("restrict-destination-v00@openssh.com", pack(all))
}

// login signs as ssh does to log in (RFC 4252 section 7), with the host key in it
// where host is not "".
func (p *play) login(key, user, session, host string) {
	public := cast()[key].public
	method, more := "publickey", []byte(nil)
	if host != "" {
		method, more = "publickey-hostbound-v00@openssh.com", pack(cast()[host].public.Marshal())
	}
	p.signData(key, 2, pack(session, byte(50), user, "ssh-connection", method, true, public.Type(), public.Marshal(), raw(more)))
}

func placeRows() []row {
	const key = "ed25519"
	return slices.Concat(placeLocalRows(key), placeHopRows(key), placeDataRows(key), placeShapeRows(key))
}

func placeLocalRows(key string) []row {
	one := places(to("host", "h"))
	return []row{
		{name: "places: here, without a binding", want: "success list[ed25519] failure failure success", play: func(p *play) {
			p.add(key, one)
			p.list()
			p.sign(key, 0)
			p.login(key, "me", "s", "")
			p.remove(key)
		}},
		{name: "places: the host that is permitted", want: "success success list[ed25519] signed:ssh-ed25519 signed:ssh-ed25519 success", play: func(p *play) {
			p.add(key, one)
			p.bind("host", "s", false)
			p.list()
			p.login(key, "me", "s", "")
			p.login(key, "me", "s", "host")
			p.remove(key)
		}},
		{name: "places: another host", want: "success success list[] failure failure failure failure list[ed25519]", play: func(p *play) {
			p.add(key, one)
			p.on("other").bind("host2", "s", false)
			p.list()
			p.login(key, "me", "s", "host2")
			p.login(key, "me", "s", "host")
			p.remove(key)
			p.add(key)
			p.on("").list()
		}},
		{name: "places: what is not seen is not replaced, and goes with all", want: "success success failure success list[]", play: func(p *play) {
			p.add(key, one)
			p.on("other").bind("host2", "s", false)
			p.add(key, lifetime(60))
			p.removeAll()
			p.on("").list()
		}},
		{name: "places: users", want: "success success success success list[ed25519 other third] signed:ssh-ed25519 failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure failure signed:ssh-ed25519", play: func(p *play) {
			p.add(key, places(to("host", "h").as("me")))
			p.add("other", places(to("host", "h").as("m*,!mallory,?x")))
			p.add("third", places(to("host", "h").as("web-*")))
			p.bind("host", "s", false)
			p.list()
			for _, user := range []string{"me", "root", "mallory", "ME", "", "web-1"} {
				p.login(key, user, "s", "host")
				p.login("other", user, "s", "host")
				p.login("third", user, "s", "host")
			}
		}},
		{name: "places: one of several", want: "success success signed:ssh-ed25519 signed:ssh-ed25519 failure", play: func(p *play) {
			p.add(key, places(to("host2", "x").as("root"), to("host", "h").as("me"), to("host", "h").as("you")))
			p.bind("host", "s", false)
			for _, user := range []string{"me", "you", "root"} {
				p.login(key, user, "s", "host")
			}
		}},
		{name: "places: several keys of one host", want: "success success signed:ssh-ed25519 success signed:ssh-ed25519 success failure", play: func(p *play) {
			p.add(key, places(place{to: hop{name: "h", keys: []string{"host2", "rsa", "host"}}}))
			p.bind("host", "s", false)
			p.login(key, "me", "s", "host")
			p.on("second").bind("rsa", "s", false)
			p.login(key, "me", "s", "rsa")
			p.on("third").bind("host3", "s", false)
			p.login(key, "me", "s", "host3")
		}},
		{name: "places: hosts with a certificate", want: "success success list[ed25519] signed:ssh-ed25519 success list[] success list[ed25519] success list[] success list[]",
			ours:    "success success list[ed25519] signed:ssh-ed25519 success list[] success list[] success list[] success list[]",
			differs: "a certificate that names no host proves no name, and the constraint gives one; so in later versions of OpenSSH",
			play: func(p *play) {
				p.add(key, places(to("@ca", "h")))
				p.on("good").bindTo(hostCert("h", "x"), "s", false)
				p.list()
				p.login(key, "me", "s", "")
				p.on("other name").bindTo(hostCert("x"), "s", false)
				p.list()
				p.on("no name").bindTo(hostCert(), "s", false)
				p.list()
				p.on("plain").bind("host", "s", false)
				p.list()
				p.on("the authority itself").bind("ca", "s", false)
				p.list()
			}},
		{name: "places: hosts with a certificate for patterns", want: "success success list[] success list[] success list[] success list[]",
			ours:    "success success list[ed25519] success list[ed25519] success list[] success list[]",
			differs: "it is the certificate that may have a pattern for a name; so in later versions of OpenSSH",
			play: func(p *play) {
				p.add(key, places(to("@ca", "a.example")))
				for i, names := range []string{"*.example", "x,a.exampl?", "A.EXAMPLE", "*.*.example"} {
					p.on(names).bindTo(hostCert(strings.Split(names, ",")...), strconv.Itoa(i), false)
					p.list()
				}
			}},
		{name: "places: a pattern where the name of a host should be", want: "success success list[ed25519]",
			ours:    "success success list[]",
			differs: "it is the certificate that may have a pattern for a name; so in later versions of OpenSSH",
			play: func(p *play) {
				p.add(key, places(to("@ca", "*.example")))
				p.bindTo(hostCert("a.example"), "s", false)
				p.list()
			}},
		{name: "places: hosts with a certificate that is over, or not begun, or has a condition", want: "success success list[] success list[] success list[]", play: func(p *play) {
			p.add(key, places(to("@ca", "h")))
			for name, change := range map[string]func(c *ssh.Certificate){
				"over":      func(c *ssh.Certificate) { c.ValidBefore = 2000 },
				"not begun": func(c *ssh.Certificate) { c.ValidAfter = 1 << 40 },
				"condition": func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": "y"} },
			} {
				p.on(name).bindTo(hostCertWith(change, "h"), name, false)
				p.list()
			}
		}},
		{name: "places: a host's key is not an authority", want: "success success list[]", play: func(p *play) {
			p.add(key, places(to("ca", "h"), to("host", "h")))
			p.bindTo(hostCert("h"), "s", false)
			p.list()
		}},
		{name: "places: a user's certificate is no host's", want: "success success list[]", play: func(p *play) {
			p.add(key, places(to("@ca", "me")))
			p.bindTo(must(ssh.NewCertSigner(cast()["ed25519-cert"].public.(*ssh.Certificate), cast()["ed25519"].signer)), "s", false)
			p.list()
		}},
		{name: "places: a certificate of ours", want: "success success list[ed25519-cert] signed:ssh-ed25519 success list[]", play: func(p *play) {
			p.add("ed25519-cert", one)
			p.bind("host", "s", false)
			p.list()
			p.login("ed25519-cert", "me", "s", "host")
			p.on("other").bind("host2", "s", false)
			p.list()
		}},
		{name: "places: rsa", want: "success success signed:rsa-sha2-256 signed:rsa-sha2-256 signed:rsa-sha2-256 failure failure failure", play: func(p *play) {
			p.add("rsa", one)
			p.bind("host", "s", false)
			p.login("rsa", "me", "s", "host")
			public := cast()["rsa"].public
			for _, name := range []string{"rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519", "rsa-sha2-256-cert-v01@openssh.com", "nonsense"} {
				p.signData("rsa", 2, pack("s", byte(50), "me", "ssh-connection", "publickey", true, name, public.Marshal()))
			}
		}},
		{name: "places: and confirm", person: "no", want: "success success list[ed25519] failure", play: func(p *play) {
			p.add(key, one, confirm)
			p.bind("host", "s", false)
			p.list()
			p.login(key, "me", "s", "host")
		}},
		{name: "places: and confirm, with a yes", person: "yes", want: "success success signed:ssh-ed25519 failure", play: func(p *play) {
			p.add(key, confirm, one, lifetime(60))
			p.bind("host", "s", false)
			p.login(key, "me", "s", "host")
			p.login(key, "me", "t", "host")
		}},
	}
}

func placeHopRows(key string) []row {
	through := places(to("host", "h"), from("host", "h", to("host2", "h2").as("me")))
	return []row{
		{name: "places: forwarded to a host and no further", want: "success success list[] failure success list[] failure", play: func(p *play) {
			p.add(key, places(to("host", "h")))
			p.bind("host", "s", true)
			p.list()
			p.login(key, "me", "s", "host")
			p.bind("host2", "t", false)
			p.list()
			p.login(key, "me", "t", "host2")
		}},
		{name: "places: forwarded to a host and on to the next", want: "success success list[ed25519] failure success list[ed25519] signed:ssh-ed25519 failure failure", play: func(p *play) {
			p.add(key, through)
			p.bind("host", "s", true)
			p.list()
			p.login(key, "me", "s", "host")
			p.bind("host2", "t", false)
			p.list()
			p.login(key, "me", "t", "host2")
			p.login(key, "root", "t", "host2")
			p.login(key, "me", "s", "host2")
		}},
		{name: "places: straight to the second host", want: "success success list[] failure", play: func(p *play) {
			p.add(key, through)
			p.bind("host2", "t", false)
			p.list()
			p.login(key, "me", "t", "host2")
		}},
		{name: "places: on to another host than the next", want: "success success success list[] failure", play: func(p *play) {
			p.add(key, through)
			p.bind("host", "s", true)
			p.bind("host3", "t", false)
			p.list()
			p.login(key, "me", "t", "host3")
		}},
		{name: "places: through another host than the first", want: "success success list[] success list[] failure", play: func(p *play) {
			p.add(key, through)
			p.bind("host3", "s", true)
			p.list()
			p.bind("host2", "t", false)
			p.list()
			p.login(key, "me", "t", "host2")
		}},
		{name: "places: the second hop needs the host key", want: "success success success failure failure signed:ssh-ed25519", play: func(p *play) {
			p.add(key, through)
			p.bind("host", "s", true)
			p.bind("host2", "t", false)
			p.login(key, "me", "t", "")
			p.login(key, "me", "t", "host")
			p.login(key, "me", "t", "host2")
		}},
		{name: "places: three hops", want: "success success list[ed25519] success list[ed25519] success list[ed25519] signed:ssh-ed25519 failure", play: func(p *play) {
			p.add(key, places(to("host", "h"), from("host", "h", to("host2", "h2")), from("host2", "h2", to("host3", "h3"))))
			p.bind("host", "1", true)
			p.list()
			p.bind("host2", "2", true)
			p.list()
			p.bind("host3", "3", false)
			p.list()
			p.login(key, "me", "3", "host3")
			p.login(key, "me", "3", "")
		}},
		{name: "places: three hops, one of them not permitted", want: "success success success list[] success failure", play: func(p *play) {
			p.add(key, places(to("host", "h"), from("host2", "h2", to("host3", "h3"))))
			p.bind("host", "1", true)
			p.bind("host2", "2", true)
			p.list()
			p.bind("host3", "3", false)
			p.login(key, "me", "3", "host3")
		}},
		{name: "places: the same host once more", want: "success success success signed:ssh-ed25519", play: func(p *play) {
			p.add(key, places(to("host", "h"), from("host", "h", to("host", "h"))))
			p.bind("host", "1", true)
			p.bind("host", "2", false)
			p.login(key, "me", "2", "host")
		}},
		{name: "places: a hop by certificate", want: "success success list[ed25519] success signed:ssh-ed25519", play: func(p *play) {
			p.add(key, places(to("@ca", "h"), from("@ca", "h", to("host2", "h2"))))
			p.bindTo(hostCert("h"), "1", true)
			p.list()
			p.bind("host2", "2", false)
			p.login(key, "me", "2", "host2")
		}},
		{name: "places: a failed binding hides what has places", want: "success success failure list[ed25519 other] failure signed:ssh-ed25519 success list[ed25519 other] signed:ssh-ed25519",
			ours:    "success success extension-failure list[other] failure signed:ssh-ed25519 success list[other] failure",
			differs: unbound + "; " + known28,
			play: func(p *play) {
				p.add(key, places(to("host", "h")))
				p.add("other")
				p.on("bad").ask(byte(27), sessionBind, "nonsense")
				p.list()
				p.login(key, "me", "s", "host")
				p.sign("other", 0)
				p.bind("host", "s", false)
				p.list()
				p.login(key, "me", "s", "host")
			}},
		{name: "places: added on a connection that is bound", want: "success success success list[other] list[ed25519 other]", play: func(p *play) {
			p.bind("host", "s", false)
			p.add(key, places(to("host2", "h2")))
			p.add("other", places(to("host", "h")))
			p.list()
			p.on("free").list()
		}},
	}
}
