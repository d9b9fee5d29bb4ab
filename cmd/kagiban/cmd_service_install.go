package main

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/say"
	"kagiban/cmd/internal/service"
)

func serviceInstallCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "install",
		Usage: "have the agent there at every login",
		Description: "On Windows it is a value of the Run key, which starts the agent at login. On Linux systemd's user manager holds the sockets, and starts the agent at their first use; programs that a desktop\n" +
			"starts find SSH_AUTH_SOCK set (systemctl --user set-environment). What is as it should be is left alone: it can be run again after\n" +
			"every update. The home is this one: KAGIBAN_HOME, or the XDG folders, as they are set here.",
		Flags:  []cli.Flag{forceFlag()},
		Action: func(c *cli.Context) error { return p.serviceInstall(c.Context, c.Bool("force")) },
	}
}

func (p *program) serviceInstall(ctx context.Context, force bool) error {
	s, err := p.service()
	if err != nil {
		return err
	}
	state, err := s.State(ctx)
	if err != nil {
		return err
	}
	if err := p.nobodyThere(state); err != nil {
		return err
	}
	if _, err := p.agentHome(); err != nil {
		return err
	}
	wrote, done, err := s.Install(ctx, force)
	for _, path := range wrote {
		p.tell(say.ServiceWrote, "path", path)
	}
	switch {
	case err != nil:
		return err
	case !done:
		p.tell(say.ServiceThere)
	case runtime.GOOS == "linux":
		p.tell(say.ServiceInstalled)
	default:
		p.tell(say.ServiceStarted)
	}
	if after, err := s.State(ctx); err == nil && after.Running && state.Running && len(wrote) > 0 {
		p.tell(say.ServiceOldAgent)
		p.tellNext("kagiban agent stop")
	}
	p.tellWindows()
	if !p.asksOurs() {
		if runtime.GOOS == "linux" {
			p.tell(say.ServiceSessions)
		}
		p.tellNext(useEnv)
	}
	return nil
}

// tellWindows tells what at a login to Windows will not be as it is here.
func (p *program) tellWindows() {
	if runtime.GOOS != "windows" {
		return
	}
	if self, err := programPath(); err == nil && windowless(self) == self && !strings.EqualFold(filepath.Base(self), "kagibanw.exe") {
		p.tell(say.ServiceWindow, "folder", filepath.Dir(self))
	}
	if dir := p.getenv("KAGIBAN_HOME"); dir != "" && !strings.EqualFold(service.AtLogin("KAGIBAN_HOME"), dir) {
		p.tell(say.ServiceHome)
		p.tellNext(`setx KAGIBAN_HOME "` + dir + `"`)
	}
}

// nobodyThere says that no agent has the sockets which the service did not start: systemd would take them from it, and
// launchd would try to start another one for ever.
func (p *program) nobodyThere(state service.State) error {
	if state.Active && state.Current() || runtime.GOOS == "windows" { // all is as it should be; Windows takes nothing from anybody
		return nil
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	view, err := p.lookAtAgent()
	switch {
	case view.running && err == nil && (view.status.Activated || runtime.GOOS == "darwin" && state.Running):
		return nil
	case view.running && err == nil:
		return say.Fail(say.AgentByHand, nil, "pid", strconv.Itoa(view.status.PID))
	case err != nil && !errors.Is(err, control.ErrNotRunning):
		return err
	}
	conn, err := door.Dial(h.AgentSocket())
	if err != nil {
		return nil
	}
	conn.Close()
	return say.Fail(say.SocketTaken, nil, "path", h.AgentSocket(), "folder", filepath.Dir(h.AgentSocket()))
}
