//go:build !unix

package main

// drops has nothing to do: there is no such signal.
type drops struct{}

func onDrop(func()) drops { return drops{} }

func (drops) stop() {}
