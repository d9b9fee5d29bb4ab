package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestSessionBind(t *testing.T) {
	for _, b := range []*SessionBind{
		{HostKey: []byte("key"), SessionID: []byte("id"), Signature: []byte("signature"), Forwarding: true},
		{HostKey: []byte("key"), SessionID: bytes.Repeat([]byte("i"), 128), Signature: []byte{}},
	} {
		whole := b.Contents()
		got, err := DecodeSessionBind(whole)
		if err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("got %#v, error %v; want %#v", got, err, b)
		}
		for n := range whole {
			if got, err := DecodeSessionBind(whole[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("cut to %d bytes: %#v, error %v", n, got, err)
			}
		}
		if _, err := DecodeSessionBind(append(whole, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("with a byte left over: error %v", err)
		}
	}
	for name, id := range map[string][]byte{"no": {}, "too long a": bytes.Repeat([]byte("i"), 129)} {
		b := &SessionBind{HostKey: []byte("key"), SessionID: id, Signature: []byte("s")}
		if _, err := DecodeSessionBind(b.Contents()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s session identifier: error %v", name, err)
		}
	}
	for size, fits := range map[int]bool{16 << 10: true, 16<<10 + 1: false} {
		b := &SessionBind{HostKey: make([]byte, size), SessionID: []byte("id"), Signature: []byte("s")}
		if _, err := DecodeSessionBind(b.Contents()); (err == nil) != fits || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("a host key of %d bytes: error %v", size, err)
		}
	}
}

func TestParseLogin(t *testing.T) {
	plain := &Login{SessionID: []byte("id"), User: "me", Algorithm: "ssh-ed25519", Key: []byte("key")}
	bound := &Login{SessionID: []byte("id"), User: "me", Algorithm: "ssh-ed25519", Key: []byte("key"), HostKey: []byte("host")}
	for _, l := range []*Login{plain, bound} {
		data := l.Data()
		if got, ok := ParseLogin(data); !ok || !reflect.DeepEqual(got, l) {
			t.Errorf("got %#v, want %#v", got, l)
		}
		for n := range data {
			if _, ok := ParseLogin(data[:n]); ok {
				t.Errorf("cut to %d bytes it is a login", n)
			}
		}
		if _, ok := ParseLogin(append(data, 0)); ok {
			t.Error("with a byte left over it is a login")
		}
	}
	good := string(plain.Data())
	for name, data := range map[string]string{
		"another message":         str("id") + "\x33" + good[len(str("id"))+1:],
		"another service":         str("id") + "\x32" + str("me") + str("ssh-userauth") + str("publickey") + "\x01" + str("ssh-ed25519") + str("key"),
		"another method":          str("id") + "\x32" + str("me") + str("ssh-connection") + str("password") + "\x01" + str("ssh-ed25519") + str("key"),
		"only a question":         str("id") + "\x32" + str("me") + str("ssh-connection") + str("publickey") + "\x00" + str("ssh-ed25519") + str("key"),
		"a user with a zero byte": str("id") + "\x32" + str("me\x00x") + str("ssh-connection") + str("publickey") + "\x01" + str("ssh-ed25519") + str("key"),
		"of no session":           str("") + good[len(str("id")):],
		"a file":                  "SSHSIG" + str("git") + str("") + str("sha512") + str("hash"),
		"host-bound cut":          str("id") + "\x32" + str("me") + str("ssh-connection") + str("publickey-hostbound-v00@openssh.com") + "\x01" + str("ssh-ed25519") + str("key"),
		"unbound and more":        good + str("host"),
	} {
		if l, ok := ParseLogin([]byte(data)); ok {
			t.Errorf("%s is read as %#v", name, l)
		}
	}
}

func TestParseFile(t *testing.T) {
	good := "SSHSIG" + str("git") + str("") + str("sha512") + str("hash")
	if namespace, ok := ParseFile([]byte(good)); !ok || namespace != "git" {
		t.Errorf("%q, %v", namespace, ok)
	}
	for n := range good {
		if _, ok := ParseFile([]byte(good[:n])); ok {
			t.Errorf("cut to %d bytes it is a file", n)
		}
	}
	for name, data := range map[string]string{
		"more":         good + "x",
		"no namespace": "SSHSIG" + str("") + str("") + str("sha512") + str("hash"),
		"no hash":      "SSHSIG" + str("git") + str("") + str("sha512") + str(""),
	} {
		if _, ok := ParseFile([]byte(data)); ok {
			t.Errorf("%s: it is a file", name)
		}
	}
}

func FuzzSigned(f *testing.F) {
	f.Add((&Login{SessionID: []byte("id"), User: "me", Algorithm: "a", Key: []byte("k"), HostKey: []byte("h")}).Data())
	f.Add([]byte("SSHSIG" + str("git") + str("") + str("sha512") + str("hash")))
	f.Add((&SessionBind{HostKey: []byte("key"), SessionID: []byte("id"), Signature: []byte("s")}).Contents())
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, ok := ParseLogin(data); ok && !bytes.Equal(l.Data(), data) {
			t.Errorf("%q is read as %#v", data, l)
		}
		if b, err := DecodeSessionBind(data); err == nil && !bytes.Equal(b.Contents()[:len(data)-1], data[:len(data)-1]) {
			t.Errorf("%q is read as %#v", data, b)
		}
		ParseFile(data)
	})
}
