// Package ground is what a test finds where it runs: the programs it stands beside, itself as one of them, a place to listen at, and
// whether this is Windows, or wine playing it. It promises that what cannot be shown there is left out in words that the summary of a
// run counts (scripts/testsum), and that nothing is left out anywhere else.
package ground

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Limit is something that wine does otherwise than Windows, or not at all.
type Limit string

// The limits that tests are left out for, as seen with wine 8 and 10. docs/windows.md has them, and what is shown in another way or not at all.
const (
	Links    Limit = "symbolic links are not made, and it says that they are"
	Programs Limit = "programs that a test stands beside (ssh, ssh-keygen and others) are not there"
)

// Cannot leaves the test out where wine plays Windows, for that limit.
func Cannot(t testing.TB, limit Limit) {
	t.Helper()
	if Wine() {
		t.Skip("not provable under wine: " + string(limit))
	}
}

// NotWindows leaves the test out on Windows: why is what it is about, and is not there.
func NotWindows(t testing.TB, why string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("not for Windows: " + why)
	}
}

// Program is where a program is, by name. Without it the test is left out, and says which package of Debian has it.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Cannot(t, Programs)
		t.Skipf("needs %s (Debian package %s)", name, debian)
	}
	return path
}

// Socket is a path, or on Windows the name of a pipe, at which something can listen as the agent does. Nothing is made there, and no other
// test has it.
func Socket(t testing.TB) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		return `\\.\pipe\kagiban-test-` + rand.Text()
	}
	return filepath.Join(t.TempDir(), "agent.sock")
}

// Until waits for a condition, as long as a slow machine may take.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Listen listens at a path as a program does that leaves its socket behind: the file stays.
func Listen(t testing.TB, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	return l
}

// Dialled waits until somebody takes connections at a socket: it is there a moment before (bind(2), listen(2)).
func Dialled(t testing.TB, path string) {
	t.Helper()
	Until(t, "somebody listens at "+path, func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Signer is a new ed25519 key.
func Signer(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
