package service

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"unicode/utf16"
)

// runKeyPath and runKeyName are where Windows finds what it starts when this user logs in. It takes no right to write there.
const (
	runKeyPath = `Software\Microsoft\Windows\CurrentVersion\Run`
	runKeyName = "kagiban-agent"
	// runKeyLimit is how long such a command may be ("Run and RunOnce Registry Keys").
	runKeyLimit = 260
)

// notRunning is the code with which kagiban ends when there is no agent to stop.
const notRunning = 3

// runKey is the value of the user's Run key that starts the agent, in the environment that the user has there at login. A value has no
// place for a checksum; it is ours by its name and by what it starts.
type runKey struct {
	runCommand func(ctx context.Context, name string, args ...string) (string, error)
	starts     string // the program
}

func (r *runKey) files(spec Spec) ([]File, error) {
	r.starts = spec.Program
	text, err := render("runkey.txt", spec)
	if text = strings.TrimSpace(text); len(utf16.Encode([]rune(text))) > runKeyLimit {
		return nil, &PathError{spec.Program, "is too long for the Run key, which takes " + strconv.Itoa(runKeyLimit) + " characters"}
	}
	return []File{{Path: `HKCU\` + runKeyPath + `\` + runKeyName, Text: text}}, err
}

// instead is a task, for those who keep what starts at login there: "schtasks /create /xml". Its agent is started again when it fails.
func (*runKey) instead(spec Spec) ([]File, error) {
	text, err := render("task.xml", spec)
	return []File{{Path: runKeyName + ".xml", Text: text}}, err
}

func (*runKey) program(text string) string {
	if program, ok := strings.CutSuffix(text, `" agent start`); ok {
		return strings.TrimPrefix(program, `"`)
	}
	return ""
}

func (*runKey) ready(context.Context) error { return runKeyReady() }

// look: whether it runs is for its sockets to say.
func (*runKey) look(_ context.Context, state *State) error {
	off, err := turnedOff()
	state.Enabled = state.Installed() && !off
	state.Active = state.Enabled
	return err
}

// start does now what Windows will do at login.
func (r *runKey) start(ctx context.Context, _ []string) error {
	if err := turnOn(); err != nil {
		return err
	}
	_, err := r.runCommand(ctx, r.starts, "agent", "start")
	return err
}

// stop: where the agent does not run there is nothing to do.
func (r *runKey) stop(ctx context.Context) error {
	_, err := r.runCommand(ctx, r.starts, "agent", "stop")
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) && ended.ExitCode() == notRunning {
		return nil
	}
	return err
}

func (*runKey) removed(context.Context) error { return nil }
func (*runKey) read(string) (string, error)   { return readRunKey() }
func (*runKey) write(_, text string) error    { return writeRunKey(text) }
func (*runKey) remove(string) error           { return removeRunKey() }
