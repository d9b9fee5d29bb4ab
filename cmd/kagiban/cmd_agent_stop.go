package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
)

func agentStopCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "stop",
		Usage:       "end the agent; every key is locked then",
		Description: "It returns when the agent is gone. Where systemd holds its sockets (kagiban service install), their next use starts it again.",
		Action:      func(c *cli.Context) error { return p.agentStop(c.Context) },
	}
}

func (p *program) agentStop(ctx context.Context) error {
	c, err := p.controlToEnd()
	if err != nil {
		return err
	}
	defer c.Close()
	status, err := c.Status()
	if errors.As(err, new(*control.VersionError)) {
		return p.stopOther()
	}
	if err != nil {
		return err
	}
	if err := c.Shutdown(); err != nil {
		return err
	}
	if status.Activated { // its sockets stay
		if err := waitUntil(ctx, func() bool { return !processLives(status.PID) }); err != nil {
			return err
		}
		p.tell(say.AgentStoppedUntilUse)
		return nil
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	if err := waitUntil(ctx, func() bool { return allGone(h, status.Doors) }); err != nil {
		return err
	}
	p.tell(say.AgentStopped)
	return nil
}

// stopOther stops an agent of another version, which is as good as gone when it has let go of the connection.
func (p *program) stopOther() error {
	c, err := p.controlToEnd()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Shutdown(); err != nil {
		return err
	}
	p.tell(say.AgentStopped)
	return nil
}

// allGone: the names of its doors, and not whether somebody answers there.
func allGone(h home.Home, further []control.Door) bool {
	for _, d := range further {
		if d.Error == "" && !door.IsGone(d.Path) {
			return false
		}
	}
	return door.IsGone(h.AgentSocket()) && door.IsGone(h.ControlSocket())
}

// waitUntil waits for the end of an agent.
func waitUntil(ctx context.Context, gone func() bool) error {
	limit, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for !gone() {
		select {
		case <-limit.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return say.Fail(say.AgentNotStopped, nil, "seconds", strconv.Itoa(int(startPatience.Seconds())))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
