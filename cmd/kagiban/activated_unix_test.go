//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/agent/door"
	"kagiban/scripts/ground"
)

// activate runs `kagiban agent run` with sockets that this test holds, as systemd would: the shell knows its own process id,
// and becomes the program.
func activate(t *testing.T, home string, paths ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" agent run`, builtBinary(t))
	cmd.Env = []string{"KAGIBAN_HOME=" + home, "LISTEN_FDS=" + string(rune('0'+len(paths))), "LISTEN_FDNAMES=" + strings.Repeat(":kagiban-agent.socket", len(paths))[1:]}
	for _, path := range paths {
		l := ground.Listen(t, path)
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		t.Cleanup(func() { l.Close(); f.Close() }) // until then it listens, as systemd does while no agent runs
	}
	var talk bytes.Buffer
	cmd.Stderr = &talk
	detach(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, &talk
}

// TestActivated: sockets that were handed over are served, in whatever order, and stay when the agent ends; stop says that it will be back.
func TestActivated(t *testing.T) {
	p := programAt(t, nil)
	h := homeOf(t, p)
	cmd, talk := activate(t, p.getenv("KAGIBAN_HOME"), h.ControlSocket(), h.AgentSocket())
	view, err := p.lookAtAgent()
	if err != nil || view.status.PID != cmd.Process.Pid || !view.status.Activated || view.status.Version == "" {
		t.Fatalf("%+v, %v", view.status, err)
	}
	if signers, err := socketSigners(h.AgentSocket()); err != nil || len(signers) != 3 {
		t.Errorf("%d keys, %v", len(signers), err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // systemd buries it, too
	var said bytes.Buffer
	p.stdout, p.stderr = io.Discard, &said
	if err := p.dispatch(t.Context(), newApp(p, commands(p)), []string{"kagiban", "agent", "socket", "add", "box", "--purpose", "git"}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "not of this one") { // nobody holds it while no agent runs
		t.Errorf("socket add said %s", said.String())
	}
	if err := p.agentStop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%v: %s", err, talk)
	}
	if !strings.Contains(said.String(), "their next use starts it again") {
		t.Errorf("stop said %s", said.String())
	}
	for _, path := range []string{h.AgentSocket(), h.ControlSocket()} {
		if door.IsGone(path) {
			t.Errorf("%s was taken away", path)
		}
	}
}

// TestActivatedElsewhere: a socket of another home is not served, and not mixed with this one's.
func TestActivatedElsewhere(t *testing.T) {
	p := programAt(t, nil)
	h := homeOf(t, p)
	other := filepath.Join(filepath.Dir(h.AgentSocket()), "other.sock")
	cmd, talk := activate(t, p.getenv("KAGIBAN_HOME"), h.ControlSocket(), other)
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(talk.String(), "the agent was given a socket at "+other) {
		t.Errorf("%v: %s", err, talk)
	}
	if door.IsGone(other) {
		t.Error("it was removed")
	}
	if _, err := os.Lstat(h.AgentSocket()); err == nil {
		t.Error("it made a socket of its own beside")
	}
}
