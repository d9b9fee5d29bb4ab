//go:build !linux

package safefile

// The disk-full test mounts a small file system of its own: see full_linux_test.go.

const fullEnv = "SAFEFILE_TEST_FULL"

func onFullDisk(string) int { return 0 }
