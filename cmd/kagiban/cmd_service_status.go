package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/cmd/internal/service"
)

func serviceStatusCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "status",
		Usage:       "is it installed, is it in force, and is it this program that it starts",
		Description: "It starts no agent, and ends with 0 whatever it finds, with 1 where no service manager answers; `kagiban doctor` is for what is wrong.",
		Flags:       []cli.Flag{jsonFlag()},
		Action:      func(c *cli.Context) error { return p.serviceStatus(c.Context, c.Bool("json")) },
	}
}

// serviceReport is the result of `kagiban service status --json`.
type serviceReport struct {
	Installed   bool          `json:"installed"` // every file is there
	Enabled     bool          `json:"enabled"`   // at the next login too
	Active      bool          `json:"active"`    // now
	Running     bool          `json:"running"`   // it has started the agent
	Program     *string       `json:"program"`
	ThisProgram bool          `json:"this_program"`
	Files       []serviceFile `json:"files"`
}

type serviceFile struct {
	Path  string           `json:"path"`
	State service.Likeness `json:"state"` // missing, same, older or foreign
}

func (p *program) serviceStatus(ctx context.Context, asJSON bool) error {
	s, err := p.service()
	if err != nil {
		return err
	}
	state, err := s.State(ctx)
	if err != nil {
		return err
	}
	self, err := programPath()
	if err != nil {
		return err
	}
	r := serviceReport{
		Installed: state.Installed(), Enabled: state.Enabled, Active: state.Active, Running: state.Running,
		Program: some(state.Program), ThisProgram: state.Program != "" && isSameFile(state.Program, windowless(self)),
	}
	if runtime.GOOS == "windows" && r.Installed { // nobody there knows who started it
		if view, err := p.lookAtAgent(); err == nil {
			r.Running = view.running
		}
	}
	for _, f := range state.Files {
		r.Files = append(r.Files, serviceFile{f.Path, f.Is})
	}
	if asJSON {
		return writeJSON(p.stdout, r)
	}
	return p.showService(r, state)
}

func (p *program) showService(r serviceReport, state service.State) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	yes := map[bool]string{true: "yes", false: "no"}
	started := "started the agent"
	if runtime.GOOS == "windows" {
		started = "agent running"
	}
	fmt.Fprintf(w, "installed\t%s\nat every login\t%s\nnow\t%s\n%s\t%s\n", yes[r.Installed], yes[r.Enabled], yes[r.Active], started, yes[r.Running])
	next := []string{"kagiban service install"}
	var byHand *say.Error
	if !r.Active && errors.As(p.nobodyThere(state), &byHand) && byHand.ID == say.AgentByHand { // where it is active, asking would start the agent
		fmt.Fprintf(w, "agent by hand\tprocess %s\n", byHand.Fields["pid"])
		next = append([]string{"kagiban agent stop"}, next...) // in two rows: Windows PowerShell has no &&
	}
	if r.Program != nil {
		fmt.Fprintf(w, "starts\t%s%s\n", *r.Program, map[bool]string{true: " (this program)", false: " (not this program)"}[r.ThisProgram])
	}
	for _, f := range r.Files {
		fmt.Fprintf(w, "file\t%s\t%s\n", f.Path, say.Text(likenessText(f.State), nil))
	}
	if !state.Current() || !r.Enabled || !r.Active {
		for _, command := range next {
			fmt.Fprintf(w, "next\t%s\n", command)
		}
	}
	return w.Flush()
}

func likenessText(is service.Likeness) say.ID {
	return map[service.Likeness]say.ID{
		service.Missing: say.FileMissing, service.Same: say.FileSame, service.Older: say.FileOlder, service.Foreign: say.FileForeign,
	}[is]
}
