package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// files are key files that a test hands over: their text is "clear NAME" or "locked NAME".
type files map[string]*fakeKey

// clearKey opens with any passphrase.
type clearKey struct{ *fakeKey }

func (k clearKey) Open([]byte) (any, error) { return k.private, k.fails }

func (f files) read(file []byte) (LockedKey, bool, error) {
	form, name, _ := strings.Cut(string(file), " ")
	k := f[name]
	switch {
	case k == nil:
		return nil, false, errors.New("that is no file")
	case form == "clear":
		return clearKey{k}, false, nil
	}
	return k, true, nil
}

func extension(name string, parts ...string) *wire.Extension {
	m := &wire.Extension{Name: name + "@putty.projects.tartarus.org"}
	for _, part := range parts {
		m.Contents = append(binary.BigEndian.AppendUint32(m.Contents, uint32(len(part))), part...)
	}
	return m
}

// raw is the answer as it comes, for those that no type of package wire reads.
func (c *client) raw(m wire.Message) string {
	c.t.Helper()
	c.send(m)
	frame, err := c.frames.Next()
	if err != nil {
		c.t.Fatal(err)
	}
	return string(frame)
}

// flags lists the keys with PuTTY's flags.
func (c *client) flags() string {
	c.t.Helper()
	answer := []byte(c.raw(extension("list-extended")))
	if answer[0] != 6 {
		c.t.Fatalf("no list: %q", answer)
	}
	list := []string{}
	rest := answer[5:]
	for range binary.BigEndian.Uint32(answer[1:]) {
		var row struct {
			Blob    []byte
			Comment string
			More    []byte
			Rest    []byte `ssh:"rest"`
		}
		if err := ssh.Unmarshal(rest, &row); err != nil {
			c.t.Fatal(err)
		}
		rest = row.Rest
		list = append(list, fmt.Sprintf("%s %d", row.Comment, binary.BigEndian.Uint32(row.More)))
	}
	if len(rest) > 0 {
		c.t.Errorf("after the list comes %q", rest)
	}
	return strings.Join(list, ", ")
}

func (c *client) wantFlags(want string) {
	c.t.Helper()
	if got := c.flags(); got != want {
		c.t.Errorf("listed are %q, want %q", got, want)
	}
}

func TestPuTTYLockedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "ppk"), newAsker()
		a := New(Options{Ask: ask, PPK: files{"ppk": k}.read})
		c := connect(t, a)
		c.wantFlags("")
		wantSuccess(t, c.call(extension("add-ppk", "locked ppk")))
		wantSuccess(t, c.call(extension("add-ppk", "locked ppk"))) // once more changes nothing
		c.wantList("ppk@here")
		c.wantFlags("ppk@here 3")

		answer := c.later(signRequest(k))
		q := <-ask.questions
		if q.prompt.Key != "" || q.prompt.Comment != "ppk@here" || q.prompt.Attempt != 1 || !strings.HasPrefix(q.prompt.Fingerprint, "SHA256:") {
			t.Errorf("asked %+v", q.prompt)
		}
		q.answer <- "wrong"
		q = <-ask.questions
		if q.prompt.Attempt != 2 {
			t.Errorf("asked %+v", q.prompt)
		}
		q.answer <- "right"
		wantSignature(t, <-answer, k)
		wantSignature(t, c.call(signRequest(k)), k) // the asker would block: nothing is asked
		c.wantFlags("ppk@here 1")

		for _, closes := range []func(){
			func() { wantSuccess(t, c.call(extension("reencrypt", string(k.public.Marshal())))) },
			func() {
				if got := c.raw(extension("reencrypt-all")); got != "\x06\x00\x00\x00\x00" {
					t.Errorf("all closed: %q", got)
				}
			},
			func() { a.Lock() },
		} {
			closes()
			c.wantFlags("ppk@here 3")
			if inMemory(a) != 0 {
				t.Error("its private half is still there")
			}
			answer := c.later(signRequest(k))
			(<-ask.questions).answer <- "right"
			wantSignature(t, <-answer, k)
		}
		wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: k.public.Marshal()}))
		c.wantFlags("")
		wantFailure(t, c.call(signRequest(k)))
	})
}

// TestPuTTYFileInTheClear: it is a key like any that is added, and nothing opens it again.
func TestPuTTYFileInTheClear(t *testing.T) {
	k, heavy, vault := newFakeKey(t, "ppk"), newFakeRSA(t, "rsa"), newFakeKey(t, "vault")
	a := New(Options{Source: sourceOf(vault), PPK: files{"ppk": k, "rsa": heavy}.read})
	c := connect(t, a)
	for _, name := range []string{"ppk", "rsa"} {
		wantSuccess(t, c.call(extension("add-ppk", "clear "+name)))
	}
	wantSignature(t, c.call(signRequest(k)), k)
	wantSignature(t, c.call(signRequest(heavy)), heavy)
	if err := a.Unlock("vault", []byte("right"), Terms{}); err != nil {
		t.Fatal(err)
	}
	c.wantFlags("vault@here 1, ppk@here 0, rsa@here 0")
	wantExtensionFailure(t, c.call(extension("reencrypt", string(k.public.Marshal()))))
	if got := c.raw(extension("reencrypt-all")); got != "\x06\x00\x00\x00\x02" {
		t.Errorf("two stay open: %q", got)
	}
	c.wantFlags("vault@here 3, ppk@here 0, rsa@here 0")
	a.Lock()
	c.wantFlags("vault@here 3")
	only := connect(t, New(Options{PPK: files{"ppk": k}.read}))
	wantSuccess(t, only.call(extension("add-ppk", "clear ppk")))
	wantExtensionFailure(t, only.call(extension("reencrypt-all"))) // nothing was done
	only.wantFlags("ppk@here 0")
}

// TestPuTTYFileOfAKeyAtRest: a key of the Source is opened as it always is, and is never had twice.
func TestPuTTYFileOfAKeyAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "work"), newAsker()
		twin := &fakeKey{name: "file", private: k.private, public: k.public, fails: errors.New("the file is not to be opened")}
		source := sourceOf(k)
		a := New(Options{Source: source, Ask: ask, PPK: files{"file": twin}.read})
		c := connect(t, a)
		wantSuccess(t, c.call(&wire.RemoveAll{}))
		c.wantFlags("")
		wantSuccess(t, c.call(extension("add-ppk", "locked file")))
		c.wantFlags("work@here 3")
		answer := c.later(signRequest(k))
		(<-ask.questions).answer <- "right"
		wantSignature(t, <-answer, k)

		source.set() // it leaves the vault, comes as a file, and comes back
		c.wantFlags("")
		wantSuccess(t, c.call(extension("add-ppk", "locked file")))
		c.wantFlags("file@here 3")
		source.set(k)
		c.wantFlags("work@here 3")
	})
}

// TestPuTTYFileGivesWay: a key of the Source that came as a file before has no end of that one's.
func TestPuTTYFileGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, source := newFakeKey(t, "work"), sourceOf()
		a := New(Options{Source: source, PPK: files{"file": k}.read, Life: time.Hour})
		c := connect(t, a)
		wantSuccess(t, c.call(extension("add-ppk", "locked file")))
		source.set(k)
		c.wantFlags("work@here 3")
		if until := a.Status().Keys[0].Until; !until.IsZero() {
			t.Errorf("it ends %v", until)
		}
	})
}

// TestPuTTYFileOfATokensKey: it stays the token's.
func TestPuTTYFileOfATokensKey(t *testing.T) {
	hardware := &fakeHardware{}
	same := func([]byte) (LockedKey, bool, error) {
		return &fakeKey{name: "file", public: hardware.tokens[0].keys[0].(fakeTokenKey).PublicKey()}, true, nil
	}
	c := connect(t, New(Options{Hardware: hardware, PPK: same}))
	wantSuccess(t, c.call(&wire.AddToken{Provider: "/x", PIN: []byte("1234")}))
	wantExtensionFailure(t, c.call(extension("add-ppk", "x")))
	c.wantFlags("card 0, card 0")
}

// TestPuTTYFileEnds: where added keys have a lifetime, so has a locked file, opened or not.
func TestPuTTYFileEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, ask := newFakeKey(t, "ppk"), newAsker()
		a := New(Options{Ask: ask, PPK: files{"ppk": k}.read, Life: time.Hour})
		c := connect(t, a)
		for _, use := range []bool{false, true} {
			wantSuccess(t, c.call(extension("add-ppk", "locked ppk")))
			time.Sleep(30 * time.Minute)
			if use {
				answer := c.later(signRequest(k))
				(<-ask.questions).answer <- "right"
				wantSignature(t, <-answer, k)
				wantSuccess(t, c.call(extension("reencrypt", string(k.public.Marshal()))))
			}
			time.Sleep(29 * time.Minute)
			c.wantFlags("ppk@here 3")
			time.Sleep(time.Minute)
			c.wantFlags("")
		}
	})
}

// TestPuTTYRefusals: what is not done, and the answer that tells an extension that failed from one that is not known.
func TestPuTTYRefusals(t *testing.T) {
	k, liar, zero := newFakeKey(t, "ppk"), newFakeKey(t, "liar"), newFakeKey(t, "z\x00ero")
	liar.private = newEd25519(t)
	all := files{"ppk": k, "liar": liar, "zero": zero, "none": {name: "none"}, "broken": {name: "broken", public: k.public, fails: errors.New("broken")}}
	a := New(Options{Ask: newAsker(), PPK: all.read})
	c := connect(t, a)
	blob := string(k.public.Marshal())
	for name, m := range map[string]*wire.Extension{
		"nothing":             extension("add-ppk"),
		"two files":           extension("add-ppk", "clear ppk", "clear ppk"),
		"no file":             extension("add-ppk", "locked moon"),
		"a broken file":       extension("add-ppk", "clear broken"),
		"another key":         extension("add-ppk", "clear liar"),
		"no public half":      extension("add-ppk", "locked none"),
		"an ending comment":   extension("add-ppk", "locked zero"),
		"no key":              extension("reencrypt", blob),
		"no key's name":       extension("reencrypt"),
		"all of something":    extension("reencrypt-all", "x"),
		"a list of something": extension("list-extended", "x"),
	} {
		if _, failed := c.call(m).(*wire.ExtensionFailure); !failed {
			t.Errorf("%s: not refused as it should be", name)
		}
	}
	c.wantFlags("")

	remote := connect(t, a)
	wantSuccess(t, c.call(extension("add-ppk", "locked ppk")))
	wantSuccess(t, remote.call(newHostKey(t).bind(t, "a", true)))
	remote.wantFlags("ppk@here 3")
	for _, m := range []*wire.Extension{extension("add-ppk", "clear ppk"), extension("reencrypt", blob), extension("reencrypt-all")} {
		wantExtensionFailure(t, remote.call(m))
	}
	wantFailure(t, remote.call(signRequest(k))) // nobody is asked

	wantSuccess(t, c.call(&wire.Lock{Passphrase: []byte("x")}))
	c.wantFlags("")
	for _, m := range []*wire.Extension{extension("add-ppk", "clear ppk"), extension("reencrypt", blob), extension("reencrypt-all")} {
		wantExtensionFailure(t, c.call(m))
	}
	wantSuccess(t, c.call(&wire.Unlock{Passphrase: []byte("x")}))
	c.wantFlags("ppk@here 3")
	if names, ok := c.call(&wire.Extension{Name: "query"}).(*wire.ExtensionNames); !ok || len(names.Names) != 5 {
		t.Errorf("query is answered by %#v", names)
	}

	without := connect(t, New(Options{}))
	for _, name := range []string{"add-ppk", "reencrypt", "reencrypt-all", "list-extended"} {
		wantFailure(t, without.call(extension(name)))
	}
}
