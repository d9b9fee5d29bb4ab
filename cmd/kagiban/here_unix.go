//go:build unix

package main

// useEnv makes the shell that somebody types in use our agent.
const useEnv = `eval "$(kagiban env)"`

// usualSocket is where ssh looks for an agent where SSH_AUTH_SOCK names none.
const usualSocket = ""
