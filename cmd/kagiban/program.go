// Command kagiban keeps one SSH key per computer, locked under a passphrase,
// serves it to every SSH program on that computer, and turns a server key-only
// without ever locking its owner out.
//
// This package is the command line alone: flags, wiring and the order of steps.
// Each command lives in a file of its own, cmd_NAME.go, as a function that makes
// its *cli.Command from the program; app.go lists them. What a command prints on
// stdout is its result, all else goes to stderr, and every sentence comes from
// package say. Nothing here runs before the whole command line has been understood.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

// program is what every command works with.
type program struct {
	stdin  io.Reader
	stdout io.Writer // results only
	stderr io.Writer // talk
	getenv func(string) string
	ask    *prompt.Prompter
	now    func() time.Time
	log    *slog.Logger // to stderr; only what -v asks for

	verbose *slog.LevelVar
	ignored []os.Signal // of endings, what whoever started us wants ignored (Go tells of SIGHUP and SIGINT)
}

// endings are the signals that ask the program to end.
var endings = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// run is the program from its arguments to its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	p := &program{
		stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv,
		ask: prompt.New(getenv), now: time.Now, verbose: level,
		log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
	}
	p.ask.UsePinentry(p.pinentry)
	for _, s := range endings {
		if signal.Ignored(s) {
			p.ignored = append(p.ignored, s)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), endings...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	if calledSSHAgent(args) {
		args = slices.Concat([]string{"kagiban", "ssh-agent"}, args[1:])
	}
	return p.end(p.guard(ctx, newApp(p, commands(p)), args))
}

// guard runs the command that args name. A panic becomes an error: people get a
// sentence, and -v the trace.
func (p *program) guard(ctx context.Context, app *cli.App, args []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.log.Info("panic", "value", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = say.Fail(say.Bug, nil, "error", fmt.Sprint(r), "command", "kagiban")
		}
	}()
	return p.dispatch(ctx, app, args)
}

// exitStatus ends the program with a code that is no failure to tell about: the
// command has said all there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// end tells the person what went wrong, if anything did, and gives the exit code.
func (p *program) end(err error) int {
	if err == nil {
		return say.ExitDone
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	id, fields := say.Of(err)
	p.log.Debug("failed", "id", string(id), "error", err)
	fmt.Fprintln(p.stderr, say.Render(id, fields))
	return say.ExitCode(id)
}

// tell writes a line of talk to stderr.
func (p *program) tell(id say.ID, pairs ...string) {
	fmt.Fprintln(p.stderr, say.Fail(id, nil, pairs...).Error())
}

// home finds where kagiban's files are; nothing is made.
func (p *program) home() (home.Home, error) {
	h, err := home.Find(p.getenv)
	if err == nil {
		err = h.Check()
	}
	return h, err
}

// configNow is the config as it is at this moment. One that cannot be read says
// nothing: `kagiban status` complains about it.
func (p *program) configNow() (config home.Config, ok bool) {
	h, err := p.home()
	if err != nil {
		return config, false
	}
	config, err = h.LoadConfig()
	return config, err == nil
}

// pinentry is the program that the config names, or "".
func (p *program) pinentry() string {
	config, _ := p.configNow()
	return config.Pinentry
}
