package journal

import (
	"errors"
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

func onFullDisk(dir string) int {
	return ground.OnSmallDisk(dir, "16k", func(dir string) error { return errors.Join(fillMoved(filepath.Join(dir, "moved")), fillDisk(dir)) })
}

// fillMoved records more than the disk holds to a file whose name another has by now: of the two the open one is cut. It leaves an empty disk.
func fillMoved(dir string) error {
	j := New(Options{Dir: dir})
	defer os.RemoveAll(dir)
	for range 2 { // with the second it has looked that it is there
		j.Record(sample("one"))
	}
	path := j.files.path(1)
	if err := errors.Join(os.Rename(path, path+"-away"), os.WriteFile(path, []byte("another's"), 0o600)); err != nil {
		return err
	}
	for j.files.file != nil {
		j.Record(sample("more"))
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "another's" {
		return fmt.Errorf("what has its name: %d bytes, %v", len(text), err)
	}
	text, err = os.ReadFile(path + "-away")
	if err != nil || len(text) == 0 || text[len(text)-1] != '\n' {
		return fmt.Errorf("the file that was open ends in a part of a line: %d bytes, %v", len(text), err)
	}
	return nil
}

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
