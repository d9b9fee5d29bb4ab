package safefile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

// writerEnv makes the test binary a writer that writes until it is killed.
const writerEnv = "SAFEFILE_TEST_WRITE"

// writerFailed is its exit code when it cannot write; on Windows who is killed ends with 1.
const writerFailed = 3

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		os.Stdout.WriteString("writing\n")
		for i := 0; ; i++ {
			if err := WriteFile(path, bytes.Repeat([]byte{byte('a' + i%26)}, 32<<10), 0o600); err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
				os.Exit(writerFailed)
			}
		}
	}
	if dir := os.Getenv(fullEnv); dir != "" {
		os.Exit(onFullDisk(dir))
	}
	os.Exit(m.Run())
}

// TestKilledWriter kills a writer at forty moments: the file is always whole, and what else is left is ours to clean.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	left := 0
	for i := range 40 {
		cmd, lines := ground.Again(t, writerEnv+"="+path)
		if !lines.Scan() {
			t.Fatal("it says nothing")
		}
		<-time.After(time.Duration(i) * 700 * time.Microsecond) // each time at another moment: nothing is waited for
		cmd.Process.Kill()
		if cmd.Wait(); cmd.ProcessState.ExitCode() == writerFailed {
			t.Fatal("the writer failed")
		}
		if _, err := os.Stat(path); err == nil {
			whole(t, path)
		}
		left = count(t, dir)
	}
	t.Logf("%d temporary files were left by 40 kills", left-1)
	if err := CleanTemp(dir, time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	onlyNames(t, dir, "f")
	whole(t, path)
}

func count(t *testing.T, dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
