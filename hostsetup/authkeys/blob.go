package authkeys

import (
	"bytes"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/ssh"
)

// otherNames are those by which sshd knows a key's type in a blob, too (sshkey.c, sshkey_type_from_name): its short names, in any case, and the names of
// signatures. A key under such a name opens the server like any other.
var otherNames = map[string]string{
	"ed25519": ssh.KeyAlgoED25519, "rsa": ssh.KeyAlgoRSA, "dsa": "ssh-dss", "ed25519-sk": ssh.KeyAlgoSKED25519,
	ssh.KeyAlgoRSASHA256: ssh.KeyAlgoRSA, ssh.KeyAlgoRSASHA512: ssh.KeyAlgoRSA,
	"webauthn-sk-ecdsa-sha2-nistp256@openssh.com": ssh.KeyAlgoSKECDSA256,
}

// public reads a blob as sshd does. The key that it returns is written in one way only, so two are the same if their bytes are: numbers have lost their
// leading zeros, and the type has its own name.
func public(blob []byte) (ssh.PublicKey, error) {
	var typed struct {
		Name string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(blob, &typed); err != nil {
		return nil, err
	}
	if name, ok := otherNames[strings.ToLower(typed.Name)]; ok {
		typed.Name = name
		blob = ssh.Marshal(typed)
	}
	return ssh.ParsePublicKey(blob)
}

// Words returns what stands in every line that holds the key, however it is written, once carriage returns, vertical tabs and form feeds are
// taken out: one of these. It is base64 of what cannot be written otherwise, for each of the three ways in which it may fall.
func Words(key ssh.PublicKey) []string {
	var longest []byte
	for rest := key.Marshal(); len(rest) > 0; {
		var field struct {
			Text []byte
			Rest []byte `ssh:"rest"`
		}
		if ssh.Unmarshal(rest, &field) != nil {
			break // none of the kinds that there are
		}
		if text := bytes.TrimLeft(field.Text, "\x00"); len(text) > len(longest) {
			longest = text
		}
		rest = field.Rest
	}
	longest = longest[:min(len(longest), 96)]
	var words []string
	for from := range min(3, len(longest)) {
		whole := (len(longest) - from) / 3 * 3
		words = append(words, base64.StdEncoding.EncodeToString(longest[from:from+whole]))
	}
	return words
}
