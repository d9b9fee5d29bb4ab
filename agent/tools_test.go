//go:build unix

package agent

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// tool runs one of OpenSSH's programs against an agent.
func tool(t *testing.T, socket, stdin, name string, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket, "SSH_ASKPASS_REQUIRE=never", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("%s: %v", name, err)
	}
	if cmd.ProcessState.ExitCode() != 0 {
		t.Logf("%s %q: exit %d: %s", name, args, cmd.ProcessState.ExitCode(), talk.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func mustRun(t *testing.T, socket, stdin, name string, args ...string) string {
	t.Helper()
	out, code := tool(t, socket, stdin, name, args...)
	if code != 0 {
		t.Errorf("%s %q ends with %d", name, args, code)
	}
	return out
}

func wantExit(t *testing.T, want int, socket, name string, args ...string) {
	t.Helper()
	if out, code := tool(t, socket, "", name, args...); code != want {
		t.Errorf("%s %q ends with %d, want %d; it says %q", name, args, code, want, out)
	}
}

func needProgram(t *testing.T, name, debian string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("needs %s (Debian package %s)", name, debian)
	}
}

// sshAgent starts OpenSSH's own agent: what the suite asks of ours must be true
// of that one, or is a difference that the suite names.
func sshAgent(t *testing.T) (socket string) {
	t.Helper()
	needProgram(t, "ssh-agent", "openssh-client")
	socket = filepath.Join(t.TempDir(), "ssh-agent.sock")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	ground.Dialled(t, socket)
	return socket
}

// keyFile makes a key without a passphrase by ssh-keygen.
func keyFile(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id")
	mustRun(t, "", "", "ssh-keygen", append([]string{"-q", "-N", "", "-C", name, "-f", path}, args...)...)
	return path
}

func TestSSHAddAndSSHKeygen(t *testing.T) {
	needProgram(t, "ssh-add", "openssh-client")
	needProgram(t, "ssh-keygen", "openssh-client")
	kinds := map[string][]string{
		"ed25519":    {"-t", "ed25519"},
		"ecdsa p256": {"-t", "ecdsa", "-b", "256"},
		"ecdsa p384": {"-t", "ecdsa", "-b", "384"},
		"ecdsa p521": {"-t", "ecdsa", "-b", "521"},
		"rsa 3072":   {"-t", "rsa", "-b", "3072"},
	}
	for _, ours := range []bool{true, false} {
		socket := ""
		if ours {
			socket = listenAndServe(t, New(Options{}))
		} else {
			socket = sshAgent(t)
		}
		for kind, args := range kinds {
			t.Run(map[bool]string{true: "ours/", false: "OpenSSH/"}[ours]+kind, func(t *testing.T) {
				useKey(t, socket, keyFile(t, "me@here", args...))
			})
		}
		t.Run(map[bool]string{true: "ours", false: "OpenSSH"}[ours]+"/constraints", func(t *testing.T) {
			constrainKey(t, socket)
		})
	}
}

// useKey takes one key through all that an agent is used for.
func useKey(t *testing.T, socket, key string) {
	wantExit(t, 1, socket, "ssh-add", "-l") // no identities
	mustRun(t, socket, "", "ssh-add", "-q", key)
	mustRun(t, socket, "", "ssh-add", "-q", key) // twice is once
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, socket, "", "ssh-add", "-L"); got != string(line) {
		t.Errorf("ssh-add -L says %q, want %q", got, line)
	}
	print := mustRun(t, "", "", "ssh-keygen", "-l", "-f", key+".pub")
	if got := mustRun(t, socket, "", "ssh-add", "-l"); got != print {
		t.Errorf("ssh-add -l says %q, want %q", got, print)
	}
	mustRun(t, socket, "", "ssh-add", "-T", key+".pub")
	signFile(t, socket, key)

	mustRun(t, socket, "", "ssh-add", "-q", "-d", key)
	wantExit(t, 1, socket, "ssh-add", "-l")
	wantExit(t, 1, socket, "ssh-add", "-T", key+".pub")
	wantExit(t, 1, socket, "ssh-add", "-q", "-d", key)
	mustRun(t, socket, "", "ssh-add", "-q", key)
	mustRun(t, socket, "", "ssh-add", "-q", "-D")
	wantExit(t, 1, socket, "ssh-add", "-l")
}

// signFile signs by the agent alone: the private key is out of reach.
func signFile(t *testing.T, socket, key string) {
	t.Helper()
	public := filepath.Join(t.TempDir(), "only.pub")
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(public, line, 0o600); err != nil {
		t.Fatal(err)
	}
	signature := mustRun(t, socket, "a text", "ssh-keygen", "-Y", "sign", "-n", "file", "-f", public)
	if !strings.HasPrefix(signature, "-----BEGIN SSH SIGNATURE-----") {
		t.Fatalf("the signature is %q", signature)
	}
	file := filepath.Join(t.TempDir(), "signature")
	if err := os.WriteFile(file, []byte(signature), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := []string{"-Y", "check-novalidate", "-n", "file", "-s", file}
	mustRun(t, "", "a text", "ssh-keygen", verify...)
	if _, code := tool(t, "", "another text", "ssh-keygen", verify...); code == 0 {
		t.Error("the signature is good for another text too")
	}
}

func constrainKey(t *testing.T, socket string) {
	key := keyFile(t, "limited")
	mustRun(t, socket, "", "ssh-add", "-q", "-t", "1", key)
	ground.Until(t, "the key ends with its second", func() bool {
		_, code := tool(t, socket, "", "ssh-add", "-l")
		return code == 1
	})
	wantExit(t, 0, socket, "ssh-add", "-q", "-c", key)
	wantExit(t, 0, socket, "ssh-add", "-l")
	wantExit(t, 1, socket, "ssh-add", "-T", key+".pub") // nobody can be asked
}

func TestSSHAddOnAKeyOfTheSource(t *testing.T) {
	needProgram(t, "ssh-add", "openssh-client")
	k := newFakeKey(t, "work")
	a := New(Options{Source: sourceOf(k)})
	socket := listenAndServe(t, a)
	list := mustRun(t, socket, "", "ssh-add", "-L")
	if !strings.Contains(list, "work@here") {
		t.Fatalf("a locked key is not listed: %q", list)
	}
	public := filepath.Join(t.TempDir(), "work.pub")
	if err := os.WriteFile(public, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	wantExit(t, 1, socket, "ssh-add", "-T", public) // nobody can be asked
	mustUnlock(t, a, "work")
	mustRun(t, socket, "", "ssh-add", "-T", public)
	mustRun(t, socket, "", "ssh-add", "-q", "-d", public)
	wantExit(t, 1, socket, "ssh-add", "-l")
	mustUnlock(t, a, "work")
	mustRun(t, socket, "", "ssh-add", "-q", "-D")
	wantExit(t, 1, socket, "ssh-add", "-l")
}

// TestAKilledClientTakesItsQuestionAway: as when a person gives up an ssh.
func TestAKilledClientTakesItsQuestionAway(t *testing.T) {
	needProgram(t, "ssh-add", "openssh-client")
	k, ask := newFakeKey(t, "work"), newAsker()
	socket := listenAndServe(t, New(Options{Source: sourceOf(k), Ask: ask}))
	public := filepath.Join(t.TempDir(), "work.pub")
	if err := os.WriteFile(public, []byte(mustRun(t, socket, "", "ssh-add", "-L")), 0o600); err != nil {
		t.Fatal(err)
	}
	client := exec.Command("ssh-add", "-T", public)
	client.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	q := <-ask.questions
	if q.ctx.Err() != nil {
		t.Error("taken away too early")
	}
	client.Process.Kill()
	client.Wait()
	ground.Until(t, "the question goes away", func() bool { return q.ctx.Err() != nil })

	signed := make(chan int, 1)
	go func() {
		_, code := tool(t, socket, "", "ssh-add", "-T", public)
		signed <- code
	}()
	(<-ask.questions).answer <- "right"
	if code := <-signed; code != 0 {
		t.Errorf("ssh-add -T ends with %d", code)
	}
}
