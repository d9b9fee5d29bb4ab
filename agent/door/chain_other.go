//go:build !linux && !darwin && !windows

package door

func chain(int) []Caller { return nil }

func workDir(int) string { return "" }

func args(int) []string { return nil }
