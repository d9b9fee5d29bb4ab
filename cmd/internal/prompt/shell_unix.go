//go:build unix

package prompt

import (
	"context"
	"os/exec"
)

// shell runs a command line as the user's shell would.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}
