//go:build !linux

package watch

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// listen says that there is nothing to listen to, and waits for the end.
func (w *Watcher) listen(ctx context.Context, _ func(error)) error {
	w.say(false, errors.New("kagiban cannot hear of it on "+runtime.GOOS+" yet"))
	<-ctx.Done()
	return ctx.Err()
}

// Slept is not known here.
func Slept() time.Duration { return 0 }
