package main

import "kagiban/agent/door"

// The same names as in here_unix.go.

const useEnv = `kagiban env --shell powershell | Invoke-Expression   (in cmd: for /f "delims=" %i in ('kagiban env --shell cmd') do @call %i)`

const usualSocket = door.OpenSSHPipe
