package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kagiban/agent/control"
	"kagiban/cmd/internal/say"
)

func agentSocketListCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:   "list",
		Usage:  "the narrower sockets, and what each is for",
		Flags:  []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error { return p.agentSocketList(c.Bool("json")) },
	}
}

func (p *program) agentSocketList(json bool) error {
	all, err := p.narrowSockets()
	if err != nil {
		return err
	}
	if json {
		var out struct {
			Sockets []socketRow `json:"sockets"`
		}
		for _, s := range all {
			out.Sockets = append(out.Sockets, rowOfSocket(s))
		}
		return writeJSON(p.stdout, out)
	}
	if len(all) == 0 {
		p.tell(say.NoSockets)
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%s\n", s.Name, socketState(s))
	}
	return w.Flush()
}

// narrowSockets are those that the agent has; where none runs, those that it will have, shut.
func (p *program) narrowSockets() ([]control.Socket, error) {
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	scopes, err := readSockets(h.Sockets())
	if err != nil {
		return nil, err
	}
	if view, err := p.lookAtAgent(); err == nil {
		return view.status.Sockets, nil
	}
	var all []control.Socket
	for _, s := range scopes {
		all = append(all, control.Socket{Scope: s, Path: h.NarrowSocket(s.Name), Error: say.Text(say.AgentNotRunning, nil)})
	}
	return all, nil
}
