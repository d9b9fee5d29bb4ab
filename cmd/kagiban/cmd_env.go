package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func envCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "env",
		Usage:       "print SSH_AUTH_SOCK for this shell",
		Description: "In a shell's start-up file:\n  eval \"$(kagiban env --shell sh)\"\n  kagiban env --shell fish | source",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "shell", Usage: "write for `SHELL`: sh, csh, fish or powershell (without it: what $SHELL names)"},
		},
		Action: func(c *cli.Context) error {
			h, err := p.home()
			if err != nil {
				return err
			}
			if err := h.CheckSockets(); err != nil {
				return err
			}
			shell := c.String("shell")
			if shell == "" {
				shell = shellOf(p.getenv("SHELL"))
			}
			line, err := setVariable(shell, "SSH_AUTH_SOCK", h.AgentSocket())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, line)
			return err
		},
	}
}

// shellOf names the kind of the user's login shell; sh when it is not known, as
// ssh-agent(1) does.
func shellOf(program string) string {
	switch name := filepath.Base(program); {
	case runtime.GOOS == "windows" && program == "":
		return "powershell"
	case name == "fish":
		return "fish"
	case strings.HasSuffix(name, "csh"):
		return "csh"
	}
	return "sh"
}

// setVariable is the line that sets and exports an environment variable.
func setVariable(shell, name, value string) (string, error) {
	switch shell {
	case "sh", "bash", "zsh", "dash", "ksh":
		return fmt.Sprintf("%s=%s; export %s;", name, quote(value, `'\''`), name), nil
	case "csh", "tcsh":
		return fmt.Sprintf("setenv %s %s;", name, strings.ReplaceAll(quote(value, `'\''`), "!", `\!`)), nil
	case "fish":
		return fmt.Sprintf("set -gx %s %s;", name, quote(strings.ReplaceAll(value, `\`, `\\`), `\'`)), nil
	case "powershell", "pwsh":
		return fmt.Sprintf("$env:%s = %s", name, quote(value, "''")), nil
	}
	return "", say.Fail(say.BadShell, nil, "shell", shell)
}

// quote puts value between single quotes, and in place of one inside it escaped.
func quote(value, escaped string) string {
	return "'" + strings.ReplaceAll(value, "'", escaped) + "'"
}
