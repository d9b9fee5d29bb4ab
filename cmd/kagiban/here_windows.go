package main

import "kagiban/agent/door"

// The same names as in here_unix.go.

const useEnv = `kagiban env --shell powershell | Invoke-Expression`

const usualSocket = door.OpenSSHPipe
