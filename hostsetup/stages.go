package hostsetup

import (
	"context"
	"errors"
	"time"
)

// A stage is one of the steps that change a server, or prove what was changed.
type stage struct {
	name string
	do   func(context.Context) error
}

// inOrder goes through steps until one fails, which is named.
func (s *setup) inOrder(ctx context.Context, steps []stage) (string, error) {
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return step.name, err
		}
		back := s.back()
		if back.IsZero() && (step.name == "create" || step.name == "enforce") { // its answer may be what is lost
			back = time.Now().Add(s.UndoAfter)
		}
		heard := s.listen(ctx, back)
		err := step.do(ctx)
		if heard(); err != nil {
			detail := s.Words(err)
			if ctx.Err() != nil {
				detail = "interrupted"
			}
			s.report(Step{step.name, false, detail})
			return step.name, errors.Join(ctx.Err(), err)
		}
	}
	return "", nil
}

// silentAfter is how long a server may say nothing, while it is waited for, before that is told.
const silentAfter = 10 * time.Second

// back is when the server goes back by itself, a few seconds more or less; zero as long as the undo switch is not on.
func (s *setup) back() time.Time {
	if s.until.IsZero() {
		return s.until
	}
	return s.until.Add(s.undoMargin())
}

// listen tells the person when nothing has come from the server for a while, once for each time that it falls silent, until the returned
// function is called.
func (s *setup) listen(ctx context.Context, back time.Time) (heard func()) {
	ctx, stop := context.WithCancel(ctx)
	begun, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		for quiet := time.Duration(0); rest(ctx, silentAfter-quiet) == nil; {
			last := time.Unix(0, s.dialer.heard.Load())
			quiet = time.Since(later(begun, last))
			if quiet >= silentAfter {
				if s.silent.Swap(last.UnixNano()) != last.UnixNano() {
					s.Silent(back)
				}
				return
			}
		}
	}()
	return func() {
		stop()
		<-done
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
