package service

import (
	"context"
	"strings"
)

// runKeyPath and runKeyName are where Windows finds what it starts when this user logs in. It takes no right to write there.
const (
	runKeyPath = `Software\Microsoft\Windows\CurrentVersion\Run`
	runKeyName = "kagiban-agent"
)

// runKey is the value of the user's Run key that starts the agent, in the environment that the user has there at login. A value has no
// place for a checksum; it is ours by its name and by what it starts.
type runKey struct{}

func (runKey) files(spec Spec) ([]File, error) {
	text, err := render("runkey.txt", spec)
	return []File{{Path: `HKCU\` + runKeyPath + `\` + runKeyName, Text: strings.TrimSpace(text)}}, err
}

func (runKey) program(text string) string {
	if program, ok := strings.CutSuffix(text, `" agent start`); ok {
		return strings.TrimPrefix(program, `"`)
	}
	return ""
}

func (runKey) ready(context.Context) error { return runKeyReady() }

// look: whether it runs is for its sockets to say.
func (runKey) look(_ context.Context, state *State) error {
	state.Enabled = state.Installed()
	state.Active = state.Enabled
	return nil
}

func (runKey) start(context.Context, []string) error { return nil }
func (runKey) stop(context.Context) error            { return nil }
func (runKey) removed(context.Context) error         { return nil }
func (runKey) read(string) (string, error)           { return readRunKey() }
func (runKey) write(_, text string) error            { return writeRunKey(text) }
func (runKey) remove(string) error                   { return removeRunKey() }
