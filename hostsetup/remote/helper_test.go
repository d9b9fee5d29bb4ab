package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// shells returns the POSIX shells of this machine: dash and busybox are the two that servers have as sh.
func shells(t *testing.T) [][]string {
	t.Helper()
	ground.NotWindows(t, "the server's half, which is for sh")
	var all [][]string
	for _, sh := range [][]string{{"dash", "-s"}, {"busybox", "sh", "-s"}, {"sh", "-s"}} {
		if _, err := exec.LookPath(sh[0]); err == nil {
			all = append(all, sh)
		}
	}
	return all
}

func run(t *testing.T, sh []string, home string, v Verb, args ...string) (*Answer, error) {
	t.Helper()
	nonce := Nonce()
	c := exec.Command(sh[0], sh[1:]...)
	c.Stdin = strings.NewReader(v.Program(nonce, args...))
	c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	out, err := c.Output()
	a, perr := Parse(v, nonce, out)
	if perr == nil && err != nil {
		t.Fatalf("%v %v: %v\n%s", sh, v, err, out)
	}
	return a, perr
}

func do(t *testing.T, sh []string, home string, v Verb, args ...string) *Answer {
	t.Helper()
	a, err := run(t, sh, home, v, args...)
	if err != nil {
		t.Fatalf("%v %v %q: %v", sh, v, args, err)
	}
	return a
}

func write(t *testing.T, home, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh", "authorized_keys"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
