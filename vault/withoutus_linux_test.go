package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"kagiban/scripts/ground"
)

// TestOpensWithoutUs does what docs/file-format.md tells people to type on the day kagiban is gone: age and ssh-keygen alone, with
// the passphrase typed at a terminal.
func TestOpensWithoutUs(t *testing.T) {
	ground.Program(t, "age", "age")
	ground.Program(t, "ssh-keygen", "openssh-client")
	v := openTestVault(t, copyHome(t))
	for _, k := range homeKeys {
		t.Run(k.name, func(t *testing.T) {
			got := script(t, v, "Opening a key without kagiban", k.name, "Enter passphrase", k.passphrase)
			listed, err := v.Get(k.name)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%d %s %s (%s)\n%s", listed.Bits, listed.Fingerprint, k.spec.Comment, strings.ToUpper(listed.Type),
				readAll(t, v.pubFile(k.name)))
			if got != want {
				t.Errorf("ssh-keygen -l and -y say\n%s, want\n%s", got, want)
			}
		})
	}
}

// TestOpensWhatAgeSealed is the way back: a key that a person puts into the folder with age and ssh-keygen is a key.
func TestOpensWhatAgeSealed(t *testing.T) {
	t.Parallel() // age -p seals at work factor 18, which takes its time
	ground.Program(t, "age", "age")
	path, _ := sshKeygen(t, "by hand", "", "-t", "ed25519")
	v := openTestVault(t, copyHome(t))
	copyFile(t, path, filepath.Join(v.dir, "k"))
	script(t, v, "Putting a key in without kagiban", "hand", "Enter passphrase", "typed by hand", "Confirm passphrase", "typed by hand")
	p, err := v.Unlock("hand", []byte("typed by hand"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.PublicMended || p.Key.Comment != "by hand" || !bytes.Equal(readAll(t, v.pubFile("hand")), readAll(t, path+".pub")) {
		t.Errorf("opened %+v", p)
	}
}

// script runs the commands that docs/file-format.md has under a heading, in the vault's folder, and returns their stdout.
func script(t *testing.T, v *Vault, heading, name string, promptsAndLines ...string) string {
	t.Helper()
	_, section, found := strings.Cut(string(readAll(t, "../docs/file-format.md")), "\n## "+heading+"\n")
	_, block, begins := strings.Cut(section, "```sh\n")
	block, _, ends := strings.Cut(block, "```\n")
	if !found || !begins || !ends || !strings.Contains(block, "NAME") {
		t.Fatalf("docs/file-format.md has no commands under %q", heading)
	}
	var out bytes.Buffer
	cmd := exec.Command("sh", "-ec", strings.ReplaceAll(block, "NAME", name))
	cmd.Dir = v.dir
	cmd.Stdout = &out
	typeAt(t, cmd, promptsAndLines...)
	return out.String()
}

// typeAt runs a command at a terminal of its own and types lines, each after its prompt has come.
func typeAt(t *testing.T, cmd *exec.Cmd, promptsAndLines ...string) {
	t.Helper()
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Skipf("needs a pseudo terminal (/dev/ptmx): %v", err)
	}
	defer tty.Close()
	if err := tty.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	buf := make([]byte, 1024)
	for i := 0; i < len(promptsAndLines); i += 2 {
		for from := seen.Len(); !strings.Contains(seen.String()[from:], promptsAndLines[i]); {
			n, err := tty.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				t.Fatalf("waiting for %q: %v; saw %q", promptsAndLines[i], err, seen.String())
			}
		}
		if _, err := io.WriteString(tty, promptsAndLines[i+1]+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	// Linux answers EIO when the last process has closed its side.
	if _, err := io.Copy(&seen, tty); err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, os.ErrClosed) {
		t.Errorf("reading the terminal: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v; the terminal saw %q", err, seen.String())
	}
}
