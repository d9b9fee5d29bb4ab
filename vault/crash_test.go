package vault

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// helperEnv makes the test binary do one thing to a vault: "WHAT FOLDER".
const helperEnv = "VAULT_TEST_DO"

// atOnce spares it the second that the race detector waits at every exit.
const atOnce = "GORACE=atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	if what, dir, ok := strings.Cut(os.Getenv(helperEnv), " "); ok {
		if err := do(what, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// do is what is killed. In the folder is a key "laptop" under "correct horse".
func do(what, dir string) error {
	v, err := Open(dir, Options{WorkFactor: 1})
	if err != nil {
		return err
	}
	pass := []byte("correct horse")
	switch what {
	case "create":
		_, err = v.Create("new", Spec{}, []byte("new"))
	case "passwd":
		err = v.Passwd("laptop", pass, []byte("new"))
	case "rename":
		err = v.Rename("laptop", "new")
	case "remove":
		err = v.Remove("laptop")
	case "unlock":
		_, err = v.Unlock("laptop", pass)
	default:
		err = errors.New("do what?")
	}
	return err
}

// afterwards is what must hold for each of them, when it died (err != nil: or failed) at any moment, or succeeded (err == nil).
// It returns what is wrong.
func afterwards(v *Vault, what string, err error) string {
	opens := func(name, pass string) bool {
		p, err := v.Unlock(name, []byte(pass))
		return err == nil && p.Key.Comment != "" && p.MendErr == nil
	}
	var exit *exec.ExitError
	failed := errors.As(err, &exit) && exit.ExitCode() == 3 // it lived to say so
	has := func(path string) bool { _, err := os.Lstat(path); return err == nil }
	if !opens("desk", "battery staple") || !opens("rsa", "correct horse") {
		return "another key is lost"
	}
	switch what {
	case "create":
		switch {
		case !opens("laptop", "correct horse"):
			return "another key is lost"
		case err == nil && !opens("new", "new"):
			return "reported as made, and is not"
		case failed && (has(v.keyFile("new")) || has(v.pubFile("new"))):
			return "reported as failed, and is there"
		case has(v.pubFile("new")) && !opens("new", "new"):
			return "a .pub without its key"
		case has(v.keyFile("new")) && !opens("new", "new"):
			return "half a key"
		}
	case "passwd":
		switch {
		case err == nil && !opens("laptop", "new"):
			return "reported as changed, and is not"
		case !opens("laptop", "new") && !opens("laptop", "correct horse"):
			return "the key is lost"
		}
	case "rename":
		switch {
		case err == nil && (!opens("new", "correct horse") || has(v.keyFile("laptop")) || has(v.pubFile("laptop"))):
			return "reported as renamed, and is not"
		case has(v.keyFile("new")) && !has(v.pubFile("new")), has(v.keyFile("laptop")) && !has(v.pubFile("laptop")):
			return "a key without its .pub"
		case !opens("new", "correct horse") && !opens("laptop", "correct horse"):
			return "the key is lost"
		}
	case "remove":
		switch {
		case err == nil && (has(v.keyFile("laptop")) || has(v.pubFile("laptop"))):
			return "reported as removed, and is not"
		case has(v.pubFile("laptop")) && !has(v.keyFile("laptop")):
			return "a .pub without its key"
		case has(v.keyFile("laptop")) && !opens("laptop", "correct horse"):
			return "neither there nor gone"
		}
	}
	return ""
}

// crashVault is a copy of the committed home; its keys open fast.
func crashVault(t *testing.T) *Vault {
	t.Helper()
	v, err := Open(copyHome(t), Options{WorkFactor: 1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestKilledAnywhere kills each change with SIGKILL at thirty moments of its life, by the clock alone. (The Linux test beside it
// kills at every single system call.)
func TestKilledAnywhere(t *testing.T) {
	for _, what := range []string{"create", "passwd", "rename", "remove"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			finished := 0
			for i := range 15 {
				v := crashVault(t)
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), atOnce, helperEnv+"="+what+" "+v.dir)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				<-time.After(time.Duration(i) * 2 * time.Millisecond) // another moment each time: nothing is waited for
				cmd.Process.Kill()
				err := cmd.Wait()
				if err == nil {
					finished++
				}
				if wrong := afterwards(v, what, err); wrong != "" {
					t.Errorf("killed after %d ms: %s; the folder holds %q", 2*i, wrong, names(t, v))
				}
			}
			t.Logf("%d of 15 had finished", finished)
		})
	}
}

// TestLeftoversAreCleaned: the next change removes what a crash left an hour ago, and nothing else.
func TestLeftoversAreCleaned(t *testing.T) {
	v := crashVault(t)
	ours := filepath.Join(v.dir, ".kagiban-tmp-0123456789abcdef")
	theirs := filepath.Join(v.dir, ".laptop.age.swp")
	for _, path := range []string{ours, theirs} {
		writeAll(t, path, []byte("x"))
	}
	later := time.Now().Add(61 * time.Minute)
	v.now = func() time.Time { return later }
	if err := v.Rename("laptop", "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ours); err == nil {
		t.Error("our temporary file is still there")
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
}
