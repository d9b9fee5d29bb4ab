//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sshAgents are the two that are held against each other.
func sshAgents(t *testing.T) map[string]string {
	t.Helper()
	theirs, err := exec.LookPath("ssh-agent")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"OpenSSH's": theirs, "ours": linkedSSHAgent(t)}
}

// linkedSSHAgent is our program under the name of the one it stands in for.
func linkedSSHAgent(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ssh-agent")
	if err := os.Symlink(builtBinary(t), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// agentPlace is a folder, home and place for temporary files at once, with a short
// name, for a socket's path must be short.
func agentPlace(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ka")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// agentShell prepares a script in dir in which $A is program.
func agentShell(dir, program, script string) *exec.Cmd {
	c := exec.Command("/bin/sh", "-c", script)
	c.Dir, c.WaitDelay = dir, time.Second // an agent may hold the pipes
	c.Env = []string{"A=" + program, "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh", "LC_ALL=C"}
	return c
}

var agentPIDs = regexp.MustCompile(`(?:pid |SSH_AGENT_PID[= ])(\d+)`)

// endAgents ends the agents that a script has told of.
func endAgents(said string) {
	for _, m := range agentPIDs.FindAllStringSubmatch(said, -1) {
		pid, _ := strconv.Atoi(m[1])
		if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(name) == "ssh-agent\n" {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	}
}

// story runs a script, and says in the same words what any ssh-agent did.
func story(t *testing.T, program, script string) string {
	t.Helper()
	dir := agentPlace(t)
	cmd := agentShell(dir, program, script)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tooLong := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer tooLong.Stop()
	err := cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	endAgents(out.String())
	said := out.String() + talk.String()
	said = strings.ReplaceAll(said, dir, "DIR")
	for _, same := range []struct{ pattern, to string }{
		{`\r\n`, "\n"}, // OpenSSH's errors
		{`(?:DIR|/tmp)/ssh-[A-Za-z0-9]{12}/agent\.\d+|DIR/\.ssh/agent/s\.[A-Za-z0-9]{10}\.agent\.[A-Za-z0-9]{10}`, "SOCKET"},
		{`(pid |SSH_AGENT_PID[= ])\d+`, "${1}N"},
		{`(?s)usage: ssh-agent .*`, "USAGE\n"},
	} {
		said = regexp.MustCompile(same.pattern).ReplaceAllString(said, same.to)
	}
	return fmt.Sprintf("%s= %d", said, cmd.ProcessState.ExitCode())
}

func TestSSHAgentBesideOpenSSHs(t *testing.T) {
	agents := sshAgents(t)
	for _, s := range sshAgentStories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want := s.want
			if s.why == "" {
				want = story(t, agents["OpenSSH's"], s.script)
			}
			if got := story(t, agents["ours"], s.script); got != want {
				t.Errorf("ours:\n%s\nand not:\n%s", got, want)
			}
		})
	}
}

// served is an ssh-agent that a test has started.
type served struct {
	t      *testing.T
	socket string
	pid    int
	dir    string
}

// serve starts an agent in the background, as eval would.
func serve(t *testing.T, program string, args ...string) *served {
	t.Helper()
	dir := agentPlace(t)
	out, err := agentShell(dir, program, `$A `+strings.Join(args, " ")).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endAgents(string(out)) })
	s := &served{t: t, dir: dir}
	socket := regexp.MustCompile(`SSH_AUTH_SOCK=([^;]*);`).FindSubmatch(out)
	pid := agentPIDs.FindSubmatch(out)
	if socket == nil || pid == nil {
		t.Fatalf("it says %q", out)
	}
	s.socket = string(socket[1])
	s.pid, _ = strconv.Atoi(string(pid[1]))
	return s
}

// add runs ssh-add, and gives what it says and its code.
func (s *served) add(args ...string) (string, int) {
	s.t.Helper()
	cmd := exec.Command("ssh-add", args...)
	cmd.Dir, cmd.Env = s.dir, []string{"SSH_AUTH_SOCK=" + s.socket, "HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		s.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// addKey adds a new key.
func (s *served) addKey(flags ...string) {
	s.t.Helper()
	key := filepath.Join(s.dir, "key")
	if _, err := os.Stat(key); err != nil {
		if out, err := exec.Command("ssh-keygen", "-qt", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			s.t.Fatalf("%v: %s", err, out)
		}
	}
	if out, code := s.add(append(flags, key)...); code != 0 {
		s.t.Fatalf("ssh-add ends with %d: %s", code, out)
	}
}

const holdsNone = "The agent has no identities.\n"

func (s *served) empty() bool { out, _ := s.add("-l"); return out == holdsNone }

// gone: the process has ended, though perhaps nobody has asked for its code yet.
func (s *served) gone() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestSSHAgentByAnyNameOfIt: a link, a copy, a copy for Windows, and our own command.
func TestSSHAgentByAnyNameOfIt(t *testing.T) {
	dir := t.TempDir()
	body, err := os.ReadFile(builtBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	programs := []string{linkedSSHAgent(t), builtBinary(t) + " ssh-agent"}
	for _, name := range []string{"ssh-agent", "ssh-agent.exe"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, body, 0o700); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, path)
	}
	for _, program := range programs {
		s := serve(t, program, "-s")
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", s.pid)); string(name) != "ssh-agent\n" {
			t.Errorf("%s: the process is called %q, %v", program, name, err)
		}
		if !s.empty() {
			t.Errorf("%s: it does not serve, or is not empty", program)
		}
		syscall.Kill(s.pid, syscall.SIGTERM)
	}
	if got := story(t, builtBinary(t)+" ssh-agent", `$A sh -c 'exit 7'; echo $?; $A --help; echo $?; $A -- echo -k ''; $A sh -c '' || echo no`); got != "7\n1\n-k \nunknown option -- -\nUSAGE\n= 0" {
		t.Errorf("as a command of ours: %s", got)
	}
}

// TestSSHAgentShutsOthersOut, whatever the mode of its socket: the connection is closed.
func TestSSHAgentShutsOthersOut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run a program as another user")
	}
	for name, program := range sshAgents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, program, "-a", "$PWD/place")
			s.addKey()
			if err := os.Chmod(s.dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for mode, least := range map[os.FileMode]int{0o644: 2, 0o777: 1} {
				if err := os.Chmod(s.socket, mode); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command("ssh-add", "-l")
				cmd.Env, cmd.Dir = []string{"SSH_AUTH_SOCK=" + s.socket}, "/"
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
				out, _ := cmd.CombinedOutput()
				code := cmd.ProcessState.ExitCode() // -1: it wrote when the connection was closed already
				if code >= 0 && code < least || strings.Contains(string(out), "SHA256") {
					t.Errorf("%o: another user is told %q, code %d", mode, out, code)
				}
			}
		})
	}
}
