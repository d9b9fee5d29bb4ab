package vpstest

import "testing"

// For is the same host for a test below the one that started it: what fails fails there.
func (h *Host) For(t *testing.T) *Host {
	host := *h
	host.t = t
	return &host
}
