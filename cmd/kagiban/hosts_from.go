package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/inventory"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
)

// wanted is a server that a person names: on the command line, or in a list.
type wanted struct {
	inventory.Host
	config string // -F for it
}

// called is how the person called it.
func (w wanted) called() string {
	if w.Name != "" {
		return w.Name
	}
	return w.Destination
}

// listLimit is how large a list of hosts may be, in bytes.
const listLimit = 4 << 20

// hostsToAdd are the arguments and what --from lists, each once.
func (p *program) hostsToAdd(c *cli.Context, from map[secret]prompt.Source) ([]wanted, error) {
	config := c.String("ssh-config")
	var all []wanted
	add := func(w wanted) {
		if !slices.ContainsFunc(all, func(x wanted) bool { return x.Name == w.Name && x.Destination == w.Destination && x.config == w.config }) {
			all = append(all, w)
		}
	}
	for _, arg := range c.Args().Slice() {
		if err := hostsetup.CheckDestination(arg); err != nil {
			return all, err
		}
		add(wanted{inventory.Host{Destination: arg}, config})
	}
	file := c.String("from")
	switch {
	case file == "" && len(all) == 0:
		return nil, say.Fail(say.MissingArgument, nil, "arg", "[USER@]HOST[:PORT], or --from FILE", "command", "kagiban host add")
	case file == "":
		return all, nil
	case file == "-" && slices.ContainsFunc([]secret{passphrase, identityPassphrase, password, sudoPassword}, func(s secret) bool { return from[s].Stdin() }):
		return all, say.Fail(say.StdinTwice, nil)
	}
	list, err := p.listed(c.Context, file)
	if err != nil {
		return all, err
	}
	if list.Aliases {
		config, err = aliasesOf(file, list.Runs, config)
	}
	for _, h := range list.Hosts {
		if err == nil {
			err = fit(h)
		}
		add(wanted{h, config})
	}
	if err == nil && len(all) == 0 {
		err = say.Fail(say.ListEmpty, nil, "file", file)
	}
	return all, err
}

// listed reads a list of hosts, and tells of what it leaves out.
func (p *program) listed(ctx context.Context, file string) (inventory.List, error) {
	folder, err := os.UserHomeDir()
	if err != nil {
		return inventory.List{}, err
	}
	in, name := p.stdin, "stdin"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return inventory.List{}, say.Fail(say.ListUnread, err, "error", err.Error())
		}
		defer f.Close()
		in, name = f, file
	}
	text, err := readAll(ctx, in, listLimit+1)
	switch {
	case ctx.Err() != nil:
		return inventory.List{}, ctx.Err()
	case err != nil:
		return inventory.List{}, say.Fail(say.ListUnread, err, "error", err.Error())
	case bytes.IndexByte(text, 0) >= 0: // a line of it would say nothing to anybody
		return inventory.List{}, say.Fail(say.ListUnread, nil, "error", name+" is no text")
	case len(text) > listLimit:
		return inventory.List{}, say.Fail(say.ListUnread, nil, "error", name+" is larger than a list of hosts can be")
	}
	list, err := inventory.Parse(name, text, folder)
	if err != nil {
		return list, say.Fail(say.ListWrong, err, "error", err.Error())
	}
	for _, note := range list.Notes {
		p.tell(say.ListNote, "where", note.Where, "what", note.What)
	}
	if list.Ansible {
		for _, beside := range []string{"group_vars", "host_vars"} {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), beside)); file != "-" && err == nil {
				p.tell(say.ListNote, "where", file, "what", filepath.Join(filepath.Dir(file), beside)+" is not read")
			}
		}
	}
	return list, nil
}

// readAll reads up to limit bytes, until ctx ends: stdin may be a terminal at which nobody types.
func readAll(ctx context.Context, r io.Reader, limit int64) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(r, limit))
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// aliasesOf is the -F by which ssh knows the aliases of an ssh_config that is a list; "" for the one that it reads by itself. A list must
// not run programs: one that does at the line runs is for the person to give to ssh by name, as config. Another file there would say what they stand for in
// place of the list, since ssh reads one.
func aliasesOf(file, runs, config string) (string, error) {
	if file == "-" {
		return "", say.Fail(say.ListAliases, nil)
	}
	folder, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	this, err := os.Stat(file)
	if err != nil {
		return "", say.Fail(say.ListUnread, err, "error", err.Error())
	}
	if config != "" {
		if given, err := os.Stat(config); err == nil && os.SameFile(this, given) {
			return config, nil
		}
		return "", say.Fail(say.ListConfig, nil, "file", file, "config", config)
	}
	var own fs.FileInfo
	if own, err = os.Stat(filepath.Join(folder, ".ssh", "config")); err == nil && os.SameFile(this, own) {
		return "", nil
	}
	if runs != "" {
		return "", say.Fail(say.ListRuns, nil, "where", runs, "file", file)
	}
	return filepath.Abs(file)
}

// fit refuses what could not be a host, or its name here.
func fit(h inventory.Host) error {
	err := hostsetup.CheckDestination(h.Destination)
	if err == nil && h.Name != "" {
		err = checkAlias(h.Name)
	}
	if err == nil {
		return nil
	}
	return say.Fail(say.ListWrong, err, "error", h.Where+": "+err.Error())
}
