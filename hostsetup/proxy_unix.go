//go:build unix

package hostsetup

import (
	"os"
	"syscall"
)

// shellWords run a ProxyCommand as ssh(1) does.
func shellWords(shell, command string) []string {
	if shell == "" {
		shell = "/bin/sh"
	}
	return []string{shell, "-c", "exec " + command}
}

// deaf lets a program, which keeps what it inherits, pass over the signals that a terminal sends to all.
func deaf(words []string) []string {
	return append([]string{"/bin/sh", "-c", `trap "" INT HUP; exec "$@"`, "sh"}, words...)
}

// askToEnd leaves ssh the time to put a terminal right that it has silenced for a passphrase.
func askToEnd(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
