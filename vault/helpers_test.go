package vault

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

// run runs a program and returns what it printed on stdout; it fails the test if the program fails.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	out, err := cmd.Output()
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = string(exit.Stderr)
		}
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, stderr)
	}
	return string(out)
}

// sshKeygen makes a key file with ssh-keygen and returns its path and bytes. args say the rest: -t, -b, -Z, -m.
func sshKeygen(t testing.TB, comment, passphrase string, args ...string) (path string, file []byte) {
	t.Helper()
	ground.Program(t, "ssh-keygen", "openssh-client")
	path = filepath.Join(t.TempDir(), "k")
	run(t, "ssh-keygen", append([]string{"-q", "-C", comment, "-N", passphrase, "-f", path}, args...)...)
	return path, readAll(t, path)
}

func readAll(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeAll(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// newTestVault is an empty vault whose folder is not there yet.
func newTestVault(t testing.TB) *Vault {
	t.Helper()
	return openTestVault(t, filepath.Join(t.TempDir(), "keys"))
}

// armour is the way back from parseContainer, for files that no program would write.
func armour(f container) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: append([]byte(keyMagic), ssh.Marshal(f)...)})
}

// unarmour gives the bytes within the armour.
func unarmour(file []byte) []byte {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil
	}
	return block.Bytes
}

// names lists the vault's folder, without the lock file.
func names(t testing.TB, v *Vault) []string {
	t.Helper()
	entries, err := os.ReadDir(v.dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if e.Name() != ".lock" {
			list = append(list, e.Name())
		}
	}
	return list
}
