package prompt

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// shell runs a command line as cmd.exe reads it: it takes away the first and the last quotation mark and nothing else (cmd /?, /S), and
// would not understand the marks that other programs want theirs escaped by. What its registry has it run first (/D) would be in the
// answer. Where we have no console it gets none that would be seen.
func shell(ctx context.Context, line string) *exec.Cmd {
	name := "cmd.exe"
	if system, err := windows.GetSystemDirectory(); err == nil {
		name = filepath.Join(system, name) // not one that lies in the folder where we happen to be
	}
	cmd := exec.CommandContext(ctx, name)
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /D /S /C "` + line + `"`}
	if !haveTerminal(ttyPath) {
		cmd.SysProcAttr.CreationFlags = windows.CREATE_NO_WINDOW
	}
	return cmd
}
