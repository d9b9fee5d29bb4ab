package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// askpass runs the askpass program as ssh does (ssh_askpass in readpass.c): the
// question is its only argument, the answer is the first line of its output, and
// any exit code but 0 means that there is no answer.
func (p *Prompter) askpass(ctx context.Context, question, hint string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.askpassProgram(), unmarked(question))
	cmd.Env = os.Environ()
	if hint != "" {
		cmd.Env = append(cmd.Env, "SSH_ASKPASS_PROMPT="+hint)
	}
	cmd.WaitDelay = time.Second // a child of its own may hold the pipe
	answer, err := output(cmd)
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		clear(answer)
		return nil, ctx.Err()
	case errors.As(err, &failed):
		clear(answer)
		return nil, ErrNoAnswer
	case err != nil:
		clear(answer)
		return nil, fmt.Errorf("askpass: %w", err)
	}
	return firstLine(answer)
}

// output runs cmd and returns what it wrote to stdout, at most a little more
// than maxAnswer bytes, out of one buffer that is not copied about.
func output(cmd *exec.Cmd) ([]byte, error) {
	buf := &bounded{buf: make([]byte, 0, maxAnswer+2)}
	cmd.Stdout = buf
	err := cmd.Run()
	return buf.buf, err
}

// bounded keeps the first bytes written to it and drops the rest.
type bounded struct{ buf []byte }

func (b *bounded) Write(p []byte) (int, error) {
	n, err := b.ReadFrom(bytes.NewReader(p))
	return int(n), err
}

// ReadFrom is what io.Copy calls. With Write alone, all would have come by a buffer of its own, which nobody clears.
func (b *bounded) ReadFrom(from io.Reader) (n int64, err error) {
	var rest [512]byte
	defer clear(rest[:])
	for err == nil {
		into := b.buf[len(b.buf):cap(b.buf)]
		if len(into) == 0 {
			into = rest[:]
		}
		var m int
		m, err = from.Read(into)
		b.buf = b.buf[:min(len(b.buf)+m, cap(b.buf))]
		n += int64(m)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// firstLine cuts data at its first line end. More than maxAnswer bytes is an error.
func firstLine(data []byte) ([]byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		clear(data[i:])
		data = data[:i]
	}
	data = bytes.TrimSuffix(data, []byte{'\r'})
	if len(data) > maxAnswer {
		clear(data)
		return nil, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	return data, nil
}
