package main

import (
	"fmt"

	"kagiban/agent/door"
)

// The same names as in here_unix.go.

const useEnv = `kagiban env --shell powershell | Invoke-Expression   (in cmd: for /f "delims=" %i in ('kagiban env --shell cmd') do @call %i)`

const usualSocket = door.OpenSSHPipe

func withSocket(path, command string) string {
	return fmt.Sprintf(`$env:SSH_AUTH_SOCK = %s; %s   (in cmd: set "SSH_AUTH_SOCK=%s" && %[2]s)`, quote(path, "''"), command, path)
}
