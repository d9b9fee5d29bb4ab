//go:build unix

package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

func newP256() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

const sessionBind = "session-bind@openssh.com"

// bind binds the connection as ssh does, to a host of the cast.
func (p *play) bind(host, session string, forwarding bool) {
	p.bindTo(cast()[host].signer, session, forwarding)
}

func (p *play) bindTo(host ssh.Signer, session string, forwarding bool) {
	p.ask(byte(27), sessionBind, host.PublicKey().Marshal(), session, signed(host, session), forwarding)
}

func signed(by ssh.Signer, data string) []byte {
	return ssh.Marshal(must(by.Sign(rand.Reader, []byte(data))))
}

// free says whether a key without and one with constraints are listed: the
// second is not after a binding that failed.
func (p *play) free() {
	p.add("ed25519")
	p.add("other", places(to("host", "h")))
	p.list()
}

func bindRows() []row {
	const (
		before  = "success success list[ed25519 other] "
		failed  = before + "failure list[ed25519 other] signed:ssh-ed25519 success list[ed25519]"
		bound   = before + "success list[ed25519] signed:ssh-ed25519 success list[ed25519]"
		refused = before + "extension-failure list[ed25519] signed:ssh-ed25519 success list[ed25519]"
	)
	host := func(name string) (blob []byte, signer ssh.Signer) {
		return cast()[name].public.Marshal(), cast()[name].signer
	}
	good := func(p *play, kind string) {
		p.on("before").free()
		p.on("").bindTo(cast()[kind].signer, "session", false)
		p.list()
	}
	rows := []row{}
	for _, kind := range []string{"ed25519", "p256", "p384", "p521", "rsa", "dsa", "rsa-cert", "ed25519-cert"} {
		rows = append(rows, row{name: "bind: to a host key " + kind, want: "success success list[ed25519 other] success list[ed25519]", play: func(p *play) { good(p, kind) }})
	}
	bad := func(name, want string, message func() []any) row {
		return row{name: "bind: " + name, want: want, play: func(p *play) {
			p.on("before").free()
			p.on("").ask(append([]any{byte(27), sessionBind}, message()...)...)
			p.list()
			p.sign("ed25519", 0)
			p.bind("host", "session", true)
			p.list()
		}, ours: refused, differs: unbound + "; " + known28}
	}
	return append(rows, []row{
		{name: "extension: query", want: "failure",
			ours:    "extension",
			differs: "RFC 9987 has it; so since OpenSSH 10.3",
			play:    func(p *play) { p.ask(byte(27), "query") }},
		{name: "extension: not known", want: "failure failure failure failure failure", play: func(p *play) {
			p.ask(byte(27), "foo@example.com")
			p.ask(byte(27), "foo@example.com", "contents")
			p.ask(byte(27), "")
			p.ask(byte(27))
			p.ask(byte(27), raw("\x00\x00\x00\x09foo"))
		}},
		{name: "bind: to an x/crypto certificate of a host", want: "success", play: func(p *play) {
			p.bindTo(hostCert("h"), "session", false)
		}},
		bad("another's signature", failed, func() []any {
			blob, _ := host("host")
			_, other := host("host2")
			return []any{blob, "session", signed(other, "session"), false}
		}),
		bad("the signature of another session", failed, func() []any {
			blob, signer := host("host")
			return []any{blob, "session", signed(signer, "other"), true}
		}),
		bad("no signature", failed, func() []any { blob, _ := host("host"); return []any{blob, "session", "", true} }),
		bad("no host key", failed, func() []any {
			_, signer := host("host")
			return []any{"", "session", signed(signer, "session"), true}
		}),
		bad("nonsense for a host key", failed, func() []any {
			_, signer := host("host")
			return []any{"nonsense", "session", signed(signer, "session"), true}
		}),
		bad("nothing", failed, func() []any { return nil }),
		bad("without its last byte", failed, func() []any {
			blob, signer := host("host")
			return []any{blob, "session", signed(signer, "session")}
		}),
		bad("a byte more", bound, func() []any {
			blob, signer := host("host")
			return []any{blob, "session", signed(signer, "session"), true, byte(0)}
		}).but(refused, whole),
		bad("a session id of 129 bytes", bound, func() []any {
			blob, signer := host("host")
			id := strings.Repeat("s", 129)
			return []any{blob, id, signed(signer, id), true}
		}).but(refused, "a session id is a hash, and none is that long"),
		{name: "bind: a session id of 128 bytes, and one of none", want: "success success",
			ours:    "success extension-failure",
			differs: "a session without an id is none: it could be told from no other",
			play: func(p *play) {
				p.bind("host", strings.Repeat("s", 128), true)
				p.bind("host", "", true)
			}},
		{name: "bind: forwarding is any byte but 0", want: "success success", play: func(p *play) {
			blob, signer := host("host")
			p.ask(byte(27), sessionBind, blob, "one", signed(signer, "one"), byte(2))
			p.bind("host2", "two", false)
		}},
		{name: "bind: with SHA-1", want: "success", play: func(p *play) {
			signer := cast()["rsa"].signer.(ssh.AlgorithmSigner)
			signature := ssh.Marshal(must(signer.SignWithAlgorithm(rand.Reader, []byte("session"), ssh.KeyAlgoRSA)))
			p.ask(byte(27), sessionBind, signer.PublicKey().Marshal(), "session", signature, false)
		}},
		{name: "bind: sixteen times, and once more", want: "success success success success success success success success success success success success success success success success failure list[]",
			ours:    "success success success success success success success success success success success success success success success success extension-failure list[]",
			differs: known28,
			play: func(p *play) {
				for i := range 17 {
					p.bind("host", strconv.Itoa(i), true)
				}
				p.list()
			}},
		{name: "bind: the same once more", want: "success success success success", play: func(p *play) {
			p.bind("host", "session", true)
			p.bind("host", "session", true)
			p.bind("host", "session", false)
			p.bind("host2", "login", false)
		}},
		{name: "bind: the same session to another key", want: "success failure",
			ours:    "success extension-failure",
			differs: known28,
			play: func(p *play) {
				p.bind("host", "session", true)
				p.bind("host2", "session", true)
			}},
		{name: "bind: another session to the same key", want: "success success success", play: func(p *play) {
			p.bind("host", "session", true)
			p.bind("host", "other", true)
			p.bind("host", "third", false)
		}},
		{name: "bind: after a login", want: "success failure failure failure",
			ours:    "success extension-failure extension-failure extension-failure",
			differs: known28,
			play: func(p *play) {
				p.bind("host", "session", false)
				p.bind("host", "session", false)
				p.bind("host2", "other", false)
				p.bind("host2", "other", true)
			}},
		{name: "bind: for a login, and all is served", want: "success success success list[ed25519 other] failure signed:ssh-ed25519 failure success failure success success success", play: func(p *play) {
			p.bind("host", "session", false)
			busy(p)
		}},
		{name: "bind: forwarded, and not all is served", want: "success success success success list[third ed25519 other] signed:ssh-ed25519 signed:ssh-ed25519 failure success failure success success success",
			ours:    "success success failure failure list[third] signed:ssh-ed25519 failure failure failure failure failure failure failure",
			differs: "whoever is root on the other computer speaks here: he may use keys, and change nothing",
			play: func(p *play) {
				p.on("local").add("third")
				p.on("").bind("host", "session", true)
				busy(p)
			}},
		{name: "bind: failed, and not all is served", want: "success failure success success list[third ed25519 other] signed:ssh-ed25519 signed:ssh-ed25519 failure success failure success success success",
			ours:    "success extension-failure failure failure list[third] signed:ssh-ed25519 failure failure failure failure failure failure failure",
			differs: "who tried to bind and failed may be anywhere, and may change nothing; " + known28,
			play: func(p *play) {
				p.on("local").add("third")
				p.on("").ask(byte(27), sessionBind, "nonsense")
				busy(p)
			}},
		{name: "bind: each connection has its own", want: "success success success", play: func(p *play) {
			p.on("one").bind("host", "session", true)
			p.on("two").bind("host2", "session", true)
			p.on("one").hangUp()
			p.bind("host3", "session", false)
		}},
	}...)
}

// busy does all that a client can do.
func busy(p *play) {
	p.add("ed25519")
	p.add("other", lifetime(3600))
	p.list()
	p.sign("third", 0)
	p.sign("ed25519", 0)
	p.ask(byte(27), "foo@example.com")
	p.remove("ed25519")
	p.ask(byte(20), "/usr/lib/no/such.so", "")
	p.ask(byte(22), "secret")
	p.ask(byte(23), "secret")
	p.removeAll()
}
