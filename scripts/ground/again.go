package ground

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// Again starts this test binary once more, with that setting ("NAME=value") in its environment, by which its TestMain makes another program
// of it. What it says is read from the scanner; what it says on stderr is shown. The caller ends it and waits for it.
func Again(t testing.TB, setting string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), setting, "GORACE=atexit_sleep_ms=0") // the race detector would wait a second at its end
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// Stay starts a program that reads its stdin to the end, which is the end of the test.
func Stay(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // or it has ended before
	})
	if runtime.GOOS == "linux" { // it may be given its words (proc_pid_cmdline(5)) a moment after Start has returned
		Until(t, "the program has its words", func() bool {
			words, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
			return err != nil || len(words) > 0
		})
	}
}
