package service

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// runCommand runs a program of the system and gives what it printed. The error is a *CommandError.
func runCommand(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, talk strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		return out.String(), &CommandError{Command: name + " " + strings.Join(args, " "), Output: strings.TrimSpace(talk.String()), Err: err}
	}
	return out.String(), nil
}

// unavailable makes of a failed command the word that nobody is there to be asked.
func unavailable(what string, err error) error {
	if failed := new(CommandError); errors.As(err, &failed) && failed.Output != "" {
		return &UnavailableError{what + " (" + failed.Output + ")"}
	}
	return &UnavailableError{what + " (" + err.Error() + ")"}
}
