//go:build !windows

package ground

// Wine is false: it plays nothing else than Windows.
func Wine() bool { return false }
