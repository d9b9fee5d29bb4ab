//go:build !linux

package journal

// The disk-full test mounts a small file system of its own: see full_linux_test.go.

const fullEnv = "JOURNAL_TEST_FULL"

func onFullDisk(string) int { return 0 }
