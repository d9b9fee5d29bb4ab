//go:build !unix

package main

import "kagiban/agent"

// drops has nothing to do: there is no such signal.
type drops struct{}

func onDrop(*agent.Agent) drops { return drops{} }

func (drops) stop() {}
