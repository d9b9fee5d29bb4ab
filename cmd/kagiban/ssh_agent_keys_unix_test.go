//go:build unix

package main

import (
	"crypto/dsa" //lint:ignore SA1019 what old servers want is what is shown
	"crypto/rand"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"kagiban/scripts/ground"
)

// TestSSHAgentAsksByAskpass: a key that was added with -c signs if the askpass program
// says yes, and that alone: nobody is asked where there is none.
func TestSSHAgentAsksByAskpass(t *testing.T) {
	for name, program := range sshAgents(t) {
		for _, tt := range []struct {
			askpass, env string
			signs        bool
		}{
			{"exit 0", "SSH_ASKPASS_REQUIRE=force", true},
			{"echo yes", "DISPLAY=:0", true},
			{"echo no", "SSH_ASKPASS_REQUIRE=force", false},
			{"exit 1", "SSH_ASKPASS_REQUIRE=force", false},
			{"exit 0", "SSH_ASKPASS_REQUIRE=never DISPLAY=:0", false},
			{"exit 0", "", false},
		} {
			t.Run(name+tt.askpass+tt.env, func(t *testing.T) {
				t.Parallel()
				asking := t.TempDir()
				askpass := filepath.Join(asking, "askpass")
				script := "#!/bin/sh\necho \"$SSH_ASKPASS_PROMPT: $1\" >" + asking + "/said\n" + tt.askpass + "\n"
				if err := os.WriteFile(askpass, []byte(script), 0o700); err != nil {
					t.Fatal(err)
				}
				s := serve(t, "env SSH_ASKPASS="+askpass+" "+tt.env+" "+program, "-E", "md5", "-a", "$PWD/place")
				s.addKey("-c")
				out, err := s.sign()
				if (err == nil) != tt.signs {
					t.Errorf("signed: %v, %s", err, out)
				}
				said, _ := os.ReadFile(filepath.Join(asking, "said"))
				asked := strings.HasPrefix(string(said), "confirm: ") && strings.Contains(string(said), "MD5:")
				if want := tt.env != "" && !strings.Contains(tt.env, "never"); asked != want || !want && said != nil {
					t.Errorf("it asked: %q", said)
				}
			})
		}
	}
}

// sign has the agent sign a text with the key that was added.
func (s *served) sign() ([]byte, error) {
	if err := os.Remove(filepath.Join(s.dir, "key")); err != nil { // the agent alone can sign
		s.t.Fatal(err)
	}
	sign := exec.Command("ssh-keygen", "-Y", "sign", "-n", "file", "-f", "key.pub")
	sign.Dir, sign.Env = s.dir, []string{"SSH_AUTH_SOCK=" + s.socket}
	sign.Stdin = strings.NewReader("text")
	return sign.CombinedOutput()
}

// TestSSHAgentAsksNoTerminal, though it has one.
func TestSSHAgentAsksNoTerminal(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	dir := agentPlace(t)
	cmd := agentShell(dir, linkedSSHAgent(t), `exec $A -D -a $PWD/place`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	s := &served{t: t, dir: dir, socket: dir + "/place"}
	ground.Until(t, "it serves", s.empty)
	s.addKey("-c")
	if out, err := s.sign(); err == nil {
		t.Errorf("it signed: %s", out)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	shown, _ := io.ReadAll(master) // ends with an error when nobody has the terminal any more
	cmd.Wait()
	for line := range strings.Lines(string(shown)) {
		if !strings.HasPrefix(line, "SSH_AUTH_SOCK=") && !strings.HasPrefix(line, "echo ") && !strings.HasPrefix(line, "time=") { // its log
			t.Errorf("the terminal shows %q", line)
		}
	}
}

// TestSSHAgentTakesDSA, which no other agent of ours does.
func TestSSHAgentTakesDSA(t *testing.T) {
	key := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s := serve(t, linkedSSHAgent(t))
	c, err := net.Dial("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := agent.NewClient(c)
	if err := client.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	signers, err := client.Signers()
	if err != nil || len(signers) != 1 {
		t.Fatalf("%v, %v", signers, err)
	}
	text := []byte("text")
	signature, err := signers[0].Sign(rand.Reader, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := signers[0].PublicKey().Verify(text, signature); err != nil {
		t.Error(err)
	}
}

// softToken makes a PKCS#11 token in dir with one key in it, whose PIN is 1234, and
// gives the variables by which its library and ssh-add find both.
func softToken(t *testing.T, dir string) (env string) {
	t.Helper()
	run := agentShell(dir, "", `
		mkdir tokens
		echo "directories.tokendir = $PWD/tokens" >softhsm2.conf
		printf '#!/bin/sh\necho 1234\n' >pin
		chmod +x pin
		export SOFTHSM2_CONF=$PWD/softhsm2.conf
		softhsm2-util --init-token --free --label t --pin 1234 --so-pin 1234 &&
		ssh-keygen -q -t rsa -b 2048 -m PKCS8 -N "" -f token &&
		ssh-keygen -q -p -m PKCS8 -N "" -f token &&
		softhsm2-util --import token --pin 1234 --token t --label key --id 01`)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return "SOFTHSM2_CONF=" + dir + "/softhsm2.conf SSH_ASKPASS=" + dir + "/pin SSH_ASKPASS_REQUIRE=force "
}

// TestSSHAgentProviders: the library of a token is used if -P allows it.
func TestSSHAgentProviders(t *testing.T) {
	const library = "/usr/lib/softhsm/libsofthsm2.so"
	dir := agentPlace(t)
	env := softToken(t, dir)
	for name, program := range sshAgents(t) {
		for flags, allowed := range map[string]bool{"": true, "-P '/usr/lib/*'": true, "-P '/opt/*'": false, "-P '/usr/lib/*,!*soft*'": false} {
			t.Run(name+flags, func(t *testing.T) {
				t.Parallel()
				cmd := agentShell(dir, "env "+env+program, "eval $($A -a $(mktemp -u -p $PWD) "+flags+") >/dev/null; env "+env+"ssh-add -s "+library+" && ssh-add -T token.pub; code=$?; kill $SSH_AGENT_PID; exit $code")
				if out, err := cmd.CombinedOutput(); (err == nil) != allowed {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
	}
}

// TestWeb: which FIDO keys may sign anything.
func TestWeb(t *testing.T) {
	for _, tt := range []struct {
		option, application string
		want                bool
	}{
		{"no-restrict-websafe", "https://example.com", true},
		{"websafe-allow=https://*.com,!*evil*", "https://example.com", true},
		{"websafe-allow=https://*.com,!*evil*", "https://evil.com", false},
		{"websafe-allow=", "", false},
		{"allow-remote-pkcs11", "https://example.com", false},
		{"allow-remote-pkcs11", "", false},
	} {
		o, err := parseSSHAgent([]string{"-O", tt.option})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.web(tt.application); got != tt.want {
			t.Errorf("-O %s, %q: %v", tt.option, tt.application, got)
		}
	}
}

// TestFingerprints: as ssh-keygen shows them.
func TestFingerprints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-qt", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"md5", "sha1", "SHA256", "sha384", "sha512"} {
		o, err := parseSSHAgent([]string{"-E", hash})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ssh-keygen", "-l", "-E", hash, "-f", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := o.fingerprint(key); !slices.Contains(strings.Fields(string(out)), got) {
			t.Errorf("%s: %s, and ssh-keygen says %s", hash, got, out)
		}
	}
}
