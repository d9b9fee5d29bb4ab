package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
)

// startPatience is how long an agent may take to begin, and to end.
const startPatience = 10 * time.Second

func agentStartCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "start",
		Usage:       "start the agent in the background",
		Description: "It returns when its doors are open. An agent that runs already is left alone.",
		Action:      func(c *cli.Context) error { return p.agentStart(c.Context) },
	}
}

func (p *program) agentStart(ctx context.Context) error {
	h, err := p.agentHome()
	if err != nil {
		return err
	}
	if status, err := answering(h); err == nil {
		p.tell(say.AgentRuns, "pid", strconv.Itoa(status.PID))
		return nil
	} else if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	status, started, err := p.startAgent(ctx, h)
	if err != nil {
		return err
	}
	id := say.AgentStarted
	if !started {
		id = say.AgentRuns // somebody else was faster
	}
	p.tell(id, "pid", strconv.Itoa(status.PID))
	if !status.CanAsk {
		p.tell(say.AgentCannotAsk, "ways", say.NoWays())
		p.tellNext("kagiban unlock", "kagiban agent prompt-here   (in a terminal of its own, which is then asked)")
	}
	p.tellShut(status.Doors)
	if !p.asksOurs() {
		p.tellNext(useEnv)
	}
	return nil
}

// startAgent starts this program once more, on its own, and waits until it answers.
// started is false if it is another one that answers.
func (p *program) startAgent(ctx context.Context, h home.Home) (status control.Status, started bool, err error) {
	log, err := openLog(h.Log())
	if err != nil {
		return status, false, err
	}
	defer log.Close()
	child, err := agentProcess(log.file, filepath.Dir(h.Log()))
	if err != nil {
		return status, false, err
	}
	if err := child.Start(); err != nil {
		return status, false, say.Fail(say.AgentNotStarted, err, "error", err.Error())
	}
	dead := make(chan error, 1)
	go func() { dead <- child.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if status, err = answering(h); err == nil {
			return status, status.PID == child.Process.Pid, nil
		}
		select {
		case end := <-dead:
			if status, err = answering(h); err == nil {
				return status, false, nil
			}
			return status, false, notStarted(h, end, log.size)
		case <-ctx.Done():
			child.Process.Kill()
			return status, false, notStarted(h, ctx.Err(), log.size)
		case <-time.After(pause):
		}
	}
}

// notStarted says why an agent did not begin, as far as its log knows.
func notStarted(h home.Home, end error, logFrom int64) error {
	if errors.Is(end, context.Canceled) {
		return end
	}
	why := cmp.Or(logTail(h.Log(), logFrom), fmt.Sprint(end))
	if errors.Is(end, context.DeadlineExceeded) {
		return say.Fail(say.AgentSilent, end, "seconds", strconv.Itoa(int(startPatience.Seconds())), "log", why)
	}
	return say.Fail(say.AgentNotStarted, end, "error", why)
}

// agentProcess is `kagiban agent run`, away from this terminal. Nothing secret is
// in its arguments, and its environment is ours: it needs what askpass needs.
func agentProcess(log *os.File, folder string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.Command(windowless(self), "agent", "run")
	child.Env = wipingEnv()
	if dir := os.Getenv("KAGIBAN_HOME"); dir != "" {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, err
		}
		child.Env = append(child.Env, "KAGIBAN_HOME="+dir) // the last one counts
	}
	child.Dir = folder // not where the user stands: that may be a disk to be taken out
	child.Stdout, child.Stderr = log, log
	toBackground(child)
	return child, nil
}

// answering is the status of an agent that is ready: its own socket answers, too, which openDoors makes last.
func answering(h home.Home) (control.Status, error) {
	c, err := control.Dial(h.ControlSocket(), door.Dial)
	if err != nil {
		return control.Status{}, err
	}
	defer c.Close()
	status, err := c.Status()
	if err != nil {
		return status, err
	}
	conn, err := door.Dial(h.AgentSocket())
	if errors.Is(err, fs.ErrNotExist) {
		return status, fmt.Errorf("%w yet: %w", control.ErrNotRunning, err)
	}
	if err != nil {
		return status, err
	}
	return status, conn.Close()
}
