package safefile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLockExcludes: never are two inside at once.
func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	var inside, most, done atomic.Int32 // atomic for the race detector alone, which does not know file locks
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				unlock, err := Lock(context.Background(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n > most.Load() {
					most.Store(n)
				}
				runtime.Gosched()
				inside.Add(-1)
				done.Add(1)
				unlock()
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 || done.Load() != 40 {
		t.Errorf("%d at once, %d in all", most.Load(), done.Load())
	}
}

func TestLockWaitsNoLongerThanItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	unlock, err := Lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	_, err = Lock(ctx, path)
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if runtime.GOOS != "windows" && (locked.PID != os.Getpid() || !strings.Contains(err.Error(), "process")) {
		t.Errorf("the holder is not named: %v", err)
	}
	unlock()
	again, err := Lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestLockEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	path := filepath.Join(t.TempDir(), ".lock")
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil { // who had it once
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Lock(ctx, path); !errors.Is(err, context.Canceled) || errors.As(err, &locked) {
		t.Errorf("got %v", err)
	}
}

func TestLockWithoutFolder(t *testing.T) {
	_, err := Lock(context.Background(), filepath.Join(t.TempDir(), "no", ".lock"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
