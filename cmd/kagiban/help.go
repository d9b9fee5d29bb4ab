package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// help shows what can be typed at this point of the command line: a line on how,
// a line on what, the commands or the flags.
func help(w io.Writer, app *cli.App, c *call) error {
	about, how, commands, flags := app.Usage, " COMMAND", app.Commands, []cli.Flag(nil)
	text := ""
	if c.command != nil {
		about, how, commands, flags = c.command.Usage, "", c.command.Subcommands, c.command.Flags
		text = c.command.Description
		if len(commands) > 0 {
			how = " COMMAND"
		} else if c.command.ArgsUsage != "" {
			how = " " + c.command.ArgsUsage
		}
	}
	if len(flags) > 0 {
		how += " [flags]"
	}
	out := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(out, "usage: %s%s\n\n%s\n", c.path(), how, about)
	if text != "" {
		fmt.Fprintf(out, "\n%s\n", strings.TrimSpace(text))
	}
	if len(commands) > 0 {
		fmt.Fprintf(out, "\n")
		listCommands(out, strings.Join(append(c.names, ""), " "), commands)
	}
	listFlags(out, "flags", flags)
	listFlags(out, "everywhere", app.Flags)
	return out.Flush()
}

// listCommands lists commands, those of a group by their full names.
func listCommands(out io.Writer, prefix string, commands []*cli.Command) {
	for _, c := range commands {
		switch {
		case c.Hidden:
		case len(c.Subcommands) > 0:
			listCommands(out, prefix+c.Name+" ", c.Subcommands)
		default:
			fmt.Fprintf(out, "  %s\t%s\n", strings.TrimSpace(prefix+c.Name+" "+c.ArgsUsage), c.Usage)
		}
	}
}

// listFlags lists flags under a title.
func listFlags(out io.Writer, title string, flags []cli.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n", title)
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		names := make([]string, 0, 2)
		for _, name := range f.Names() {
			if len(name) == 1 {
				names = append([]string{"-" + name}, names...)
			} else {
				names = append(names, "--"+name)
			}
		}
		value, usage := placeholder(d)
		fmt.Fprintf(out, "  %s%s\t%s\n", strings.Join(names, ", "), value, usage)
	}
}

// placeholder takes the name of a flag's value out of its usage, where it stands
// between backquotes: "read it from `FILE`".
func placeholder(f cli.DocGenerationFlag) (value, usage string) {
	usage = f.GetUsage()
	if !f.TakesValue() {
		return "", usage
	}
	value = " VALUE"
	if _, after, found := strings.Cut(usage, "`"); found {
		name, _, _ := strings.Cut(after, "`")
		value, usage = " "+name, strings.ReplaceAll(usage, "`", "")
	}
	return value, usage
}
