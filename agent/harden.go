package agent

import "fmt"

// Harden makes this process leave no copy of its memory to others, as far as
// the system lets it: no core dump, and no other process of the same user may
// trace it or read its memory. It is called once, before the first key is
// opened. root can still read everything, and so can whoever could change the
// program before it was started. The error says what was not granted; the rest
// is in force nevertheless.
func Harden() error {
	if err := harden(); err != nil {
		return fmt.Errorf("protect the memory of the agent: %w", err)
	}
	return nil
}
