package safefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a lock that somebody holds is tried again.
const lockPoll = 20 * time.Millisecond

// LockedError says that a lock file stayed held until the caller's context ended. It wraps that context's error.
type LockedError struct {
	Path string // the lock file
	PID  int    // the process that wrote its number there when it took the lock; 0 when unknown
	Err  error
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf(`"%s" is locked by %s`, e.Path, who)
}

func (e *LockedError) Unwrap() error { return e.Err }

// Lock takes the exclusive lock of the file path, which is made (0600) if it is not there and never removed, and waits for it
// until ctx ends: a deadline's error is a [*LockedError], and a cancelled ctx's its own. The lock ends with unlock, or with the process. Two calls in one process
// exclude each other as two processes do.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLockContext(ctx, lockPoll)
	if errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled) {
		return nil, err // nobody holds it, as far as was seen: the person has had enough
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, &LockedError{Path: path, PID: holder(path), Err: err}
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &LockedError{Path: path, PID: holder(path)}
	}
	// Whoever waits can then name us. It is a note, not the lock: if it cannot be written nothing is lost.
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	return func() { _ = l.Unlock() }, nil
}

// holder reads the note of the process that took the lock.
func holder(path string) int {
	b, err := os.ReadFile(path) // on Windows a locked file cannot be read: then nobody is named
	if err != nil || len(b) > 32 {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
