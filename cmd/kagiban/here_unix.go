//go:build unix

package main

import "kagiban/cmd/internal/say"

// useEnv makes the shell that somebody types in use our agent.
const useEnv = `eval "$(kagiban env)"`

// usualSocket is where ssh looks for an agent where SSH_AUTH_SOCK names none.
const usualSocket = ""

// withSocket is a command that asks the agent at path, whatever SSH_AUTH_SOCK is.
func withSocket(path, command string) string {
	return "SSH_AUTH_SOCK=" + say.Quote(path) + " " + command
}
