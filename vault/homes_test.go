package vault

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"kagiban/vault/safefile"
)

var update = flag.Bool("update", false, "write the committed test material anew")

// homeKeys are the keys of testdata/homes/locked; its README.md says the same for people.
var homeKeys = []struct {
	name, passphrase string
	spec             Spec
}{
	{"laptop", "correct horse", Spec{Type: "ed25519", Comment: "me@laptop"}},
	{"desk", "battery staple", Spec{Type: "ecdsa", Bits: 256, Comment: "me@desk"}},
	{"rsa", "correct horse", Spec{Type: "rsa", Bits: 3072, Comment: "me@old"}},
}

const homeDir = "testdata/homes/locked/keys"

// TestHomes proves that the committed vault, which other rooms test with, opens as its README.md says: today's code reads the
// files of the day they were made.
func TestHomes(t *testing.T) {
	if *update {
		makeHomes(t)
	}
	v := openTestVault(t, copyHome(t))
	keys, err := v.List()
	if err != nil || len(keys) != len(homeKeys) {
		t.Fatalf("listed %d keys, %v", len(keys), err)
	}
	for _, want := range homeKeys {
		p, err := v.Unlock(want.name, []byte(want.passphrase))
		if err != nil {
			t.Errorf("%s: %v", want.name, err)
			continue
		}
		if p.PublicMended || p.MendErr != nil {
			t.Errorf("%s: the .pub needed mending (%v)", want.name, p.MendErr)
		}
		if p.Key.Comment != want.spec.Comment || p.Key.Type != want.spec.Type || (want.spec.Bits != 0 && p.Key.Bits != want.spec.Bits) {
			t.Errorf("%s: is %+v", want.name, p.Key)
		}
	}
}

func makeHomes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	v := openTestVault(t, dir)
	for _, k := range homeKeys {
		if _, err := v.Create(k.name, k.spec, []byte(k.passphrase)); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range homeKeys {
		for _, suffix := range []string{keySuffix, pubSuffix} {
			copyFile(t, filepath.Join(dir, k.name+suffix), filepath.Join(homeDir, k.name+suffix))
		}
	}
}

// copyHome copies the committed vault to a folder of the test's own.
func copyHome(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := safefile.PrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	for _, k := range homeKeys {
		for _, suffix := range []string{keySuffix, pubSuffix} {
			copyFile(t, filepath.Join(homeDir, k.name+suffix), filepath.Join(dir, k.name+suffix))
		}
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// openTestVault opens a vault that seals at the lowest sensible cost.
func openTestVault(t testing.TB, dir string) *Vault {
	t.Helper()
	v, err := Open(dir, Options{WorkFactor: 10})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
