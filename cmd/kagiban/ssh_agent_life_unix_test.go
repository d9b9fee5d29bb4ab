//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

func TestSSHAgentForgetsAfterItsTime(t *testing.T) {
	t.Parallel()
	for name, program := range sshAgents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, program, "-t", "1s", "-a", "$PWD/place")
			s.addKey("-t", "1h") // the key's own time counts
			if s.empty() {
				t.Error("it is empty")
			}
			s.add("-D")
			s.addKey()
			ground.Until(t, "the key is gone", s.empty)
		})
	}
}

// TestSSHAgentAndSignals: in the background. OpenSSH's does the same from 10.0 on; in
// 9.2 SIGUSR1 ends it, and leaves its socket.
func TestSSHAgentAndSignals(t *testing.T) {
	program := linkedSSHAgent(t)
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		s := serve(t, program, "-T")
		syscall.Kill(s.pid, end)
		ground.Until(t, "it has ended by "+end.String(), s.gone)
		if left, _ := os.ReadDir(s.dir); len(left) > 0 {
			t.Errorf("%v leaves %v", end, left)
		}
	}
	s := serve(t, program)
	s.addKey()
	for _, none := range []syscall.Signal{syscall.SIGINT, syscall.SIGPIPE} {
		syscall.Kill(s.pid, none)
	}
	if s.empty() {
		t.Error("it has forgotten the key")
	}
	for range 20 {
		syscall.Kill(s.pid, syscall.SIGUSR1)
		if !s.empty() {
			t.Error("who sends SIGUSR1 and asks finds a key")
		}
		s.addKey()
	}
	if s.empty() || s.gone() {
		t.Error("it serves no more after SIGUSR1")
	}
}

// TestSSHAgentInTheForeground: its lines, and its code, by each signal.
func TestSSHAgentInTheForeground(t *testing.T) {
	for name, program := range sshAgents(t) {
		for _, flag := range []string{"-D", "-d"} {
			for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
				t.Run(fmt.Sprint(name, flag, end), func(t *testing.T) {
					t.Parallel()
					dir := agentPlace(t)
					cmd := agentShell(dir, program, `exec $A `+flag+` -a $PWD/place`)
					var out, talk bytes.Buffer
					cmd.Stdout, cmd.Stderr = &out, &talk
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					s := &served{t: t, dir: dir, socket: dir + "/place"}
					ground.Until(t, "it serves", s.empty)
					cmd.Process.Signal(end)
					cmd.Wait()
					want := fmt.Sprintf("SSH_AUTH_SOCK=%s/place; export SSH_AUTH_SOCK;\necho Agent pid %d;\n", dir, cmd.Process.Pid)
					if out.String() != want || cmd.ProcessState.ExitCode() != 2 {
						t.Errorf("it says %q, and ends as %v", out.String(), cmd.ProcessState)
					}
					if debugs := strings.Contains(talk.String(), "debug") || strings.Contains(talk.String(), "DEBUG"); debugs != (flag == "-d") {
						t.Errorf("it debugs: %q", talk.String())
					}
					if _, err := os.Lstat(s.socket); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("its socket is left: %v", err)
					}
				})
			}
		}
	}
}

// TestSSHAgentForTheManager: a service manager's socket is served at, and left.
func TestSSHAgentForTheManager(t *testing.T) {
	program := linkedSSHAgent(t)
	const good = "LISTEN_PID=$$ LISTEN_FDS=1"
	for _, tt := range []struct {
		flags, env string
		serves     string // at which socket
		talk       string // when it serves nowhere: with 255
	}{
		{"-D", good, "manager", ""},
		{"-d", good, "manager", ""},
		{"-D -a $PWD/place", good, "place", ""},
		{"-D -T", good, "manager", ""},
		{"-D", "LISTEN_PID=1 LISTEN_FDS=1", "", "bad LISTEN_PID: 1 vs pid "},
		{"-D", "LISTEN_PID=one LISTEN_FDS=1", "", "invalid LISTEN_PID: invalid\n"},
		{"-D", "LISTEN_PID=$$ LISTEN_FDS=2", "", `unexpected LISTEN_FDS contents (want: "1" got "2")`},
	} {
		t.Run(tt.flags+tt.env, func(t *testing.T) {
			t.Parallel()
			dir := agentPlace(t)
			manager := ground.Listen(t, dir+"/manager")
			file, err := manager.File()
			if err != nil {
				t.Fatal(err)
			}
			cmd := agentShell(dir, program, "export "+tt.env+"; exec $A "+tt.flags)
			cmd.ExtraFiles = []*os.File{file}
			var talk bytes.Buffer
			cmd.Stderr = &talk
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			manager.Close()
			file.Close()
			code := 255
			if tt.serves != "" {
				s := &served{t: t, dir: dir, socket: filepath.Join(dir, tt.serves)}
				ground.Until(t, "it serves", s.empty)
				code = map[string]int{"manager": 0, "place": 2}[tt.serves]
				cmd.Process.Signal(syscall.SIGTERM)
			}
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != code || !strings.HasPrefix(talk.String(), tt.talk) {
				t.Errorf("it ends with %d and not %d, and says %q", got, code, talk.String())
			}
			if _, err := os.Lstat(dir + "/manager"); err != nil {
				t.Errorf("the manager's socket: %v", err)
			}
		})
	}
}

// TestSSHAgentTidiesUp: which old sockets go, by which flag.
func TestSSHAgentTidiesUp(t *testing.T) {
	program := linkedSSHAgent(t)
	ours := hostPrefix() + "agent."
	all := []string{ours + "stale", ours + "young", ours + "alive", "s.otherhost1.agent.stale", ours + "file"}
	for flags, left := range map[string][]string{
		"-a place": all,
		"-U":       all,
		"-T":       all,
		"":         {all[1], all[2], all[3], all[4]},
		"-u":       {all[1], all[2], all[3], all[4]},
		"-uu":      {all[1], all[2], all[4]},
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			dir := agentPlace(t)
			folder := filepath.Join(dir, ".ssh", "agent")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-2 * staleAge)
			for _, name := range all {
				path := filepath.Join(folder, name)
				if strings.HasSuffix(name, "file") {
					if err := os.WriteFile(path, nil, 0o600); err != nil {
						t.Fatal(err)
					}
				} else {
					l := ground.Listen(t, path)
					if !strings.HasSuffix(name, "alive") {
						l.Close()
					} else {
						defer l.Close()
					}
				}
				if !strings.HasSuffix(name, "young") {
					if err := os.Chtimes(path, old, old); err != nil {
						t.Fatal(err)
					}
				}
			}
			out, err := agentShell(dir, program, "eval $($A "+flags+") && test -z \"$SSH_AGENT_PID\" || ls .ssh/agent && $A -k").CombinedOutput()
			entries, _ := os.ReadDir(folder)
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			for _, name := range all {
				if slices.Contains(names, name) != slices.Contains(left, name) {
					t.Errorf("%s: left are %q, and not %q\n%s%v", name, names, left, out, err)
				}
			}
		})
	}
}

// TestSSHAgentEndsWithItsCommand, though the command may leave others behind.
func TestSSHAgentEndsWithItsCommand(t *testing.T) {
	t.Parallel()
	for name, program := range sshAgents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &served{t: t, dir: agentPlace(t)}
			out, err := agentShell(s.dir, program, `$A sh -c 'sleep 100 >/dev/null 2>&1 & echo $SSH_AGENT_PID $SSH_AUTH_SOCK'`).Output()
			if _, err := fmt.Sscan(string(out), &s.pid, &s.socket); err != nil {
				t.Fatal(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			ground.Until(t, "the agent has ended", s.gone)
			if _, err := os.Lstat(s.socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its socket is left: %v", err)
			}
		})
	}
}
