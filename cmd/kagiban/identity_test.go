package main

import (
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestPlainIdentities: of the files that ssh's configuration names those that need no passphrase are tried, as many as a server bears.
func TestPlainIdentities(t *testing.T) {
	file := func(name string) string { return filepath.Join("..", "..", "vault", "ppk", "testdata", name) }
	signers := plainIdentities([]string{file("none"), file("public"), file("rsa-v3-locked.ppk"), file("argon2d.ppk"), file("rsa-v2.ppk"), file("ecdsa521-v3.ppk"), file("ed25519-v3.ppk")})
	var types []string
	for _, s := range signers {
		types = append(types, s.PublicKey().Type())
	}
	if len(types) != maxIdentities || types[0] != ssh.KeyAlgoRSA || types[1] != ssh.KeyAlgoECDSA521 {
		t.Errorf("tried are %q", types)
	}
}
