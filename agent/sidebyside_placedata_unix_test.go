//go:build unix

package agent_test

import (
	"bytes"
	"slices"
	"strings"
)

// placeDataRows are what a key that may go to one place signs there: the data of a login (RFC 4252 section 7), to the last byte.
func placeDataRows(key string) []row {
	const session, message, user, service, method, signature, algorithm, blob = 0, 1, 2, 3, 4, 5, 6, 7
	of := func(name string) []byte { return cast()[name].public.Marshal() }
	login := []any{"s", byte(50), "me", "ssh-connection", "publickey", true, "ssh-ed25519", of(key)}
	with := func(field int, value any, more ...any) []byte {
		fields := append(slices.Clone(login), more...)
		fields[field] = value
		return pack(fields...)
	}
	whole := pack(login...)
	const hostBound = "publickey-hostbound-v00@openssh.com"
	data := func(name, want string, what []byte) row {
		return row{name: "places: to sign " + name, want: "success success " + want, play: func(p *play) {
			p.add(key, places(to("host", "h")))
			p.bind("host", "s", false)
			p.signData(key, 0, what)
		}}
	}
	return []row{
		data("a login", "signed:ssh-ed25519", whole),
		data("nothing", "failure", nil),
		data("a file", "failure", pack(raw("SSHSIG"), "file", "", "sha512", bytes.Repeat([]byte{1}, 64))),
		data("the login of another session", "failure", with(session, "other")),
		data("the login of an empty session", "failure", with(session, "")),
		data("another message", "failure", with(message, byte(51))),
		data("for another service", "failure", with(service, "ssh-userauth")),
		data("for another method", "failure", with(method, "password")),
		data("for hostbased", "failure", pack("s", byte(50), "me", "ssh-connection", "hostbased", "ssh-ed25519", of(key), "client", "user")),
		data("a login without its signature bit", "failure", with(signature, false)),
		data("a login whose signature bit is 2", "failure", with(signature, byte(2))),
		data("a login with another algorithm", "failure", with(algorithm, "ssh-rsa")),
		data("a login with another key", "failure", with(blob, of("other"))),
		data("a login with the certificate of the key", "failure", with(blob, of("ed25519-cert"))),
		data("a login and a byte more", "failure", append(slices.Clone(whole), 0)),
		data("a login cut short", "failure", whole[:len(whole)-1]),
		data("a login bound to no host", "failure", with(method, hostBound)),
		data("a login bound to nonsense", "failure", with(method, hostBound, "nonsense")),
		data("a login bound to another host", "failure", with(method, hostBound, of("host2"))),
		data("a login by name of a user with a zero byte", "failure", with(user, "me\x00x")),
	}
}

// placeShapeRows are constraints that are not well formed.
func placeShapeRows(key string) []row {
	kept := map[string]string{"success": "success list[ed25519]", "failure": "failure list[]"}
	shape := func(name, want string, constraint func() []byte) row {
		return row{name: "places: " + name, want: kept[want], play: func(p *play) {
			p.add(key, constraint())
			p.list()
		}}
	}
	restrict := func(contents []byte) []byte { return extension("restrict-destination-v00@openssh.com", contents) }
	return []row{
		shape("one", "success", func() []byte { return places(to("host", "h")) }),
		shape("none", "success", func() []byte { return places() }).but(kept["failure"], "a list that permits nothing would be no limit at all, and whoever sends it means one"),
		shape("given twice", "failure", func() []byte { return append(places(to("host", "h")), places(to("host", "h"))...) }),
		shape("none, given twice", "success", func() []byte { return append(places(), places()...) }).but(kept["failure"], "a list that permits nothing, and one constraint twice"),
		shape("no contents", "failure", func() []byte { return restrict(nil) }),
		shape("contents cut short", "failure", func() []byte { return restrict([]byte{0, 0, 0, 9, 1}) }),
		shape("to a host without a key", "failure", func() []byte { return places(place{to: hop{name: "h"}}) }),
		shape("to a host without a name", "failure", func() []byte { return places(to("host", "")) }),
		shape("to nowhere", "failure", func() []byte { return places(place{}) }),
		shape("from a host without a key", "failure", func() []byte {
			return places(place{from: hop{name: "f"}, to: hop{name: "h", keys: []string{"host"}}})
		}),
		shape("from a host without a name", "failure", func() []byte {
			return places(place{from: hop{keys: []string{"host2"}}, to: hop{name: "h", keys: []string{"host"}}})
		}),
		shape("from a user", "failure", func() []byte {
			return places(place{from: hop{user: "u", name: "f", keys: []string{"host2"}}, to: hop{name: "h", keys: []string{"host"}}})
		}),
		shape("a reserved field is used", "failure", func() []byte {
			d := to("host", "h")
			return restrict(pack(pack(pack(d.from.pack(), d.to.pack(), "x"))))
		}),
		shape("a reserved field of a hop is used", "failure", func() []byte {
			d := to("host", "h")
			there := pack("", "h", "x", cast()["host"].public.Marshal(), false)
			return restrict(pack(pack(pack(d.from.pack(), there, ""))))
		}),
		shape("a byte more in one", "success", func() []byte {
			d := to("host", "h")
			return restrict(pack(pack(pack(d.from.pack(), d.to.pack(), "", byte(0)))))
		}).but(kept["failure"], whole),
		shape("a host key that is none", "failure", func() []byte {
			there := pack("", "h", "", "nonsense", false)
			return restrict(pack(pack(pack(hop{}.pack(), there, ""))))
		}),
		shape("a host key without its last byte", "failure", func() []byte {
			there := pack("", "h", "", cast()["host"].public.Marshal())
			return restrict(pack(pack(pack(hop{}.pack(), there, ""))))
		}),
		shape("an authority is any byte but 0", "success", func() []byte {
			there := pack("", "h", "", cast()["ca"].public.Marshal(), byte(2))
			return restrict(pack(pack(pack(hop{}.pack(), there, ""))))
		}),
		shape("a name with a zero byte", "failure", func() []byte { return places(to("host", "h\x00x")) }),
		shape("a user with a zero byte", "failure", func() []byte { return places(to("host", "h").as("a\x00b")) }),
		shape("a user of 257 bytes", "success", func() []byte { return places(to("host", "h").as(strings.Repeat("u", 257))) }).but(kept["failure"], "longer patterns cost time; so since OpenSSH 10.4"),
		shape("1024 of them", "success", func() []byte { return places(many(1024)...) }),
		shape("1025 of them", "failure", func() []byte { return places(many(1025)...) }),
	}
}

func many(n int) (list []place) {
	for range n {
		list = append(list, to("host", "h"))
	}
	return list
}
