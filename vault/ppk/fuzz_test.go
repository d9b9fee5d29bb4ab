package ppk

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/crypto/ssh"
)

// FuzzParse feeds the reader with files, and those in the clear once more with a MAC that is right, as whoever alters them can make it. It never
// panics, allows no more Argon2 than it says, has no other errors than it says, and what it accepts is one key: the one of its public half,
// the same when written and read again in each form.
func FuzzParse(f *testing.F) {
	for _, k := range kinds {
		for _, form := range forms {
			f.Add(golden(f, k.name+"-"+form.name), []byte(secret))
		}
	}
	for _, m := range more {
		f.Add(golden(f, m.name), []byte(secret))
	}
	f.Fuzz(func(t *testing.T, text, passphrase []byte) {
		file, err := Parse(text)
		if err != nil {
			if unread := (*UnreadError)(nil); file != nil || !errors.As(err, &unread) && !errors.Is(err, ErrBroken) {
				t.Errorf("%v, %v", file, err)
			}
			return
		}
		work := uint64(file.kdf.memory) * uint64(file.kdf.passes)
		if file.kdf.memory > maxMemory || work > maxWork {
			t.Fatalf("would derive with %+v", file.kdf.cost)
		}
		if work > 1<<10 {
			return // allowed, but not here
		}
		if !file.Encrypted() {
			file.mac = file.sum(file.derive(nil).mac, file.private)
		}
		key, err := file.PrivateKey(passphrase)
		if err != nil {
			if key != nil || !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrNeedPassphrase) && !errors.Is(err, ErrBroken) {
				t.Errorf("%v, %v", key, err)
			}
			return
		}
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil || !bytes.Equal(signer.PublicKey().Marshal(), file.public) {
			t.Fatalf("a key of another public half: %v", err)
		}
		for _, form := range forms {
			passphrase := []byte("p")
			if !form.locked {
				passphrase = nil
			}
			again, err := marshal(key, file.Comment, passphrase, form.version, cost{8, 1, 1})
			if err != nil {
				t.Fatal(err)
			}
			got, comment, err := open(again, string(passphrase))
			if err != nil || comment != file.Comment || !key.(private).Equal(got) {
				t.Errorf("%s: written and read again: %q, %v", form.name, comment, err)
			}
		}
	})
}
