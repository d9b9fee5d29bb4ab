package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

// writerEnv makes the test binary a program that records until it is killed.
const writerEnv = "JOURNAL_TEST_WRITE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		recordForEver(dir, os.Getpid())
	}
	if dir := os.Getenv(fullEnv); dir != "" {
		os.Exit(onFullDisk(dir))
	}
	os.Exit(m.Run())
}

// recordForEver records by eight callers, each of whom says on stdout which line was done
// with, when it was.
func recordForEver(dir string, run int) {
	j := New(Options{Dir: dir, File: 64 << 10, Total: 1 << 30})
	var mu sync.Mutex
	for c := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", run, c, i)
				e := sample(name)
				e.Comment = strings.Repeat("c", i%maxText) // so that a line may end anywhere in a page
				j.Record(e)
				mu.Lock()
				fmt.Println(name)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestKilledWriter kills it at many moments: whatever it had done with is in the log, once,
// and no part of a line is.
func TestKilledWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "uses")
	done := map[string]int{}
	torn := 0
	for i := range 12 {
		cmd, lines := ground.Again(t, writerEnv+"="+dir)
		for lines.Scan() && len(done) < 50*(i+1) {
			done[lines.Text()] = 0
		}
		<-time.After(time.Duration(i) * 700 * time.Microsecond) // each time at another moment: nothing is waited for
		cmd.Process.Kill()
		for lines.Scan() {
			if name := lines.Text(); strings.Count(name, "-") == 2 {
				done[name] = 0
			}
		}
		cmd.Wait()
		torn += tornLines(t, dir)
		names(t, &Reader{Dir: dir})
	}
	for _, name := range names(t, &Reader{Dir: dir}) {
		if n, ok := done[name]; ok {
			done[name] = n + 1
		}
	}
	lost := 0
	for name, n := range done {
		if n != 1 {
			t.Errorf("%s is there %d times", name, n)
			if lost++; lost > 9 {
				break
			}
		}
	}
	t.Logf("%d lines were done with; %d files ended in a part of one", len(done), torn)
}

// tornLines counts the files that do not end with a line's end.
func tornLines(t *testing.T, dir string) (torn int) {
	t.Helper()
	all, err := numbers(dir)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, n := range all {
		text, err := os.ReadFile(filepath.Join(dir, fileName(n)))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			torn++
		}
	}
	return torn
}
