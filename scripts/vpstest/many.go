package vpstest

import (
	"errors"
	"sync"
	"testing"
)

// atOnce is how many servers boot at the same time: a boot works more than it waits.
const atOnce = 4

// Many is [Up] for several servers of one test: one for each hook, in that order.
func Many(t *testing.T, hooks []string, options ...string) []*Host {
	t.Helper()
	wanted(t)
	hosts, failed := make([]*Host, len(hooks)), make([]error, len(hooks))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, hook := range hooks {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			hosts[i], failed[i] = start(t, hook, options)
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	return hosts
}
