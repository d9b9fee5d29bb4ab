//go:build unix

package main

import (
	"crypto/dsa"
	"crypto/rand"
	"net"
	"testing"

	"golang.org/x/crypto/ssh/agent"
)

// TestSSHAgentTakesDSA, which no other agent of ours does.
func TestSSHAgentTakesDSA(t *testing.T) {
	key := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s := serve(t, linkedSSHAgent(t))
	c, err := net.Dial("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := agent.NewClient(c)
	if err := client.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	signers, err := client.Signers()
	if err != nil || len(signers) != 1 {
		t.Fatalf("%v, %v", signers, err)
	}
	text := []byte("text")
	signature, err := signers[0].Sign(rand.Reader, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := signers[0].PublicKey().Verify(text, signature); err != nil {
		t.Error(err)
	}
}
