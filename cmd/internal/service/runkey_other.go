//go:build !windows

package service

import "io/fs"

// The same names as in runkey_windows.go: for its text, which is the same everywhere.

func runKeyReady() error          { return &UnavailableError{"this is no Windows"} }
func readRunKey() (string, error) { return "", fs.ErrNotExist }
func writeRunKey(string) error    { return runKeyReady() }
func removeRunKey() error         { return runKeyReady() }
func turnedOff() (bool, error)    { return false, nil }
func turnOn() error               { return nil }

// AtLogin is the value that an environment variable has when the user logs in to Windows, and "" where there is none.
func AtLogin(string) string { return "" }
