package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUnwritableHome: on a disk that is mounted read-only, and in a folder where this user may not write, each command says what it could not write, that nothing
// was lost, and what to look at.
func TestUnwritableHome(t *testing.T) {
	shipped := filepath.Join(plainUsersFolder(t), "kagiban")
	copyProgram(t, builtBinary(t), shipped)
	commands := []struct {
		args []string
		says string // with HOME for the home
	}{
		{[]string{"rotate", "laptop", "--yes", "--passphrase-file", "passphrase", "--new-passphrase-file", "passphrase"}, "kagiban: what is to be done cannot be written down, so no key was made and no server was reached: HOME/hosts.toml cannot be written: "},
		{[]string{"agent", "start"}, "kagiban: the agent did not begin, and no key was touched: HOME/log cannot be "},
		{[]string{"agent", "run"}, "kagiban: the agent did not begin, and no key was touched: HOME/log cannot be "},
		{[]string{"key", "new", "other", "--passphrase-file", "passphrase"}, "kagiban: HOME/keys cannot be written: "},
		{[]string{"key", "rename", "desk", "table"}, "kagiban: HOME/keys cannot be written: "},
	}
	for reason, look := range map[string]string{"its disk is mounted read-only": "  next: df HOME", "permission denied": "  next: ls -ld HOME"} {
		t.Run(reason, func(t *testing.T) {
			folder := plainUsersFolder(t)
			home := filepath.Join(folder, "home")
			if err := os.Mkdir(home, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := copyLockedHome(home); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "passphrase"), []byte("correct horse\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			mounted := strings.Contains(reason, "mounted")
			if !mounted {
				local(t, "chmod", "-R", "a-w", home)
				defer local(t, "chmod", "-R", "u+w", home)
			}
			if os.Geteuid() == 0 && !mounted {
				local(t, "chown", "-R", "65534:65534", home)
			}
			if os.Geteuid() == 0 && mounted {
				local(t, "chown", "root:", folder)
			}
			before, err := pictureOf(home)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range commands {
				cmd := exec.Command(shipped, c.args...)
				cmd.Dir, cmd.Env = folder, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "KAGIBAN_HOME=" + home}
				if mounted {
					cmd = onReadOnlyDisk(cmd, home)
				} else if os.Geteuid() == 0 {
					cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: plainUser, Gid: plainUser}}
				}
				out, _ := cmd.CombinedOutput() // its exit code tells
				text := strings.ReplaceAll(string(out), home, "HOME")
				if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(text, c.says) || !strings.Contains(text, reason+"\n  still true: what stood there is as it was, whole\n"+look) {
					t.Errorf("%s: exit %d, %s", strings.Join(c.args, " "), code, text)
				}
			}
			if after, err := pictureOf(home); err != nil || after != before {
				t.Errorf("the home has changed: %v\n%s", err, after)
			}
		})
	}
}
