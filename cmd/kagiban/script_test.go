package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kagiban/scripts/ground"
)

// TestMain removes the binary that tests have built, and fails when the owner's
// own ~/.ssh is not as it was: OpenSSH takes its home from passwd and not from
// HOME, so a story that calls ssh without -F would read and write there.
func TestMain(m *testing.M) {
	before := ownSSH()
	folder, err := os.MkdirTemp("", "kagiban-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shipped = newBinary(folder)
	code := m.Run()
	os.RemoveAll(folder)
	if after := ownSSH(); after != before {
		fmt.Fprintf(os.Stderr, "FAIL: the tests, or somebody meanwhile, changed the owner's ~/.ssh\nbefore:\n%safter:\n%s", before, after)
		code = 1
	}
	os.Exit(code)
}

// ownSSH is a picture of the ~/.ssh of the user's passwd entry: a line for each
// file with its mode, time and content.
func ownSSH() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	var b strings.Builder
	_ = filepath.WalkDir(filepath.Join(u.HomeDir, ".ssh"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		sum := [sha256.Size]byte{}
		if info.Mode().IsRegular() {
			if text, err := os.ReadFile(path); err == nil {
				sum = sha256.Sum256(text)
			}
		}
		fmt.Fprintf(&b, "%s %v %v %x\n", path, info.Mode(), info.ModTime(), sum[:4])
		return nil
	})
	return b.String()
}

// TestScripts runs the stories of testdata/script with the program as it is
// shipped. In a story:
//
//	exits 2 kagiban statsu     runs a program that must end with this code
//	dialog FILE kagiban ...    runs it on a terminal of its own; see script_dialog
//	exec ssh ...               is ssh with -F $WORK/ssh_config, so also scp, sftp and git
//
// HOME is $WORK and KAGIBAN_HOME is $WORK/home; nothing of the developer's own
// environment is there.
func TestScripts(t *testing.T) {
	ground.NotWindows(t, "the stories of the command line, which are for a Unix shell")
	program := builtBinary(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return furnish(env, program) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"dialog":     dialog,
			"alone":      alone,
			"lockedhome": lockedHome,
			"picture":    picture,
		},
	})
}

// furnish makes the place in which a story plays.
func furnish(env *testscript.Env, program string) error {
	bin := filepath.Join(env.WorkDir, ".bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(program, filepath.Join(bin, "kagiban")); err != nil {
		return err
	}
	config := filepath.Join(env.WorkDir, "ssh_config")
	hosts := filepath.Join(env.WorkDir, "known_hosts")
	text := "Include " + filepath.Join(env.WorkDir, "ssh_config.d") + "/*\n" +
		"Host *\n\tUserKnownHostsFile " + hosts + "\n\tGlobalKnownHostsFile /dev/null\n\tIdentityFile none\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	for _, name := range []string{"ssh", "scp", "sftp"} {
		real, err := exec.LookPath(name)
		if err != nil {
			continue // a story that needs it says so
		}
		wrapper := fmt.Sprintf("#!/bin/sh\nexec %s -F %s \"$@\"\n", real, config)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(wrapper), 0o700); err != nil {
			return err
		}
	}
	env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(env.WorkDir, "bus")) // not the developer's
	env.Setenv("KAGIBAN_HOME", filepath.Join(env.WorkDir, "home"))
	env.Defer(func() { endAgent(filepath.Join(env.WorkDir, "home")) })
	env.Setenv("GIT_SSH", filepath.Join(bin, "ssh"))
	return nil
}

// exits runs a program and holds its exit code against the one expected.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(first(args))
	if err != nil || len(args) < 2 || neg {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit %d, want %d", got, want)
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
