package agent

import (
	"context"
	"crypto/elliptic"
	"fmt"
	"strconv"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// benchSession is a session that holds keys, without a connection: what is measured is ours alone.
func benchSession(b *testing.B, keys ...any) (*session, []ssh.PublicKey) {
	b.Helper()
	s := &session{agent: New(Options{}), conn: newConn(context.Background(), func() {}, nil, defaultLimits)}
	var all []ssh.PublicKey
	for i, private := range keys {
		key, err := newSigner(private)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.keep(key, "key "+strconv.Itoa(i), deadline{}, limitsOfKey{}); err != nil {
			b.Fatal(err)
		}
		all = append(all, key.public)
	}
	return s, all
}

// wants answers a request again and again, and holds its answer against a type of message.
func (s *session) wants(b *testing.B, request wire.Message, want byte) {
	b.Helper()
	frame := wire.Encode(request)[4:] // without its length
	b.ReportAllocs()
	for b.Loop() {
		if answer := s.answer(context.Background(), frame); answer[4] != want {
			b.Fatalf("an answer of type %d", answer[4])
		}
	}
}

// BenchmarkList is the answer to a list request, for so many keys.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			keys := make([]any, n)
			for i := range keys {
				keys[i] = newEd25519(b)
			}
			s, _ := benchSession(b, keys...)
			s.wants(b, &wire.RequestIdentities{}, 12)
		})
	}
}

// BenchmarkSign is a signature over what a login signs, from the frame of its request to that of its answer.
func BenchmarkSign(b *testing.B) {
	for name, private := range map[string]any{"ed25519": newEd25519(b), "p256": newECDSA(b, elliptic.P256()), "rsa2048": testRSA()} {
		b.Run("key="+name, func(b *testing.B) {
			s, keys := benchSession(b, private)
			s.wants(b, &wire.SignRequest{Blob: keys[0].Marshal(), Data: make([]byte, 200), Flags: wire.FlagRSASHA512}, 14)
		})
	}
}

// BenchmarkBind is a session bind, whose signature is verified.
func BenchmarkBind(b *testing.B) {
	s, _ := benchSession(b)
	frame := wire.Encode(newHostKey(b).bind(b, "session", false))[4:]
	b.ReportAllocs()
	for b.Loop() {
		s.binds = binds{}
		if answer := s.answer(context.Background(), frame); answer[4] != 6 {
			b.Fatalf("an answer of type %d", answer[4])
		}
	}
}

// BenchmarkDecode is a sign request from its bytes.
func BenchmarkDecode(b *testing.B) {
	frame := wire.Encode(&wire.SignRequest{Blob: make([]byte, 51), Data: make([]byte, 200)})[4:]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}
