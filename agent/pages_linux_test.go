package agent

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// mapped is how much of the program's file is in this process, in KiB (proc_pid_status(5), RssFile).
func mapped(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

// TestPagesLeft: the program goes on, with fewer pages of its file mapped, though looking how many needs some.
func TestPagesLeft(t *testing.T) {
	mem, err := os.Open("/proc/self/mem") // proc_pid_mem(5)
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	read := func(from, to uintptr) (err error) { // all of them are there then, whatever was left before
		for page := from; page < to && err == nil; page += uintptr(os.Getpagesize()) {
			_, err = mem.ReadAt(make([]byte, 1), int64(page))
		}
		return err
	}
	if err := ownPages(read); err != nil {
		t.Fatal(err)
	}
	before := mapped(t)
	if err := leavePages(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(t); after > before*9/10 {
		t.Errorf("of %d KiB %d are still there", before, after)
	}
}
