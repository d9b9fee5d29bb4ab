package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
)

func agentRunCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run the agent in this terminal, which is asked for passphrases",
		Description: "It ends with Ctrl-C, SIGTERM, SIGHUP or `kagiban agent stop`, and takes its sockets away. SIGUSR1 drops all keys,\n" +
			"as ssh-add -D does. What it has to say goes to its log; with -v, to stderr as well. Sockets that systemd holds for it\n" +
			"(sd_listen_fds(3)) are taken over, and left there at the end.",
		Action: func(c *cli.Context) error { return p.agentRun(c.Context) },
	}
}

// agentRun serves until ctx ends or a client asks for the end. That is no failure,
// whichever it is.
func (p *program) agentRun(ctx context.Context) error {
	unwiped := beginWiping()
	h, err := p.agentHome()
	if err != nil {
		return err
	}
	file, err := openLog(h.Log())
	if err != nil {
		return err
	}
	defer file.Close()
	log := p.agentLog(file)
	if err := errors.Join(agent.Harden(), unwiped); err != nil {
		log.Warn("less protected than it could be", "error", err)
	}
	terminals := new(control.Terminals)
	uses := newUses(h, log)
	l := p.newLocking(log)
	a, err := p.newAgent(log, terminals, uses, l.idle)
	if err != nil {
		return err
	}
	defer l.begin(ctx, a)()
	doors, err := openDoors(h, log)
	if err != nil {
		return err
	}
	defer doors.close()
	defer uses.Close() // whoever has the doors after us goes on in its file
	defer a.RecordRest()
	if err := uses.Open(); err != nil {
		log.Error("uses of keys cannot be recorded", "error", err)
	}
	log.Info("the agent begins", "pid", os.Getpid(), "socket", h.AgentSocket(), "version", version)
	p.tell(say.AgentRunsHere, "socket", h.AgentSocket())
	p.tellDoors(doors.report())
	a.Begun()
	if err := doors.serve(ctx, a, terminals, &sockets{home: h, agent: a, log: log}, l); err != nil {
		log.Error("the agent fails", "error", err)
		return err
	}
	log.Info("the agent ends")
	return nil
}

// agentHome is the home with all that an agent needs in it: paths that fit a socket, and folders.
func (p *program) agentHome() (home.Home, error) {
	h, err := p.home()
	if err == nil {
		err = h.CheckSockets()
	}
	if err == nil {
		if err = h.Make(); err != nil {
			err = fmt.Errorf("the agent did not begin, and no key was touched: %w", err)
		}
	}
	return h, err
}

// agentLog writes to the log file, and with -v to stderr too.
func (p *program) agentLog(file io.Writer) *slog.Logger {
	toFile := slog.NewTextHandler(file, &slog.HandlerOptions{Level: min(slog.LevelInfo, p.verbose.Level())})
	if p.verbose.Level() > slog.LevelDebug {
		return slog.New(toFile)
	}
	return slog.New(slog.NewMultiHandler(toFile, p.log.Handler()))
}

// newAgent joins the vault, the person and the agent.
func (p *program) newAgent(log *slog.Logger, terminals *control.Terminals, journal agent.Journal, idle time.Duration) (*agent.Agent, error) {
	v, err := p.vault()
	if err != nil {
		return nil, err
	}
	names := p.serverNames(log)
	keys := &vaultKeys{vault: v, log: log, now: p.now, forwarded: p.opensForForwarded}
	return agent.New(agent.Options{
		Source: keys, Ask: newAsker(p.ask, terminals, p.approval), Now: p.now, Log: log, Hardware: newHardware(p.getenv, "", log), PPK: readPPK,
		Idle: idle, Servers: names, Ties: names, Journal: journal, Origin: originOf, LimitedFiles: p.limitedSigns,
	}), nil
}

// serverNames are the servers of this user.
func (p *program) serverNames(log *slog.Logger) *serverNames {
	names := newServerNames(p.now, log)
	if h, err := p.home(); err == nil {
		names.book.Path, names.settings = h.Hosts(), &h
	}
	return names
}

// opensForForwarded says whether the config names the key.
func (p *program) opensForForwarded(name string) bool {
	config, ok := p.configNow()
	return ok && slices.Contains(config.ForwardedUnlock, name)
}

// limitedSigns says whether the config lets keys that are limited to destinations sign for it.
func (p *program) limitedSigns(namespace string) bool {
	config, ok := p.configNow()
	return ok && config.LimitedSigns(namespace)
}

// approval is what the config says that a mere yes means.
func (p *program) approval() home.Approval {
	config, _ := p.configNow()
	return config.Approve
}
