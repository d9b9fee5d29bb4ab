package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

func sshAgentCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:            "ssh-agent",
		Usage:           "a new, empty agent with ssh-agent's own flags, for what expects that program",
		Description:     "It has no vault and keeps nothing. So does this program under the name ssh-agent, by a link or a copy.\n" + sshAgentUsage,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			err := p.sshAgent(c.Context, c.Args().Slice())
			var end *sshAgentEnd
			if !errors.As(err, &end) {
				return err
			}
			fmt.Fprint(p.stderr, end.text)
			return exitStatus(end.code)
		},
	}
}

// sshAgentUsage is ssh-agent's own (OpenSSH 10.5).
const sshAgentUsage = `usage: ssh-agent [-c | -s] [-DdTU] [-a bind_address] [-E fingerprint_hash]
                 [-O option] [-P allowed_providers] [-t life]
       ssh-agent [-TU] [-a bind_address] [-E fingerprint_hash] [-O option]
                 [-P allowed_providers] [-t life] command [arg ...]
       ssh-agent [-c | -s] -k
       ssh-agent -u
       ssh-agent -V
`

// calledSSHAgent tells whether the program was called by the name of the one that
// it stands in for.
func calledSSHAgent(args []string) bool {
	return len(args) > 0 && strings.TrimSuffix(filepath.Base(args[0]), ".exe") == "ssh-agent"
}

// sshAgentEnd is how ssh-agent ends: what it says on stderr, and its exit code.
// Its words are ssh-agent's own wherever that has some: programs read them.
type sshAgentEnd struct {
	code int
	text string
}

func (e *sshAgentEnd) Error() string { return e.text }

func endSSHAgent(code int, format string, values ...any) error {
	return &sshAgentEnd{code, fmt.Sprintf(format, values...) + "\n"}
}

// misused is the end of a call that ssh-agent would not understand.
func misused(why string) error {
	if why != "" {
		why += "\n"
	}
	return &sshAgentEnd{1, why + sshAgentUsage}
}

// fatal is the code of ssh-agent's errors that it does not expect.
const fatal = 255

// sshAgent stands in for ssh-agent(1). args are without the program's name.
func (p *program) sshAgent(ctx context.Context, args []string) error {
	o, err := parseSSHAgent(args)
	if err != nil {
		return err
	}
	return p.runSSHAgent(ctx, o)
}
