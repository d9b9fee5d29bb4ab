//go:build unix

package main

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/control"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/scripts/ground"
	"kagiban/vault"
)

// programAt is a program whose home is a copy of the committed one, in an
// environment of its own where nobody can be asked.
func programAt(t *testing.T, env map[string]string) *program {
	t.Helper()
	all := map[string]string{"KAGIBAN_HOME": lockedHomeAt(t), "SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "/none"}
	for name, value := range env {
		all[name] = value
	}
	getenv := func(name string) string { return all[name] }
	return &program{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: getenv, ask: prompt.New(getenv),
		now: time.Now, log: slog.New(slog.DiscardHandler), verbose: new(slog.LevelVar),
	}
}

// homeOf is where p has its things; its folders are made.
func homeOf(t *testing.T, p *program) home.Home {
	t.Helper()
	h, err := p.home()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	return h
}

// startAgentOf starts the shipped binary's agent for the home of p, and ends it
// with the test.
func startAgentOf(t *testing.T, p *program) {
	t.Helper()
	cmd := exec.Command(builtBinary(t), "agent", "start")
	cmd.Env = []string{"KAGIBAN_HOME=" + p.getenv("KAGIBAN_HOME"), "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { endAgent(p.getenv("KAGIBAN_HOME")) })
}

func passphraseFile(t *testing.T, text string) prompt.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return prompt.Source{Flag: "--passphrase-file", File: path}
}

// proves tells whether a signer signs for the key of that name.
func proves(t *testing.T, p *program, name string, s ssh.Signer) {
	t.Helper()
	line, err := os.ReadFile(filepath.Join(p.getenv("KAGIBAN_HOME"), "keys", name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("challenge")
	signature, err := s.Sign(rand.Reader, data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := public.Verify(data, signature); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestSignerByAgent: a key that is locked in the agent is unlocked there, so that
// ssh has it too; one that is unlocked costs no question.
func TestSignerByAgent(t *testing.T) {
	p := programAt(t, nil)
	startAgentOf(t, p)
	for _, name := range []string{"laptop", "rsa"} {
		if s, err := p.signer(t.Context(), name, prompt.Source{}); s != nil || !errors.Is(err, prompt.ErrCannotAsk) {
			t.Errorf("%s: nobody can be asked: %v", name, err)
		}
		if s, err := p.signer(t.Context(), name, passphraseFile(t, "nonsense")); s != nil || !isWrong(err) {
			t.Errorf("%s: a wrong passphrase: %v", name, err)
		}
		s, err := p.signer(t.Context(), name, passphraseFile(t, "correct horse"))
		if err != nil {
			t.Fatal(err)
		}
		proves(t, p, name, s)
		if view := p.viewOrNothing(); view.keys[name].Locked {
			t.Errorf("%s is locked in the agent", name)
		}
		if s, err = p.signer(t.Context(), name, prompt.Source{}); err != nil {
			t.Fatalf("%s: asked, though it is unlocked: %v", name, err)
		}
		proves(t, p, name, s)
	}
}

// TestSignerOutlivesAgent: a signer holds nothing open. It says so when the agent
// is gone, and works again with the next one.
func TestSignerOutlivesAgent(t *testing.T) {
	p := programAt(t, nil)
	startAgentOf(t, p)
	s, err := p.signer(t.Context(), "desk", passphraseFile(t, "battery staple"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.agentStop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(rand.Reader, nil); err == nil {
		t.Error("signed by no agent")
	}
	startAgentOf(t, p)
	if _, err := p.signer(t.Context(), "desk", passphraseFile(t, "battery staple")); err != nil {
		t.Fatal(err)
	}
	proves(t, p, "desk", s)
}

// TestSignerAlone: without an agent, and with one that answers nothing, the key is
// opened here.
func TestSignerAlone(t *testing.T) {
	p := programAt(t, nil)
	s, err := p.signer(t.Context(), "rsa", passphraseFile(t, "correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	proves(t, p, "rsa", s)
	if _, err := p.control(); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("an agent out of nowhere: %v", err)
	}
	if _, err := p.signer(t.Context(), "nosuch", prompt.Source{}); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("no such key: %v", err)
	}
}

// TestSignerRSA: never SHA-1, whoever signs.
func TestSignerRSA(t *testing.T) {
	p := programAt(t, nil)
	here, err := p.signer(t.Context(), "rsa", passphraseFile(t, "correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	startAgentOf(t, p)
	there, err := p.signer(t.Context(), "rsa", passphraseFile(t, "correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	for where, signer := range map[string]ssh.Signer{"here": here, "agent": there} {
		s := signer.(ssh.MultiAlgorithmSigner)
		if got := strings.Join(s.Algorithms(), " "); got != "rsa-sha2-512 rsa-sha2-256" && got != "rsa-sha2-256 rsa-sha2-512" {
			t.Errorf("%s: algorithms %s", where, got)
		}
		for _, algorithm := range []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512} {
			signature, err := s.SignWithAlgorithm(rand.Reader, []byte("x"), algorithm)
			if err != nil || signature.Format != algorithm || s.PublicKey().Verify([]byte("x"), signature) != nil {
				t.Errorf("%s: %s: %+v, %v", where, algorithm, signature, err)
			}
		}
		if _, err := s.SignWithAlgorithm(rand.Reader, []byte("x"), ssh.KeyAlgoRSA); err == nil {
			t.Errorf("%s: signed with SHA-1", where)
		}
		if signature, err := s.Sign(rand.Reader, []byte("x")); err != nil || signature.Format == ssh.KeyAlgoRSA {
			t.Errorf("%s: %+v, %v", where, signature, err)
		}
	}
}

// TestAgentSigners: the keys of another agent, never ours once more, by whatever
// name its socket is called.
func TestAgentSigners(t *testing.T) {
	p := programAt(t, nil)
	startAgentOf(t, p)
	ours := filepath.Join(p.getenv("KAGIBAN_HOME"), "run", "agent.sock")
	link := filepath.Join(p.getenv("KAGIBAN_HOME"), "link")
	if err := os.Symlink(ours, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", ours, link, "/nosuch", p.getenv("KAGIBAN_HOME")} {
		q := *p
		q.getenv = func(name string) string {
			if name == "SSH_AUTH_SOCK" {
				return path
			}
			return p.getenv(name)
		}
		if signers := q.agentSigners(); len(signers) > 0 {
			t.Errorf("%q: %d signers", path, len(signers))
		}
	}
}

// TestAgentSignersOfAnother: OpenSSH's own agent, with a key of each kind.
func TestAgentSignersOfAnother(t *testing.T) {
	for _, program := range []string{"ssh-agent", "ssh-add", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (Debian package openssh-client)", program)
		}
	}
	dir, err := os.MkdirTemp("", "kagiban-agent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	theirs := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := theirs.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Process.Kill(); _ = theirs.Wait() })
	ground.Dialled(t, socket)
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		file := filepath.Join(dir, kind)
		for _, cmd := range []*exec.Cmd{
			exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file),
			exec.Command("ssh-add", "-q", file),
		} {
			cmd.Env = []string{"SSH_AUTH_SOCK=" + socket, "PATH=" + os.Getenv("PATH"), "HOME=" + dir}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
	}
	p := programAt(t, map[string]string{"SSH_AUTH_SOCK": socket})
	signers := p.agentSigners()
	if len(signers) != 3 {
		t.Fatalf("%d signers", len(signers))
	}
	for _, s := range signers {
		signature, err := s.Sign(rand.Reader, []byte("x"))
		if err != nil || s.PublicKey().Verify([]byte("x"), signature) != nil || signature.Format == ssh.KeyAlgoRSA {
			t.Errorf("%s: %v", s.PublicKey().Type(), err)
		}
	}
}

// TestDefaultKey: this client's key, else the only one; a choice is never made for
// the user.
func TestDefaultKey(t *testing.T) {
	p := programAt(t, nil)
	h := homeOf(t, p)
	v, err := p.vault()
	if err != nil {
		t.Fatal(err)
	}
	config := func(text string) {
		t.Helper()
		if err := os.WriteFile(h.Config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(named, want, problem string) {
		t.Helper()
		k, err := p.defaultKey(named)
		if k.Name != want || (err != nil) != (problem != "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %q, %v; want %q", named, k.Name, err, want)
		}
	}
	expect("", "", "several keys")
	config("client = 'laptop'\n")
	expect("", "laptop", "")
	expect("desk", "desk", "")
	expect("nosuch", "", "no such key")
	expect("../x", "", "not a name")
	config("client = 'nosuch'\n")
	expect("", "", "several keys")
	config("clint = 'laptop'\n")
	expect("", "", `no setting is named`)
	config("client = 'nosuch'\n")
	for _, name := range []string{"laptop", "rsa"} {
		if err := v.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	expect("", "desk", "")
	if err := v.Remove("desk"); err != nil {
		t.Fatal(err)
	}
	expect("", "", "no key on this computer yet")
}

// TestStartedAgentHasNoSecret: nothing of ours is in its arguments, and its
// environment is that of who started it, and settings of the Go runtime.
func TestStartedAgentHasNoSecret(t *testing.T) {
	child, err := agentProcess(nil, "/")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(child.Args[1:], " "); got != "agent run" {
		t.Errorf("arguments %q", got)
	}
	for _, line := range child.Env {
		name, _, _ := strings.Cut(line, "=")
		if _, ok := os.LookupEnv(name); !ok && name != goDebug {
			t.Errorf("%s was put into its environment", name)
		}
	}
	if child.Stdin != nil || !child.SysProcAttr.Setsid {
		t.Errorf("it is not on its own: %+v", child)
	}
}
