package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kagiban/vault/safefile"
)

// Commands of the stories about a home of kagiban's.
//
//	lockedhome                 puts the committed home of locked keys at $KAGIBAN_HOME
//	picture DIR FILE           writes down every file of DIR: mode, time to the nanosecond, content
//	alone CODE PROGRAM ...     runs a program that has no terminal, and must end with this code
//
// The keys of that home are laptop and rsa ("correct horse") and desk ("battery staple").

// lockedHome copies the committed home, closed to others as a vault must be.
func lockedHome(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: lockedhome")
	}
	ts.Check(copyLockedHome(ts.Getenv("KAGIBAN_HOME")))
}

const committedHome = "../../vault/testdata/homes/locked"

func copyLockedHome(to string) error {
	keys := filepath.Join(to, "keys")
	if err := safefile.PrivateDir(keys); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(committedHome, "keys"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(committedHome, "keys", e.Name()))
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o600)
		if strings.HasSuffix(e.Name(), ".pub") {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(keys, e.Name()), data, mode); err != nil {
			return err
		}
	}
	return nil
}

// lockedHomeAt is copyLockedHome in a folder of the test's own, short enough for sockets.
func lockedHomeAt(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "kagiban-home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	if err := copyLockedHome(home); err != nil {
		t.Fatal(err)
	}
	return home
}

func picture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: picture DIR FILE")
	}
	text, err := pictureOf(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func pictureOf(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum [sha256.Size]byte
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(data)
		}
		fmt.Fprintf(&b, "%s %v %d %x\n", path, info.Mode(), info.ModTime().UnixNano(), sum[:8])
		return nil
	})
	return b.String(), err
}

func alone(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(first(args))
	if err != nil || len(args) < 2 || neg {
		ts.Fatalf("usage: alone CODE PROGRAM [ARG...]")
	}
	ts.Check(ts.Exec("env", "-0"))
	environment := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
	cmd := exec.Command("env", args[1:]...) // env looks the program up in the story's PATH
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	detach(cmd)
	err = cmd.Run()
	fmt.Fprint(ts.Stdout(), out.String())
	fmt.Fprint(ts.Stderr(), talk.String())
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		ts.Check(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit %d, want %d\n%s%s", got, want, out.String(), talk.String())
	}
}

// endAgent ends the agent of a home, if the story has left one running.
func endAgent(home string) {
	p := &program{getenv: func(name string) string { return map[string]string{"KAGIBAN_HOME": home}[name] }}
	if c, err := p.control(); err == nil {
		_ = c.Shutdown() // if it fails there is none any more
		_ = c.Close()
	}
}
