package main

import (
	"context"
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/cmd/internal/service"
)

func serviceUninstallCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "uninstall",
		Usage:       "take away what `service install` made, and end the agent",
		Description: "Keys stay, locked. Files that somebody else changed stay too, unless --force is given.",
		Flags:       []cli.Flag{forceFlag()},
		Action:      func(c *cli.Context) error { return p.serviceUninstall(c.Context, c.Bool("force")) },
	}
}

func (p *program) serviceUninstall(ctx context.Context, force bool) error {
	s, err := p.service()
	if err != nil {
		return err
	}
	removed, err := s.Uninstall(ctx, force)
	if foreign := new(service.ForeignError); errors.As(err, &foreign) {
		return say.Fail(say.ServiceForeign, err, "path", foreign.Path, "verb", "uninstall")
	}
	if err != nil {
		return err
	}
	for _, path := range removed {
		p.tell(say.ServiceTookAway, "path", path)
	}
	if len(removed) == 0 {
		p.tell(say.ServiceNone)
		return nil
	}
	if h, err := p.home(); err == nil {
		_ = os.Remove(h.RunDir()) // where it is empty; what else is in it stays, and it with that
	}
	p.tell(say.ServiceUninstalled)
	return nil
}
