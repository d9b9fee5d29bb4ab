//go:build !linux && !darwin && !freebsd

package agent

// harden has nothing to do: on Windows another process of the same user may
// always read our memory.
func harden() error { return nil }
