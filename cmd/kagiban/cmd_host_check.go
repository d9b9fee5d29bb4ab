package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

func hostCheckCommand(p *program) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "deep", Usage: "ask for a name that does not exist, too: at most once in ten minutes, since who watches the door counts that"},
		jsonFlag(),
	}
	return &cli.Command{
		Name:      "check",
		Usage:     "is it still key-only? Changes nothing",
		ArgsUsage: "[HOST...]",
		Description: "It asks each server what it offers to the login user and root, wherever an SSH server listens. Then it logs in by this client's\n" +
			"key, becomes root where it can, and asks sshd about each account with a shell. Each problem has a cause and what mends it.\n" +
			"Without root it says so, and does not call the server key-only.\n" +
			"Exit: 0 key-only · 1 not reached · 4 not key-only, or not all could be looked at.",
		Flags:  append(flags, visitFlags()...),
		Action: func(c *cli.Context) error { return p.hostCheck(c) },
	}
}

// checkedProblem is one problem of a host, as --json shows it.
type checkedProblem struct {
	ID     string  `json:"id"`
	Detail string  `json:"detail"`
	Fix    *string `json:"fix"` // nil: it was said with the error
}

type checkedHost struct {
	Name     string           `json:"name"`
	KeyOnly  bool             `json:"key_only"`
	Methods  []string         `json:"methods"`
	Problems []checkedProblem `json:"problems"`

	seen, open, sole bool // it was reached; something typed opens it; only one key is known to
}

// mostChecks is how many servers are looked at at once.
const mostChecks = 16

func (p *program) hostCheck(c *cli.Context) error {
	v, err := p.newVisits(c)
	if err != nil {
		return err
	}
	v.json = c.Bool("json")
	names, err := v.names(c.Args().Slice())
	if err != nil {
		return err
	}
	var out struct {
		Hosts []checkedHost `json:"hosts"`
	}
	if len(names) == 0 {
		if v.json {
			if err := writeJSON(p.stdout, out); err != nil {
				return err
			}
		}
		return say.Fail(say.NoHosts, nil) // a check of nothing must not pass for ever
	}
	out.Hosts = make([]checkedHost, len(names))
	codes := several(c.Context, names, mostChecks, func(i int, name string) int {
		checked, err := p.checkOne(c, v, name)
		code := say.ExitDone
		switch {
		case err != nil:
			e := say.ForHost(name, err)
			fmt.Fprintln(p.stderr, renderAmong(len(names), name, e))
			checked.Problems = append(checked.Problems, checkedProblem{ID: string(e.ID), Detail: say.Text(e.ID, e.Fields)})
			code = say.ExitCode(e.ID)
		case !checked.KeyOnly:
			code = say.ExitProblem
		}
		out.Hosts[i] = checked
		return code
	})
	if c.Context.Err() != nil {
		return c.Context.Err()
	}
	if v.json {
		err = writeJSON(p.stdout, out)
	} else {
		err = p.showChecked(out.Hosts)
	}
	if err != nil {
		return err
	}
	p.showProblems(out.Hosts)
	return p.endOfSeveral(codes)
}

// names are those of the command line, all of the book if there are none, each once.
func (v *visits) names(named []string) ([]string, error) {
	if len(named) == 0 {
		hosts, err := v.book.Hosts()
		for _, h := range hosts {
			named = append(named, h.Name)
		}
		return named, err
	}
	var names []string
	for _, name := range named {
		if page, err := v.book.Find(name); err == nil {
			name = page.Name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (p *program) checkOne(c *cli.Context, v *visits, name string) (checkedHost, error) {
	checked := checkedHost{Name: name}
	page, err := v.book.Find(name)
	if err != nil {
		return checked, err
	}
	o := hostsetup.CheckOptions{Deep: c.Bool("deep")}
	if o.Options, err = v.to(c.Context, page); err != nil {
		if o.Target.Name == "" || errors.Is(err, context.Canceled) || errors.Is(err, prompt.ErrInterrupted) {
			return checked, err
		}
		id, fields := say.Of(err) // the server can be asked what it offers all the same
		o.NoKey = say.Text(id, fields)
	}
	o.Steps = nil // they would be a hundred lines
	health, err := hostsetup.Check(c.Context, o)
	if err != nil {
		return checked, err
	}
	checked.KeyOnly, checked.Methods, checked.seen, checked.open = health.KeyOnly, health.Methods, true, health.Open
	for _, problem := range health.Problems {
		detail, fix := say.Problem(problem)
		checked.Problems = append(checked.Problems, checkedProblem{problem.ID, detail, some(fix)})
	}
	err = v.book.Update(c.Context, page.Name, func(h *book.Host) error {
		for _, key := range h.Proved { // of another command, meanwhile
			if !slices.Contains(page.Proved, key) && !slices.Contains(health.Proved, key) {
				health.Proved = append(health.Proved, key)
			}
		}
		h.Proved = health.Proved
		if health.KeyOnly || health.Open { // else it is not known any better than before
			h.KeyOnly, h.CheckedAt = health.KeyOnly, *utc(p.now())
		}
		checked.sole = soleKey(*h)
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%s was looked at, but what was seen is not remembered: %w", page.Name, err)
	}
	return checked, err
}

func (p *program) showChecked(hosts []checkedHost) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, h := range hosts {
		state := "NOT key-only"
		switch {
		case h.KeyOnly:
			state = "key-only"
		case !h.seen:
			state = "not checked"
		case !h.open:
			state = "not all seen"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", h.Name, state, cmp.Or(strings.Join(h.Methods, ", "), "-"))
	}
	return w.Flush()
}

// showProblems says what is wrong, and what mends it. What kept a server from being looked at at all was said.
func (p *program) showProblems(hosts []checkedHost) {
	var sole []string
	for _, h := range hosts {
		for _, problem := range h.Problems {
			if problem.Fix != nil {
				fmt.Fprintln(p.stderr, say.Text(say.ProblemOf, say.Fields{"host": h.Name, "detail": problem.Detail}))
				fmt.Fprintln(p.stderr, "  "+say.Text(say.ProblemNext, say.Fields{"fix": *problem.Fix}))
			}
		}
		if h.sole {
			sole = append(sole, h.Name)
		}
	}
	p.saySole(sole)
}

// soleKey tells whether a server is closed to passwords, and one key is all that was ever seen to open it.
func soleKey(h book.Host) bool {
	others := slices.DeleteFunc(slices.Clone(h.Proved), func(key string) bool { return key == h.Fingerprint })
	return h.KeyOnly && len(others) == 0
}

// soleHosts are the names of such servers.
func soleHosts(hosts []book.Host) []string {
	var names []string
	for _, h := range hosts {
		if soleKey(h) {
			names = append(names, h.Name)
		}
	}
	return names
}

// soleText warns of servers that one key alone opens, and says what makes it two.
func soleText(names []string) (warning, next string) {
	warning, _, next = say.Parts(say.OneKeyOnly, say.Fields{"host": strings.Join(names, ", "), "hosts": strings.Join(names, " ")})
	return warning, next
}

// saySole tells both.
func (p *program) saySole(names []string) {
	if len(names) > 0 {
		warning, next := soleText(names)
		fmt.Fprintln(p.stderr, warning)
		p.tellNext(next)
	}
}
