package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

// commands is the command line. A group is a command with subcommands.
func commands(p *program) []*cli.Command {
	return []*cli.Command{
		initCommand(p),
		statusCommand(p),
		doctorCommand(p),
		keyCommand(p),
		unlockCommand(p),
		lockCommand(p),
		agentCommand(p),
		serviceCommand(p),
		envCommand(p),
		sshAgentCommand(p),
		logCommand(p),
		hostCommand(p),
		revokeCommand(p),
		rotateCommand(p),
		versionCommand(p),
	}
}

// group makes a command that only holds others.
func group(name, usage string, subcommands ...*cli.Command) *cli.Command {
	return &cli.Command{Name: name, Usage: usage, Subcommands: subcommands}
}

// newApp makes the application and puts every one of its commands under the rules
// of the house: the library prints nothing, answers no help, exits nowhere, and no
// action sees an argument that looks like a flag.
func newApp(p *program, commands []*cli.Command) *cli.App {
	app := &cli.App{
		Name:      "kagiban",
		Usage:     "one SSH key per computer, and servers that take keys only",
		Commands:  commands,
		Reader:    p.stdin,
		Writer:    io.Discard,
		ErrWriter: io.Discard,
		HideHelp:  true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say more, on stderr"},
			&cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help"},
			&cli.BoolFlag{Name: "version", Usage: "show the version"},
		},
		HideVersion:     true,
		ExitErrHandler:  func(*cli.Context, error) {},
		CommandNotFound: func(*cli.Context, string) {},
		Before: func(c *cli.Context) error {
			if c.Bool("verbose") {
				p.verbose.Set(slog.LevelDebug)
			}
			return nil
		},
		InvalidFlagAccessHandler: func(c *cli.Context, name string) {
			panic(fmt.Sprintf("command %q has no flag %q", c.Command.Name, name))
		},
	}
	app.OnUsageError = badValue(app.Name)
	houseRules(app.Name, app.Commands)
	return app
}

// houseRules prepares commands, and those below them, under the name path.
func houseRules(path string, commands []*cli.Command) {
	for _, c := range commands {
		full := path + " " + c.Name
		c.HideHelp, c.HideHelpCommand = true, true
		c.OnUsageError = badValue(full)
		if c.Action != nil && !c.SkipFlagParsing {
			c.Action = guarded(full, c)
		}
		houseRules(full, c.Subcommands)
	}
}

// badValue makes a usage error of what the library says about a flag's value.
func badValue(command string) cli.OnUsageErrorFunc {
	return func(_ *cli.Context, err error, _ bool) error {
		return say.Fail(say.BadFlagValue, err, "error", err.Error(), "command", command)
	}
}

// guarded refuses arguments that begin with a dash, whoever let them pass: the
// library takes a flag after an argument for an argument, and `host add vps1
// --dry-run` must never run without --dry-run. A lone dash means stdin, where
// the command says that it takes one.
func guarded(path string, c *cli.Command) cli.ActionFunc {
	action, lone := c.Action, strings.Contains(c.ArgsUsage, "|-")
	return func(ctx *cli.Context) error {
		for _, arg := range ctx.Args().Slice() {
			if strings.HasPrefix(arg, "-") && !(arg == "-" && lone) {
				return say.Fail(say.DashArgument, nil, "arg", arg, "command", path)
			}
		}
		return action(ctx)
	}
}

// completionFlag is what the shells' completion scripts append.
const completionFlag = "--generate-bash-completion"

// dispatch understands the whole of args, and only then lets the command run.
func (p *program) dispatch(ctx context.Context, app *cli.App, args []string) error {
	if slices.Contains(args, completionFlag) {
		return nil // a completion request must never run an action
	}
	call, err := permute(app, args)
	if err != nil {
		return err
	}
	switch {
	case call.help:
		return help(p.stdout, app, call)
	case call.version:
		return app.RunContext(ctx, []string{app.Name, "version"})
	case call.command == nil || len(call.command.Subcommands) > 0:
		if err := help(p.stderr, app, call); err != nil {
			return err
		}
		return exitStatus(say.ExitUsage)
	}
	return call.asWritten(app.RunContext(ctx, call.argv()))
}
