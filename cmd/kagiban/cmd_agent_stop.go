package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
)

func agentStopCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "stop",
		Usage:       "end the agent; every key is locked then",
		Description: "It returns when the sockets are gone.",
		Action:      func(c *cli.Context) error { return p.agentStop(c.Context) },
	}
}

func (p *program) agentStop(ctx context.Context) error {
	c, err := p.control()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Shutdown(); err != nil {
		return err
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	if err := waitGone(ctx, h); err != nil {
		return err
	}
	p.tell(say.AgentStopped)
	return nil
}

// waitGone waits until neither socket is there.
func waitGone(ctx context.Context, h home.Home) error {
	limit, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		_, agentErr := os.Lstat(h.AgentSocket())
		_, controlErr := os.Lstat(h.ControlSocket())
		if errors.Is(agentErr, fs.ErrNotExist) && errors.Is(controlErr, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-limit.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return say.Fail(say.AgentNotStopped, nil, "seconds", strconv.Itoa(int(startPatience.Seconds())))
		case <-time.After(10 * time.Millisecond):
		}
	}
}
