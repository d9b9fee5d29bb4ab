//go:build !unix

package main

import (
	"context"

	"kagiban/agent/door"
)

// serving is what a process in the background would have to know.
type serving struct{}

func readServing(args []string) (*serving, []string) { return nil, args }

// runSSHAgent: there is no door to serve at.
func (p *program) runSSHAgent(context.Context, *sshAgentOptions) error { return door.ErrUnsupported }
