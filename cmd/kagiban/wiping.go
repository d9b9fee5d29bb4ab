package main

import (
	"os"
	"slices"
	"strings"

	"kagiban/agent"
)

const goDebug = "GODEBUG"

// wipingEnv is the environment for a process that holds keys: what an agent's is, and that
// the Go runtime overwrites what it frees, which it reads there when the process begins.
func wipingEnv() []string {
	settings := agent.Wiping
	if had := os.Getenv(goDebug); had != "" {
		settings = had + "," + settings // the last ones count
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, goDebug+"=") })
	return append(env, goDebug+"="+settings)
}

// wipes tells whether this process began so. The programs that it starts get the environment that its caller gave it.
func wipes() bool {
	had, wiping := strings.CutSuffix(os.Getenv(goDebug), agent.Wiping)
	if wiping {
		had = strings.TrimSuffix(had, ",")
		if had == "" {
			os.Unsetenv(goDebug)
		} else {
			os.Setenv(goDebug, had)
		}
	}
	return wiping
}
