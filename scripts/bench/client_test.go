//go:build linux

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// TestAgentThatAnswersWrongly is named in an error, and ends no measure with a panic.
func TestAgentThatAnswersWrongly(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := newRequest("key", private)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{anchor: &anchor{name: ours}, socket: filepath.Join(t.TempDir(), "agent.sock")}
	b := &bench{keys: &keys{host: ground.Signer(t)}}
	answers := make(chan string, 1)
	listener := ground.Listen(t, r.socket)
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4<<10)) // one write of a client's
			_, _ = io.WriteString(c, <-answers)
			c.Close()
		}
	}()
	for answer, want := range map[string]string{
		"": "EOF", "\x00\x00\x00\x09\x0e": "EOF", "\x00\x00\x00\x00": "an answer of nothing", "\x00\x00\x00\x01\x05": "", "\xff\xff\xff\xff": "an answer of",
	} {
		for name, ask := range map[string]func() error{
			"likeSSH": func() error { _, err := b.likeSSH(r, key, 1); return err },
			"signing": func() error { _, _, err := b.signing(r, key, 0); return err },
			"list": func() error {
				l, err := call(r.socket, startLimit)
				if err != nil {
					return err
				}
				defer l.Close()
				return l.list(1)
			},
		} {
			answers <- answer
			if err := ask(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, after %q: %v, want %q", name, answer, err, want)
			}
		}
	}
}
