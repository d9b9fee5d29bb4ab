package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kagiban/scripts/ground"
)

// fullEnv makes the test binary the inside of TestDiskFull: its value is the folder to mount a small disk on.
const fullEnv = "JOURNAL_TEST_FULL"

// TestDiskFull runs fillDisk on a small disk.
func TestDiskFull(t *testing.T) { ground.SmallDisk(t, fullEnv) }

func onFullDisk(dir string) int { return ground.OnSmallDisk(dir, "16k", fillDisk) }

// fillDisk records more than the disk holds: what was not written is counted, what was is whole, and when there is room it
// goes on, and says how many are missing.
func fillDisk(dir string) error {
	uses := filepath.Join(dir, "uses")
	j := New(Options{Dir: uses})
	r := &Reader{Dir: uses}
	var seen []string
	for i := range 100 {
		j.Record(sample(fmt.Sprint(i)))
		lines, bad, err := r.Next()
		if bad > 0 || err != nil {
			return fmt.Errorf("after %d: %d lines not understood, %v", i, bad, err)
		}
		for _, l := range lines {
			seen = append(seen, l.Entry.Key)
		}
	}
	missed := j.Missed()
	if len(seen) < 10 || len(missed) != 1 || missed[0].Count+len(seen) != 100 || !strings.Contains(missed[0].Why, "no space left") {
		return fmt.Errorf("%d are there; missed: %+v", len(seen), missed)
	}
	text, err := os.ReadFile(filepath.Join(uses, "000001.jsonl"))
	if err != nil || len(text) == 0 || text[len(text)-1] != '\n' {
		return fmt.Errorf("the file ends in a part of a line: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64k"); err != nil {
		return err
	}
	j.Record(sample("more"))
	lines, bad, err := r.Next()
	if err != nil || bad > 0 || len(lines) != 2 || lines[0].Gap == nil || lines[0].Gap.Count != missed[0].Count || lines[1].Entry.Key != "more" {
		return fmt.Errorf("when there is room: %+v, %d, %v", lines, bad, err)
	}
	return j.Close()
}
