//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent/door"
)

// TestPuTTYFilesHandedOver: files of the real puttygen are handed to the shipped binary's agent as pageant does it. The locked one is listed
// at once, and opened when it is used: the person is asked, and asked again after a wrong answer.
func TestPuTTYFilesHandedOver(t *testing.T) {
	p := programAt(t, nil)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("secret", "correct 馬\n", 0o600)
	put("empty", "", 0o600)
	// the first question gets a wrong answer
	put("askpass", "#!/bin/sh\necho \"$1\" >>"+at("asked")+"\n[ -e "+at("once")+" ] || { : >"+at("once")+"; echo wrong; exit; }\ncat "+at("secret")+"\n", 0o700)
	for name, passphrase := range map[string]string{"locked": "secret", "clear": "empty"} {
		out, err := exec.Command("puttygen", "-q", "-t", "ed25519", "-C", name+" key", "--new-passphrase", at(passphrase), "-O", "private", "-o", at(name+".ppk")).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command(builtBinary(t), "agent", "start")
	cmd.Env = []string{"KAGIBAN_HOME=" + p.getenv("KAGIBAN_HOME"), "PATH=" + os.Getenv("PATH"), "SSH_ASKPASS=" + at("askpass"), "SSH_ASKPASS_REQUIRE=force"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { endAgent(p.getenv("KAGIBAN_HOME")) })
	h := homeOf(t, p)
	conn, err := door.Dial(h.AgentSocket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := sshagent.NewClient(conn)
	extend := func(name, contents string) (string, error) {
		answer, err := client.Extension(name+"@putty.projects.tartarus.org", ssh.Marshal(struct{ Text string }{contents}))
		return string(answer), err
	}
	for _, name := range []string{"locked", "clear"} {
		file, err := os.ReadFile(at(name + ".ppk"))
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := extend("add-ppk", string(file)); err != nil || answer != "\x06" {
			t.Fatalf("%s: %q, %v", name, answer, err)
		}
	}
	if answer, err := extend("add-ppk", "PuTTY-User-Key-File-3: moon"); err == nil {
		t.Errorf("no file: %q", answer)
	}
	keys, err := client.List()
	if err != nil {
		t.Fatal(err)
	}
	keys = keys[len(keys)-2:]
	for range 2 {
		for i, comment := range []string{"locked key", "clear key"} {
			public, err := ssh.ParsePublicKey(keys[i].Blob)
			if err != nil || keys[i].Comment != comment {
				t.Fatalf("%q, %v", keys[i].Comment, err)
			}
			signature, err := client.Sign(public, []byte("data"))
			if err == nil {
				err = public.Verify([]byte("data"), signature)
			}
			if err != nil {
				t.Errorf("%s: %v", comment, err)
			}
		}
		if answer, err := extend("reencrypt", string(keys[0].Blob)); err != nil || answer != "\x06" {
			t.Errorf("closed again: %q, %v", answer, err)
		}
	}
	asked, err := os.ReadFile(at("asked"))
	if err != nil || strings.Count(string(asked), "locked key") != 3 || strings.Contains(string(asked), "clear key") {
		t.Errorf("%v; asked was:\n%s", err, asked)
	}
}
