package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// TestLoginThroughAgent: the real ssh logs in to the real sshd with a key that is
// locked when it asks for it. The person is asked once; a second login asks nothing;
// after `kagiban lock` and with nobody to ask, ssh fails at once.
func TestLoginThroughAgent(t *testing.T) {
	c := newClient(t)
	lines := ""
	for _, name := range []string{"laptop", "desk", "rsa"} {
		line, err := os.ReadFile(filepath.Join(c.home, "keys", name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		lines += string(line)
	}
	h := vpstest.Up(t, "mkdir -m 700 /home/owner/.ssh\ncat >/home/owner/.ssh/authorized_keys <<'KEYS'\n"+lines+"KEYS\nchown -R owner: /home/owner/.ssh\n")

	folder := filepath.Dir(c.home)
	asked, answer := filepath.Join(folder, "asked"), filepath.Join(folder, "answer")
	askpass := filepath.Join(folder, "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho \"$1\" >>'"+asked+"'\ncat '"+answer+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	start := c.command("agent", "start")
	start.Env = append(start.Env, "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force")
	if out, err := start.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { endAgent(c.home) })

	login := func(key string) (string, error) {
		cmd := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
			"-o", "IdentityAgent="+filepath.Join(c.home, "run", "agent.sock"), "-o", "IdentitiesOnly=yes",
			"-o", "IdentityFile="+filepath.Join(c.home, "keys", key+".pub"), "-l", h.User, "--", h.Addr, "echo in as $USER")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for key, passphrase := range map[string]string{"laptop": "correct horse", "desk": "battery staple", "rsa": "correct horse"} {
		c.write(answer, passphrase+"\n")
		for _, when := range []string{"locked", "unlocked"} {
			if out, err := login(key); err != nil || !strings.Contains(out, "in as "+h.User) {
				t.Errorf("%s, %s: %v: %s", key, when, err, out)
			}
		}
	}
	questions, err := os.ReadFile(asked)
	if err != nil || strings.Count(string(questions), "Its passphrase: \n") != 3 || strings.Count(string(questions), "/ssh started by ") != 3 || strings.Count(string(questions), "log in as \"owner\"") != 3 {
		t.Errorf("%v: asked %q", err, questions)
	}

	if _, _, code := c.kagiban("lock"); code != 0 {
		t.Errorf("lock: exit %d", code)
	}
	c.write(answer, "nonsense\n")
	if out, err := login("laptop"); err == nil || !strings.Contains(out, "Permission denied") {
		t.Errorf("under a wrong passphrase: %v: %s", err, out)
	}
	if _, _, code := c.kagiban("unlock", "laptop", "--passphrase-file", c.passphrase); code != 0 {
		t.Errorf("unlock: exit %d", code)
	}
	if out, err := login("laptop"); err != nil {
		t.Errorf("unlocked: %v: %s", err, out)
	}
}
