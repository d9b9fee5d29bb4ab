//go:build unix

package helper

import (
	"encoding/hex"
	"errors"
	"os"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestBadTokenAnswers: each is an error, and none is waited for.
func TestBadTokenAnswers(t *testing.T) {
	provider, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(fakeKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	blob := public.Marshal()
	rows := func(n byte, rest ...string) string {
		b := []byte{12, 0, 0, 0, n}
		for _, r := range rest {
			b = appendString(b, r)
		}
		return whole(b)
	}
	one := rows(1, string(blob), "label")
	signed := func(b []byte) string { return one + whole(appendString([]byte{14}, b)) }
	for name, test := range map[string]struct {
		what string
		pin  bool
	}{
		"nothing":              {what: ""},
		"half a length":        {what: "\x00\x00"},
		"no bytes":             {what: "\x00\x00\x00\x00"},
		"too many bytes":       {what: "\xff\xff\xff\xff"},
		"an unknown type":      {what: whole([]byte{99})},
		"success":              {what: whole([]byte{6})},
		"refused":              {what: whole([]byte{5})},
		"refused, half":        {what: whole([]byte{5, 0, 0})},
		"refused, 0":           {what: whole([]byte{5, 0, 0, 0, 0})},
		"refused, wrong PIN":   {what: whole([]byte{5, 0, 0, 0, 2}), pin: true},
		"refused, PIN wanted":  {what: whole([]byte{5, 0, 0, 0, 4}), pin: true},
		"refused, locked":      {what: whole([]byte{5, 0, 0, 0, 5})},
		"no keys":              {what: rows(0)},
		"fewer keys than said": {what: rows(2, string(blob), "label")},
		"more keys than said":  {what: rows(0, string(blob), "label")},
		"half a key":           {what: rows(1, string(blob))},
		"no key at all":        {what: rows(1, "", "")},
		"a key that is none":   {what: rows(1, "\x00\x00\x00\x07ssh-rsa\x00", "")},
		"ends when it signs":   {what: one},
		"no signature":         {what: one + whole([]byte{5})},
		"not a signature":      {what: one + whole([]byte{6})},
		"an empty signature":   {what: signed(nil)},
		"a wrong signature":    {what: signed(ssh.Marshal(ssh.Signature{Format: ssh.KeyAlgoED25519, Blob: make([]byte, 64)}))},
		"of another kind":      {what: signed(ssh.Marshal(ssh.Signature{Format: ssh.KeyAlgoRSA, Blob: make([]byte, 64)}))},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fake(t, "raw:"+hex.EncodeToString([]byte(test.what))).OpenToken(t.Context(), provider, []byte("1"))
			if err == nil || errors.Is(err, ErrNeedPIN) != test.pin {
				t.Error(err)
			}
			t.Log(err)
		})
	}
}

// FuzzTokenSignature gives a key all kinds of answers.
func FuzzTokenSignature(f *testing.F) {
	f.Add([]byte("\x30\x06\x02\x01\x01\x02\x01\x01"))
	f.Add(ssh.Marshal(ssh.Signature{Format: ssh.KeyAlgoECDSA256, Blob: []byte{1}}))
	keys := someKeys(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range keys {
			for _, isWhole := range []bool{false, true} {
				if _, err := k.signatureOver([]byte("x"), b, algorithm(k.public.Type(), 0), isWhole); err == nil {
					t.Errorf("%q is valid", b)
				}
			}
		}
	})
}

func FuzzIdentities(f *testing.F) {
	f.Add([]byte{5, 0, 0, 0, 2})
	f.Add([]byte{12, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) > 0 { // as Reader gives them
			_, _ = identities(b)
		}
	})
}
