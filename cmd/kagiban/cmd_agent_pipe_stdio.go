package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"

	"github.com/urfave/cli/v2"

	"kagiban/agent/control"
	"kagiban/agent/door"
)

func agentPipeStdioCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "pipe-stdio",
		Usage: "stdin and stdout lead to the agent, for a program that cannot reach it by itself",
		Description: "One connection, until either side ends it. It is for WSL2, where socat gives the agent of Windows a socket:\n" +
			"  socat UNIX-LISTEN:$HOME/.ssh/kagiban.sock,fork,umask=077 EXEC:'kagiban.exe agent pipe-stdio'\n" +
			"To the agent whoever uses that socket is kagiban: its questions cannot name the program behind it.",
		Action: func(c *cli.Context) error { return p.agentPipeStdio(c.Context) },
	}
}

func (p *program) agentPipeStdio(ctx context.Context) error {
	h, err := p.home()
	if err != nil {
		return err
	}
	conn, err := door.Dial(h.AgentSocket())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: %w", control.ErrNotRunning, err)
	}
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	err = joined(conn, p.stdin, p.stdout)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// joined copies in to conn and conn to out, until conn has no more to say. When in ends, the other end is told so; a pipe of Windows has
// no way to be told, and there that is the end of it all.
func joined(conn net.Conn, in io.Reader, out io.Writer) error {
	defer conn.Close()
	go func() {
		_, _ = io.Copy(conn, in) // if conn fails, so does what is read from it below
		if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			return
		}
		conn.Close()
	}()
	_, err := io.Copy(out, conn)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}
