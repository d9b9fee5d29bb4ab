package main

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"kagiban/cmd/internal/say"
)

// mostAtOnce is how many hosts a person may have worked on at once: each takes a connection or three, and some 200 KB.
const mostAtOnce = 256

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

// renderAmong is the text of a host's error, with its name in front where there are several.
func renderAmong(hosts int, host string, e *say.Error) string {
	if hosts > 1 {
		return say.RenderOf(host, e.ID, e.Fields)
	}
	return say.Render(e.ID, e.Fields)
}

// endOfSeveral is the exit code of a command over several hosts.
func (p *program) endOfSeveral(codes []int) error {
	failures := slices.DeleteFunc(slices.Clone(codes), func(code int) bool { return code == say.ExitDone })
	if len(failures) > 0 && len(codes) > 1 {
		p.tell(say.HostsDiffer, "failed", strconv.Itoa(len(failures)), "all", strconv.Itoa(len(codes)))
	}
	return exitStatus(sharedCode(failures))
}

// sharedCode is the code that all failures share, else 1; of none, 0.
func sharedCode(failures []int) int {
	if len(failures) == 0 {
		return say.ExitDone
	}
	if slices.ContainsFunc(failures, func(code int) bool { return code != failures[0] }) {
		return say.ExitFailed
	}
	return failures[0]
}
