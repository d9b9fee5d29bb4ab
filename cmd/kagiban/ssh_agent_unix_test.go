//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is not so: %s", what)
		}
	}
}

const holdsNone = "The agent has no identities.\n"

func (s *served) empty() bool { out, _ := s.add("-l"); return out == holdsNone }

// gone: the process has ended, though perhaps nobody has asked for its code yet.
func (s *served) gone() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

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
			until(t, "the key is gone", s.empty)
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
		until(t, "it has ended by "+end.String(), s.gone)
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
					until(t, "it serves", s.empty)
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
			manager, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/manager", Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			manager.SetUnlinkOnClose(false)
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
				until(t, "it serves", s.empty)
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
					l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
					if err != nil {
						t.Fatal(err)
					}
					l.SetUnlinkOnClose(false)
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
	if got := story(t, builtBinary(t)+" ssh-agent", `$A sh -c 'exit 7'; echo $?; $A --help; echo $?; $A -- echo -k`); got != "7\n1\n-k\nunknown option -- -\nUSAGE\n= 0" {
		t.Errorf("as a command of ours: %s", got)
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
			until(t, "the agent has ended", s.gone)
			if _, err := os.Lstat(s.socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its socket is left: %v", err)
			}
		})
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
