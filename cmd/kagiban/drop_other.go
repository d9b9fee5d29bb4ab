//go:build !unix

package main

// onDrop has nothing to wait for: there is no such signal.
func onDrop(func()) (stop func()) { return func() {} }
