package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"kagiban/cmd/internal/say"
)

func envCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: "print SSH_AUTH_SOCK for this shell",
		Description: "In a shell's start-up file:\n  eval \"$(kagiban env --shell sh)\"\n  kagiban env --shell fish | source\n  kagiban env --shell powershell | Invoke-Expression\n" +
			"At a command prompt of Windows (in a .cmd file %%i):\n  for /f \"delims=\" %i in ('kagiban env --shell cmd') do @call %i\n" +
			"--ssh-config is for programs that no shell starts: its line belongs at the top of ssh's configuration.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "shell", Usage: "write for `SHELL`: sh, csh, fish, powershell or cmd (without it: what $SHELL names)"},
			&cli.BoolFlag{Name: "ssh-config", Usage: "print ssh's IdentityAgent line instead"},
		},
		Action: func(c *cli.Context) error {
			h, err := p.home()
			if err != nil {
				return err
			}
			if err := h.CheckSockets(); err != nil {
				return err
			}
			if c.Bool("ssh-config") {
				_, err := fmt.Fprintln(p.stdout, identityAgent(h.AgentSocket()))
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
			if _, err = fmt.Fprintln(p.stdout, line); err != nil || !isTerminal(p.stdout) {
				return err
			}
			if view, err := p.lookAtAgent(); err == nil { // a person is looking
				p.tellDoors(view.status.Doors)
			}
			return nil
		},
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// identityAgent is the line of ssh_config(5) that names a socket. Windows' ssh takes pipes with either slash, and quotes make a sign of the
// other one; a percent sign would begin a token.
func identityAgent(path string) string {
	if strings.HasPrefix(path, `\\.\pipe\`) {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	return `IdentityAgent "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(path) + `"`
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
	case "cmd":
		return fmt.Sprintf(`set "%s=%s"`, name, value), nil
	}
	return "", say.Fail(say.BadShell, nil, "shell", shell)
}

// quote puts value between single quotes, and in place of one inside it escaped.
func quote(value, escaped string) string {
	return "'" + strings.ReplaceAll(value, "'", escaped) + "'"
}
