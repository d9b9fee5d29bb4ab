//go:build unix

package main

// systemChecks are rows of this operating system alone.
func systemChecks() []check { return nil }
