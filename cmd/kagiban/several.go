package main

import (
	"context"
	"sync"
)

// several does the same for each of names, at most so many at once, and returns the exit codes in the order of names. After ctx's end no
// further one is begun; those that were not have no code.
func several(ctx context.Context, names []string, most int, do func(i int, name string) int) []int {
	codes := make([]int, len(names))
	begun := make([]bool, len(names))
	places := make(chan struct{}, max(most, 1))
	var all sync.WaitGroup
	for i, name := range names {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		begun[i] = true
		all.Go(func() {
			defer func() { <-places }()
			codes[i] = do(i, name)
		})
	}
	all.Wait()
	var ended []int
	for i, code := range codes {
		if begun[i] {
			ended = append(ended, code)
		}
	}
	return ended
}
