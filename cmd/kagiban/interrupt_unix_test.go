//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kagiban/cmd/internal/say"
)

// TestInterrupted: a signal ends a command at whatever it waits for, with the exit
// code that shells give, and a word about what is true.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			started := filepath.Join(home, "started")
			cmd := exec.Command(builtBinary(t), "key", "new", "laptop", "--passphrase-command", "touch "+started+"; sleep 60; echo late")
			cmd.Env = []string{"KAGIBAN_HOME=" + filepath.Join(home, "k"), "PATH=" + os.Getenv("PATH")}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			cmd.WaitDelay = time.Second // the sleep holds stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(started); err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("it never started: ", stderr.String())
				}
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != say.ExitInterrupted || !bytes.Contains(stderr.Bytes(), []byte("kagiban: interrupted")) {
				t.Errorf("exit %d, %q", code, stderr.String())
			}
			if names, _ := filepath.Glob(filepath.Join(home, "k", "keys", "*.age")); len(names) > 0 {
				t.Errorf("a key was made: %q", names)
			}
		})
	}
}
