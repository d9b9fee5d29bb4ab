package book

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

// writerEnv has the test's own program write a book, again and again, in place of testing: its value is "PATH NAME COUNT".
const writerEnv = "KAGIBAN_TEST_BOOK"

func TestMain(m *testing.M) {
	if job := os.Getenv(writerEnv); job != "" {
		if err := write(job); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func write(job string) error {
	var b Book
	var name string
	var count int
	if _, err := fmt.Sscan(job, &b.Path, &name, &count); err != nil {
		return err
	}
	os.Stdout.WriteString("writing\n")
	for i := range count {
		if err := b.Put(context.Background(), Host{Name: fmt.Sprint(name, i%50), Port: i, HostKeys: []string{strings.Repeat("k", 2000)}}); err != nil {
			return err
		}
	}
	return nil
}

func writer(t *testing.T, b Book, name string, count int) *exec.Cmd {
	t.Helper()
	cmd, lines := ground.Again(t, fmt.Sprintf("%s=%s %s %d", writerEnv, b.Path, name, count))
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	return cmd
}

// TestKilledWriters: whenever a writer dies, the book is whole, holds all that was written before, and the next writer goes on.
func TestKilledWriters(t *testing.T) {
	b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
	if err := b.Put(context.Background(), Host{Name: "first"}); err != nil {
		t.Fatal(err)
	}
	most := 0
	for i := range 40 {
		cmd := writer(t, b, "h", 1<<30)
		<-time.After(time.Duration(i) * 700 * time.Microsecond) // each time at another moment: nothing is waited for
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		hosts, err := b.Hosts()
		if err != nil || len(hosts) < max(most, 1) || hosts[0].Name != "first" {
			t.Fatalf("kill %d: %d hosts after %d, %v", i, len(hosts), most, err)
		}
		most = len(hosts)
	}
	if most < 2 {
		t.Errorf("no writer came as far as to write")
	}
}

// TestTwoProcesses: both write at once, and neither loses what the other wrote.
func TestTwoProcesses(t *testing.T) {
	b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
	one, other := writer(t, b, "a", 50), writer(t, b, "b", 50)
	for _, cmd := range []*exec.Cmd{one, other} {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if hosts, err := b.Hosts(); err != nil || len(hosts) != 100 {
		t.Errorf("%d hosts, %v", len(hosts), err)
	}
}
