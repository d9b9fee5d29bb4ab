package helper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"kagiban/agent/wire"
)

var errGone = errors.New("OpenSSH's helper has ended or does not answer as it should")

// grace is for what a process left behind when it ended, and for one that was told
// to end.
const grace = 3 * time.Second

// process is a helper that runs. Pipes do for it: it reads from one and writes to
// the other, and asks for nothing that only a socket can.
type process struct {
	cmd    *exec.Cmd
	in     *os.File // to it
	out    *os.File // from it
	reader *wire.Reader
	said   tail
	gone   chan struct{} // closed when it has ended
	once   sync.Once
}

// start runs the program at path with the environment env.
func start(path string, env []string) (*process, error) {
	itsIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, itsOut, err := os.Pipe()
	if err != nil {
		_, _ = itsIn.Close(), in.Close()
		return nil, err
	}
	p := &process{cmd: exec.Command(path), in: in, out: out, reader: wire.NewReader(out), gone: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, string(os.PathSeparator)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = itsIn, itsOut, &p.said
	p.cmd.WaitDelay = grace // a child of its own may hold stderr open
	apart(p.cmd)
	err = p.cmd.Start()
	_, _ = itsIn.Close(), itsOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoHelper, err)
	}
	go func() {
		_ = p.cmd.Wait()
		// What it wrote is in the pipe by now; who else holds the other end is not waited for.
		_ = p.out.SetReadDeadline(time.Now().Add(grace))
		close(p.gone)
	}()
	return p, nil
}

// exchange writes a whole message, wipes it, and reads one. After an error the
// process is of no more use, and ended.
func (p *process) exchange(message []byte) (answer []byte, err error) {
	_, err = p.in.Write(message)
	clear(message)
	if err == nil {
		answer, err = p.reader.Next()
	}
	if err != nil {
		p.end()
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	return bytes.Clone(answer), nil
}

// end ends the process, whatever it does, and whoever waits for it.
func (p *process) end() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_, _ = p.in.Close(), p.out.Close()
	})
}

// close lets the process end by itself, which it does when nobody can write to it.
func (p *process) close() {
	p.once.Do(func() {
		_, _ = p.in.Close(), p.out.Close()
		late := time.AfterFunc(grace, func() { _ = p.cmd.Process.Kill() })
		go func() {
			<-p.gone
			late.Stop()
		}()
	})
}

// complaint is what the process said on its standard error, once it has ended.
func (p *process) complaint() string {
	select {
	case <-p.gone:
	case <-time.After(2 * grace):
	}
	return p.said.String()
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailSize = 1 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b[max(0, len(b)-tailSize):]...)
	t.last = bytes.Clone(t.last[max(0, len(t.last)-tailSize):])
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}
