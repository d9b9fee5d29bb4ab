package vault

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/ssh"
)

// looks are the files that people have and take for private keys that are read here, by how they begin.
var looks = []struct {
	begins       []string
	what, advice string
}{
	{[]string{"-----BEGIN DSA PRIVATE KEY-----"}, "a DSA private key", "servers no longer accept those; make a new key"},
	{[]string{"PuTTY-User-Key-File-"}, "a PuTTY private key", puttyToOpenSSH},
	{[]string{"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"}, "an ssh.com private key", puttyToOpenSSH},
	{[]string{"age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE-----"}, "an age file",
		"age -d -o NEWFILE FILE   (in a folder that nobody else can open), then the same with NEWFILE, and remove it"},
	{[]string{"-----BEGIN CERTIFICATE-----"}, "an X.509 certificate", "name the private key's file"},
	{[]string{"---- BEGIN SSH2 PUBLIC KEY ----", "-----BEGIN RSA PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----"}, "a public key", notPublic},
}

const (
	puttyToOpenSSH = "puttygen FILE -O private-openssh-new -o NEWFILE   (or in PuTTYgen's menu Conversions: Import key, Export OpenSSH key), then the same with NEWFILE"
	notPublic      = "name the private key's file, often the same name without .pub"
)

// looksLike is the error for a file of no format that is read. It never quotes the file: it may hold a secret.
func looksLike(file []byte) error {
	text := bytes.TrimSpace(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return &FormatError{"an empty file", "name the private key's file"}
	}
	for _, l := range looks {
		if slices.ContainsFunc(l.begins, func(begin string) bool { return bytes.HasPrefix(text, []byte(begin)) }) {
			return &FormatError{l.what, l.advice}
		}
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey(text[:min(len(text), maxFile)]); err == nil {
		return &FormatError{"a public key", notPublic}
	}
	return &FormatError{"no kind of key that is known", "name the private key's file"}
}
