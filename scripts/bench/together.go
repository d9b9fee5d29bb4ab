//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// together does something while this thread and the agent have one processor between them: a request is handed over there as it would be on a
// machine that has something to do. On two, an agent is as slow as the second is to wake, and where the system puts it is a matter of luck: the same
// one took 28 us for an answer, and 110 a second later.
func (r *running) together(do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for n := range len(all) * 64 {
		if all.IsSet(n) {
			one.Set(n)
			break
		}
	}
	err := r.on(&one)
	if err == nil {
		err = do()
	}
	return errors.Join(err, r.on(&all))
}

// on puts all threads of the agent, and this one, on these processors.
func (r *running) on(some *unix.CPUSet) error {
	tasks := fmt.Sprintf("/proc/%d/task", r.pid)
	for range 2 { // one that began meanwhile is where its parent was
		entries, err := os.ReadDir(tasks)
		if err != nil {
			return err
		}
		for _, e := range entries {
			id, err := strconv.Atoi(e.Name())
			if err == nil {
				err = unix.SchedSetaffinity(id, some)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) { // a thread has ended
				return fmt.Errorf("the processors of %s: %w", r.name, err)
			}
		}
	}
	return unix.SchedSetaffinity(0, some)
}
