package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func seconds(n uint32) *uint32 { return &n }

func number(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 0)
	if !ok {
		panic(s)
	}
	return n
}

var (
	ed25519Key = &Ed25519Key{Public: bytes.Repeat([]byte{1}, 32), Private: bytes.Repeat([]byte{2}, 64)}
	ecdsaKey   = &ECDSAKey{Curve: "nistp384", Point: []byte{4, 1, 2}, D: number("0x80ff")}
	rsaKey     = &RSAKey{N: number("0xffff"), E: number("65537"), D: number("0x1234"),
		IQMP: number("7"), P: number("0"), Q: number("0x7f00")}
	dsaKey     = &DSAKey{P: number("0xffff"), Q: number("7"), G: number("5"), Y: number("3"), X: number("2")}
	skKey      = &SKKey{Public: []byte("p"), Application: "ssh:", Flags: 1, Handle: []byte("handle"), Reserved: []byte{}}
	skECDSAKey = &SKKey{Curve: "nistp256", Public: []byte{4, 1}, Application: "ssh:x", Handle: []byte{}, Reserved: []byte("r")}
)

// messages has one of each kind that the package knows, by the name of its seed.
var messages = map[string]Message{
	"failure":           &Failure{},
	"success":           &Success{},
	"extension-failure": &ExtensionFailure{},
	"list":              &RequestIdentities{},
	"list-answer-empty": &IdentitiesAnswer{Identities: []Identity{}},
	"list-answer": &IdentitiesAnswer{Identities: []Identity{
		{Blob: []byte("one"), Comment: "me@here"}, {Blob: []byte("two"), Comment: ""}}},
	"sign":          &SignRequest{Blob: []byte("key"), Data: []byte("data"), Flags: FlagRSASHA512},
	"sign-answer":   &SignResponse{Signature: []byte("signature")},
	"add-ed25519":   &AddIdentity{Key: ed25519Key, Comment: "a"},
	"add-ecdsa":     &AddIdentity{Key: ecdsaKey, Comment: "b"},
	"add-rsa":       &AddIdentity{Key: rsaKey, Comment: "c"},
	"add-no-limits": &AddIdentity{Key: ed25519Key, Constraints: &Constraints{}},
	"add-limits": &AddIdentity{Key: ecdsaKey, Comment: "d", Constraints: &Constraints{
		Lifetime: seconds(3600), Confirm: true}},
	"add-all-limits": &AddIdentity{Key: skKey, Comment: "e", Constraints: &Constraints{
		Lifetime: seconds(0), Confirm: true, Provider: "internal",
		Destinations: []Destination{
			{To: Hop{Host: "vps1", Keys: []HopKey{{Blob: []byte("one")}, {Blob: []byte("two"), CA: true}}}},
			{From: Hop{Host: "vps1", Keys: []HopKey{{Blob: []byte("one")}}}, To: Hop{User: "git*", Host: "vps2", Keys: []HopKey{{Blob: []byte("x")}}}}}}},
	"add-dsa":           &AddIdentity{Key: dsaKey},
	"add-sk-ecdsa":      &AddIdentity{Key: skECDSAKey},
	"add-ed25519-cert":  &AddIdentity{Certificate: []byte("cert"), Key: ed25519Key},
	"add-ecdsa-cert":    &AddIdentity{Certificate: []byte("cert"), Key: &ECDSAKey{Curve: "nistp256", D: number("5")}},
	"add-rsa-cert":      &AddIdentity{Certificate: []byte("cert"), Key: &RSAKey{D: number("1"), IQMP: number("2"), P: number("3"), Q: number("4")}},
	"add-dsa-cert":      &AddIdentity{Certificate: []byte("cert"), Key: &DSAKey{X: number("1")}},
	"add-sk-cert":       &AddIdentity{Certificate: []byte("cert"), Key: skKey},
	"add-sk-ecdsa-cert": &AddIdentity{Certificate: []byte("cert"), Key: &SKKey{Curve: "nistp256", Application: "ssh:", Handle: []byte("h"), Reserved: []byte{}}},
	"add-token":         &AddToken{Provider: "/usr/lib/p11.so", PIN: []byte("1234")},
	"add-token-limits":  &AddToken{Provider: "/usr/lib/p11.so", PIN: []byte{}, Constraints: &Constraints{Certificates: &TokenCertificates{Only: true, Blobs: [][]byte{[]byte("cert")}}}},
	"remove-token":      &RemoveToken{Provider: "/usr/lib/p11.so", PIN: []byte{}},
	"extension-names":   &ExtensionNames{Names: []string{"session-bind@openssh.com"}},
	"remove":            &RemoveIdentity{Blob: []byte("key")},
	"remove-all":        &RemoveAll{},
	"lock":              &Lock{Passphrase: []byte("secret")},
	"unlock":            &Unlock{Passphrase: []byte{}},
	"extension":         &Extension{Name: "session-bind@openssh.com", Contents: []byte{0, 1, 2}},
}

// openEnded are the messages whose last field is whatever follows, so that more
// bytes only make it longer.
var openEnded = map[string]bool{"extension": true}

// severalParts are those that end in any number of constraints or names.
var severalParts = map[string]bool{"add-no-limits": true, "add-limits": true, "add-all-limits": true, "add-token-limits": true, "extension-names": true}

func body(m Message) []byte { return Encode(m)[4:] }

func TestEachMessageSurvivesTheWire(t *testing.T) {
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			frame := Encode(m)
			if got := binary.BigEndian.Uint32(frame); int(got) != len(frame)-4 {
				t.Errorf("length says %d, there are %d bytes", got, len(frame)-4)
			}
			got, err := Decode(frame[4:])
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, m) {
				t.Errorf("got %#v\nwant %#v", got, m)
			}
		})
	}
}

func TestShortenedOrLengthenedMessagesAreRefused(t *testing.T) {
	for name, m := range messages {
		whole := body(m)
		for n := range whole {
			got, err := Decode(whole[:n])
			// What is cut inside an open end, or between two constraints, is a shorter message.
			if err == nil && !openEnded[name] && !severalParts[name] {
				t.Errorf("%s cut to %d bytes gives %#v", name, n, got)
			}
			if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknown) {
				t.Errorf("%s cut to %d bytes: untyped error %v", name, n, err)
			}
		}
		if openEnded[name] || severalParts[name] {
			continue
		}
		if _, err := Decode(append(whole, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with a byte left over: error %v", name, err)
		}
	}
}

// str is a string of the protocol.
func str(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// Parts of a constraint to destinations (PROTOCOL.agent).
func destination(all string) string {
	return "\xff" + str("restrict-destination-v00@openssh.com") + str(all)
}

func hops(from, to string) string { return str(str(from) + str(to) + str("")) }

var (
	nobody = str("") + str("") + str("")
	there  = str("") + str("vps1") + str("") + str("key") + "\x00"
)

func TestBadMessagesAreRefused(t *testing.T) {
	ed25519 := "\x19" + str("ssh-ed25519") + str("p") + str("q") + str("comment")
	rsaWith := func(n string) string {
		return "\x11" + str("ssh-rsa") + str(n) + str("\x03") + str("\x05") + str("\x01") + str("\x02") + str("\x03") + str("")
	}
	tests := []struct {
		name, frame string
		want        error
	}{
		{"nothing", "", ErrMalformed},
		{"unknown number", "\x63", ErrUnknown},
		{"protocol 1 list", "\x01", ErrUnknown},
		{"string longer than the message", "\x12\xff\xff\xff\xff", ErrMalformed},
		{"list answer that lies about its length", "\x0c\xff\xff\xff\xff", ErrMalformed},
		{"lock without a string", "\x16", ErrMalformed},
		{"unlock without a string", "\x17", ErrMalformed},
		{"unknown kind of key", "\x11" + str("ssh-xmss@openssh.com") + str(""), ErrUnknown},
		{"certificate of an unknown kind of key", "\x11" + str("ssh-xmss-cert-v01@openssh.com") + str(""), ErrUnknown},
		{"FIDO key on another curve", "\x11" + str("sk-ecdsa-sha2-nistp256@openssh.com") + str("nistp384") + str("q") + str("ssh:") + "\x01" + str("") + str("") + str(""), ErrMalformed},
		{"curve of another type", "\x11" + str("ecdsa-sha2-nistp256") + str("nistp384") + str("q") + str("\x01") + str(""), ErrMalformed},
		{"negative number", rsaWith("\x80"), ErrMalformed},
		{"number of 16392 bits", rsaWith("\x01" + string(make([]byte, 2048))), ErrMalformed},
		{"comment with a zero byte", "\x11" + str("ssh-ed25519") + str("p") + str("q") + str("com\x00ment"), ErrMalformed},
		{"host with a zero byte", ed25519 + destination(hops(nobody, str("")+str("vps\x001")+str("")+str("key")+"\x00")), ErrMalformed},
		{"lifetime cut short", ed25519 + "\x01\x00\x00", ErrMalformed},
		{"lifetime twice", ed25519 + "\x01\x00\x00\x00\x05\x01\x00\x00\x00\x05", ErrMalformed},
		{"confirm twice", ed25519 + "\x02\x02", ErrMalformed},
		{"constraint of an old draft", ed25519 + "\x03" + str("x"), ErrUnknown},
		{"unknown constraint", ed25519 + "\xfe", ErrUnknown},
		{"constraint extension without a name", ed25519 + "\xff", ErrMalformed},
		{"constraint that nobody knows", ed25519 + "\xff" + str("x@y") + str(""), ErrUnknown},
		{"no destination", ed25519 + destination(""), ErrMalformed},
		{"destination twice", ed25519 + destination(hops(nobody, there)) + destination(hops(nobody, there)), ErrMalformed},
		{"to nowhere", ed25519 + destination(hops(nobody, nobody)), ErrMalformed},
		{"to a host without a key", ed25519 + destination(hops(nobody, str("")+str("vps1")+str(""))), ErrMalformed},
		{"from a host without a key", ed25519 + destination(hops(str("")+str("vps1")+str(""), there)), ErrMalformed},
		{"from a key without a host", ed25519 + destination(hops(str("")+str("")+str("")+str("key")+"\x00", there)), ErrMalformed},
		{"from a user", ed25519 + destination(hops(str("me")+str("vps1")+str("")+str("key")+"\x00", there)), ErrMalformed},
		{"reserved in a hop", ed25519 + destination(hops(nobody, str("")+str("vps1")+str("x")+str("key")+"\x00")), ErrMalformed},
		{"reserved in a destination", ed25519 + destination(str(str(nobody)+str(there)+str("x"))), ErrMalformed},
		{"a user of 257 bytes", ed25519 + destination(hops(nobody, str(strings.Repeat("u", 257))+str("vps1")+str("")+str("key")+"\x00")), ErrMalformed},
		{"1025 destinations", ed25519 + destination(strings.Repeat(hops(nobody, there), 1025)), ErrMalformed},
		{"provider twice", ed25519 + "\xff" + str("sk-provider@openssh.com") + str("a") + "\xff" + str("sk-provider@openssh.com") + str("a"), ErrMalformed},
		{"no provider", ed25519 + "\xff" + str("sk-provider@openssh.com") + str(""), ErrMalformed},
		{"constraint on a plain add", "\x11" + ed25519[1:] + "\x02", ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := Decode([]byte(test.frame))
			if !errors.Is(err, test.want) {
				t.Errorf("got %#v and error %v, want error %v", m, err, test.want)
			}
		})
	}
}

func TestNumbersMayHaveLeadingZeros(t *testing.T) {
	frame := "\x11" + str("ssh-rsa") + str("\x00\x00\x05") + str("\x00\x80") + str("") + str("\x00") + str("\x02") + str("\x03") + str("")
	m, err := Decode([]byte(frame))
	if err != nil {
		t.Fatal(err)
	}
	key := m.(*AddIdentity).Key.(*RSAKey)
	if key.N.Int64() != 5 || key.E.Int64() != 0x80 || key.D.Sign() != 0 || key.IQMP.Sign() != 0 {
		t.Errorf("got %v", key)
	}
}

var writeSeeds = flag.Bool("write-seeds", false, "write the seeds of FuzzDecode anew")

// TestSeedsAreThere keeps testdata/fuzz/FuzzDecode in step with the messages.
func TestSeedsAreThere(t *testing.T) {
	for name, m := range messages {
		path := filepath.Join("testdata", "fuzz", "FuzzDecode", name)
		want := fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", body(m))
		if *writeSeeds {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("seed %s is not the message (%v); run go test -write-seeds", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		m, err := Decode(frame)
		if !bytes.Equal(frame, before) {
			t.Fatal("the frame was changed")
		}
		if err != nil {
			if m != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknown) {
				t.Fatalf("message %#v with error %v", m, err)
			}
			return
		}
		again, err := Decode(body(m))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%#v becomes %#v, error %v", m, again, err)
		}
	})
}
