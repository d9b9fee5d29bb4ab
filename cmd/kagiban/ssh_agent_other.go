//go:build !unix

package main

import (
	"context"

	"kagiban/cmd/internal/say"
)

// serving is what a process in the background would have to know.
type serving struct{}

func readServing(args []string) (*serving, []string) { return nil, args }

// runSSHAgent: there is no such program to stand in for.
func (p *program) runSSHAgent(context.Context, *sshAgentOptions) error {
	return say.Fail(say.NoDropInHere, nil)
}
