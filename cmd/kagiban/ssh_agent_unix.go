//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"kagiban/agent"
)

// runSSHAgent does what the options say. The process that serves in the background
// is this program started anew, for Go cannot fork: the socket goes along, so that
// it listens from before the first line is printed, and what serving begins with
// is reported back before it. All else is in its arguments, which hold no secret.
func (p *program) runSSHAgent(ctx context.Context, o *sshAgentOptions) error {
	csh := o.csh(p.getenv("SHELL"))
	switch {
	case o.version:
		fmt.Fprintf(p.stderr, "kagiban %s, in place of ssh-agent\n", version)
		return nil
	case o.serving != nil:
		return p.serveInBackground(ctx, o)
	case o.kill:
		return p.killSSHAgent(csh)
	case o.clean > 0:
		return p.cleanSSHAgent(o.clean > 1)
	}
	if o.debug || o.foreground {
		if err := beginWiping(); err != nil {
			p.log.Warn("less protected than it could be", "error", err)
		}
		return p.serveInForeground(ctx, o, csh)
	}
	command, err := findCommand(o.command)
	if err != nil {
		return err
	}
	socket, err := p.sshAgentSocket(o)
	if err != nil {
		return err
	}
	server, err := startSSHAgent(o, socket)
	if err != nil {
		socket.close()
		return endSSHAgent(1, "%v", err)
	}
	if command != "" {
		if len(p.ignored) > 0 { // without one, it would be all
			signal.Ignore(p.ignored...)
		}
		err := become(command, o.command, socket.name, server.Pid)
		_ = server.Signal(syscall.SIGTERM) // there is nobody to serve
		return endSSHAgent(1, "%s: %s", o.command[0], reason(err))
	}
	fmt.Fprintf(p.stdout, "%s\n%s\necho Agent pid %d;\n",
		set(csh, "SSH_AUTH_SOCK", socket.name), set(csh, "SSH_AGENT_PID", strconv.Itoa(server.Pid)), server.Pid)
	return nil
}

// killSSHAgent ends the agent that the environment names, whichever that is.
func (p *program) killSSHAgent(csh bool) error {
	text := p.getenv("SSH_AGENT_PID")
	if text == "" {
		return endSSHAgent(1, "SSH_AGENT_PID not set, cannot kill agent")
	}
	pid, err := strconv.ParseInt(text, 10, 64)
	wrong := ""
	switch {
	case errors.Is(err, strconv.ErrRange) && pid > 0 || pid > math.MaxInt32:
		wrong = "too large"
	case errors.Is(err, strconv.ErrRange):
		wrong = "too small"
	case err != nil:
		wrong = "invalid"
	case pid < 2:
		wrong = "too small"
	}
	if wrong != "" {
		return endSSHAgent(1, "SSH_AGENT_PID=\"%s\", which is not a good PID: %s", text, wrong)
	}
	if err := syscall.Kill(int(pid), syscall.SIGTERM); err != nil {
		return endSSHAgent(1, "kill: %s", reason(err))
	}
	fmt.Fprintf(p.stdout, "%s\n%s\necho Agent pid %d killed;\n", unset(csh, "SSH_AUTH_SOCK"), unset(csh, "SSH_AGENT_PID"), pid)
	return nil
}

// findCommand looks a program up as execvp(3) does.
func findCommand(command []string) (string, error) {
	if len(command) == 0 {
		return "", nil
	}
	path, err := exec.LookPath(command[0])
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound):
		err = syscall.ENOENT
	default:
		err = syscall.EACCES
	}
	return "", endSSHAgent(1, "%s: %s", command[0], reason(err))
}

// become turns this process into the command: it has the process id and the exit
// code of what was started, and the agent is its child. It returns only if it fails.
func become(path string, command []string, socket string, pid int) error {
	os.Setenv("SSH_AUTH_SOCK", socket)
	os.Setenv("SSH_AGENT_PID", strconv.Itoa(pid))
	err := syscall.Exec(path, command, os.Environ())
	if err == syscall.ENOEXEC { // a script that does not say by what: execvp(3)
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, command[1:]...), os.Environ())
	}
	return err
}

// reason is what the system said, as C programs print it.
func reason(err error) string {
	text := err.Error()
	var errno syscall.Errno
	if errors.As(err, &errno) {
		text = errno.Error()
	}
	return string(unicode.ToUpper(rune(text[0]))) + text[1:]
}

// The descriptors of the process in the background.
const (
	servingSocket = 3
	servingReport = 4
	servingFirst  = 5 // the first that was not meant for it
)

// readyReport is what it says when it serves; anything else is why it does not.
const readyReport = "ready"

// startSSHAgent starts the process that serves, and waits until it does.
func startSSHAgent(o *sshAgentOptions, socket *sshAgentSocket) (*os.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file, err := socket.listener.File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	report, reporting, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer report.Close()
	s := serving{command: len(o.command) > 0, folder: socket.folder != ""}
	server := exec.Command(self)
	server.Args = append([]string{"ssh-agent", s.arg()}, o.given...)
	server.Dir = "/" // no disk is kept from being taken out
	server.Env = wipingEnv()
	server.ExtraFiles = []*os.File{file, reporting}
	toBackground(server)
	err = server.Start()
	reporting.Close()
	if err != nil {
		return nil, err
	}
	if said, err := io.ReadAll(report); err != nil || string(said) != readyReport {
		end := server.Wait()
		return nil, fmt.Errorf("the agent did not start: %s (%w)", strings.TrimSpace(string(said)), errors.Join(err, end))
	}
	return server.Process, nil
}

// serveInBackground is that process.
func (p *program) serveInBackground(ctx context.Context, o *sshAgentOptions) error {
	_ = wipes() // it began so
	parent := os.Getppid()
	report := os.NewFile(servingReport, "report")
	defer report.Close()
	closeStrays()
	signal.Ignore(syscall.SIGINT)
	socket, err := inheritedSocket(o.serving)
	if err != nil {
		fmt.Fprint(report, err)
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	if o.serving.command {
		go func() {
			defer end()
			for os.Getppid() == parent {
				time.Sleep(parentPause)
			}
		}()
	}
	ready := func() error {
		if _, err := io.WriteString(report, readyReport); err != nil {
			return fmt.Errorf("nobody waits for this agent: %w", err)
		}
		return report.Close()
	}
	return p.serveSSHAgent(ctx, o, socket, slog.New(slog.DiscardHandler), ready)
}

// parentPause is how often the agent of a command looks whether that still runs.
const parentPause = time.Second

// closeStrays closes what was open in whoever called us. A caller that reads such a
// descriptor to its end would wait for this agent otherwise. What the Go runtime has
// open closes by itself at exec, and so is told from what came through one.
func closeStrays() {
	entries, _ := os.ReadDir("/dev/fd")
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < servingFirst {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
}

// serveInForeground serves in this process, at a socket of a service manager's or
// at one of its own.
func (p *program) serveInForeground(ctx context.Context, o *sshAgentOptions, csh bool) error {
	if o.debug { // else what is refused is not told: clients can have as much refused as they like, and nobody may be reading
		p.verbose.Set(slog.LevelDebug)
	}
	socket, err := p.activatedSocket(o)
	if err != nil {
		return err
	}
	if socket != nil {
		return p.serveSSHAgent(ctx, o, socket, p.log, func() error { return nil })
	}
	if socket, err = p.sshAgentSocket(o); err != nil {
		return err
	}
	return p.serveSSHAgent(ctx, o, socket, p.log, func() error {
		_, err := fmt.Fprintf(p.stdout, "%s\necho Agent pid %d;\n", set(csh, "SSH_AUTH_SOCK", socket.name), os.Getpid())
		return err
	})
}

// serveSSHAgent serves until ctx ends: by SIGTERM, SIGHUP, in the foreground SIGINT,
// or with the command. Then the socket is gone, and the code is 2, or 0 where the
// socket is a service manager's, for which that is the usual end. ready is called
// when all of that is in force.
func (p *program) serveSSHAgent(ctx context.Context, o *sshAgentOptions, socket *sshAgentSocket, log *slog.Logger, ready func() error) error {
	defer socket.close()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // whoever reads our output may leave
	nameProcess()
	if err := agent.Harden(); err != nil {
		log.Warn("less protected than it could be", "error", err)
	}
	a := agent.New(p.sshAgentKind(o, log))
	socket.listener.Refused = tellRefused(a, log, "")
	drops := onDrop(a)
	defer drops.stop()
	if err := ready(); err != nil {
		return err
	}
	log.Debug("the agent begins", "pid", os.Getpid(), "socket", socket.name, "version", version)
	if err := a.Serve(ctx, socket.listener, drops.peer); err != nil {
		return err
	}
	log.Debug("the agent ends")
	return &sshAgentEnd{code: socket.ended}
}

// nameProcess gives the process the name that ps and pgrep look for, where the system
// knows such a thing. It is the last moment for it: a hardened process may not.
func nameProcess() {
	if f, err := os.OpenFile("/proc/self/comm", os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString("ssh-agent")
		_ = f.Close()
	}
}

// csh tells whether csh is to read the output, as ssh-agent finds out.
func (o *sshAgentOptions) csh(shell string) bool {
	return o.forCsh || !o.forSh && strings.HasSuffix(shell, "csh")
}

// set is the line that sets a variable. A value with no character that means
// something to a shell is written bare, as ssh-agent writes it; any other is quoted so
// that it stays what it is, where ssh-agent 9.2 quotes nothing and 10.5 lets a
// dollar sign through.
func set(csh bool, name, value string) string {
	special := strings.ContainsFunc(value, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+,:@%=", r))
	})
	shell, format := "sh", "%s=%s; export %[1]s;"
	if csh {
		shell, format = "csh", "setenv %s %s;"
	}
	if !special {
		return fmt.Sprintf(format, name, value)
	}
	line, _ := setVariable(shell, name, value) // both shells are known
	return line
}

// unset is the line that takes a variable away.
func unset(csh bool, name string) string {
	if csh {
		return "unsetenv " + name + ";"
	}
	return "unset " + name + ";"
}
