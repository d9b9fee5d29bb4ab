//go:build wine

package windowstest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

// also builds a program for Windows that only one test needs.
func also(t *testing.T, name string, args ...string) {
	t.Helper()
	path := filepath.Join(built, name)
	cmd := exec.Command("go", args...)
	cmd.Args = append(cmd.Args[:2], append([]string{"-o", path}, cmd.Args[2:]...)...)
	cmd.Env = append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	t.Cleanup(func() { os.Remove(path) })
}

// windows is a program of Windows' own.
func (c *computer) windows(name string, args ...string) *exec.Cmd {
	cmd := c.command(name, args...)
	cmd.Args[1] = name
	return cmd
}

// leaves runs a program that leaves an agent running: wine lets that one have what we read from, so it is a file.
func (c *computer) leaves(cmd *exec.Cmd) string {
	c.t.Helper()
	out, err := os.Create(filepath.Join(c.folder, "said"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	said, _ := os.ReadFile(out.Name())
	if err != nil {
		c.t.Fatalf("%q: %v\n%s", cmd.Args, err, said)
	}
	return strings.ReplaceAll(string(said), "\r\n", "\n")
}

// agentPID is the number by which Windows knows the agent; 0 where none runs.
func (c *computer) agentPID() int {
	c.t.Helper()
	var status struct{ Agent struct{ PID int } }
	if text := c.must("status", "--json"); json.Unmarshal([]byte(text), &status) != nil {
		c.t.Fatal(text)
	}
	return status.Agent.PID
}

// runs tells whether a program of this machine has these words in its command line.
func runs(words string) bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(strings.ReplaceAll(string(line), "\x00", " "), words) {
			return true
		}
	}
	return false
}

// TestLivingThere: the agent is started in the background and by what Windows does at a login, both times by the program without a window;
// a program that can only be reached by stdin and stdout has a locked key sign, for which a dialog asks that a second process answers. Its log
// is put aside, although its own stderr has it open.
func TestLivingThere(t *testing.T) {
	also(t, "kagibanw.exe", "build", "-ldflags", "-H=windowsgui", "kagiban/cmd/kagiban")
	also(t, "person.exe", "test", "-c", "kagiban/cmd/internal/prompt")
	c := newComputer(t)
	c.env = append(c.env, "SSH_ASKPASS_REQUIRE=") // here somebody is there to answer a dialog
	c.must("key", "new", "desk", "--passphrase-file", c.passphrase)
	if said, talk, code := c.run("kagiban", "ssh-agent"); code != 1 || said != "" || !strings.Contains(talk, "next: kagiban agent start") {
		t.Errorf("ssh-agent: exit %d, %s%s", code, said, talk)
	}
	t.Cleanup(func() {
		c.run("kagiban", "service", "uninstall", "--force")
		c.run("kagiban", "agent", "stop")
	})
	if said := c.leaves(c.command("kagiban", "agent", "start")); !strings.Contains(said, "the agent is running") || strings.Contains(said, "no way to ask") {
		t.Errorf("agent start: %s", said)
	}
	if !runs(`kagibanw.exe agent run`) {
		t.Error("it is not kagibanw.exe that runs")
	}
	c.signsThroughStdio("press 2", false) // Refuse
	c.must("agent", "stop")

	log := filepath.Join(c.folder, "home", "log", "agent.log")
	long := strings.Repeat("a line of long ago\n", 60000)
	if err := os.WriteFile(log, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := c.leaves(c.command("kagiban", "service", "install")); !strings.Contains(said, "the agent is running, and is started at every login") {
		t.Errorf("service install: %s", said)
	}
	text, err := os.ReadFile(log)
	aside, _ := os.ReadFile(log + ".1")
	if err != nil || len(text) > 10000 || !strings.Contains(string(text), "the agent begins") || string(aside) != long {
		t.Errorf("a long log is not put aside: %d bytes, %d beside it, %v", len(text), len(aside), err)
	}
	c.must("agent", "stop")
	value, talk, code := c.finish(c.windows("reg", "query", `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`, "/v", "kagiban-agent"))
	_, line, found := strings.Cut(value, "REG_SZ")
	if line = strings.TrimSpace(line); code != 0 || !found || !strings.HasSuffix(line, `kagibanw.exe" agent start`) {
		t.Fatalf("the Run key: exit %d: %s%s", code, value, talk)
	}
	c.leaves(c.windows("wineboot")) // a login: it starts what the Run keys name, and waits for none
	for end := time.Now().Add(patience); c.agentPID() == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no agent after a login")
		}
	}
	if status := c.must("service", "status"); !strings.Contains(status, "(this program)") {
		t.Errorf("service status: %s", status)
	}
	c.signsThroughStdio("type "+passphrase+"\npress 1", true)
	c.must("service", "uninstall")
	if c.agentPID() != 0 {
		t.Error("uninstalled, and the agent runs")
	}
}

// signsThroughStdio has real ssh-keygen sign with the key desk, over a socket that socat makes as in WSL2, while a person follows orders at the
// dialog that asks.
func (c *computer) signsThroughStdio(orders string, well bool) {
	c.t.Helper()
	socket, public := filepath.Join(c.folder, "bridge.sock"), filepath.Join(c.folder, "desk.pub")
	if err := os.WriteFile(public, []byte(c.must("key", "show", "desk", "--public")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	bridge := exec.Command("socat", "UNIX-LISTEN:"+socket+",fork,umask=077", "EXEC:wine "+filepath.Join(built, "kagiban.exe")+" agent pipe-stdio")
	bridge.Env = append(os.Environ(), c.env...)
	if err := bridge.Start(); err != nil {
		c.t.Fatal(err)
	}
	defer func() { bridge.Process.Kill(); bridge.Wait(); os.Remove(socket) }()
	ground.Until(c.t, "socat makes its socket", func() bool { _, err := os.Stat(socket); return err == nil })
	person := c.command("person")
	person.Env = append(person.Env, fmt.Sprintf("PROMPT_TEST_DRIVE=%d\n%s", c.agentPID(), orders))
	var saw strings.Builder
	person.Stdout = &saw
	if err := person.Start(); err != nil {
		c.t.Fatal(err)
	}
	sign := exec.Command("ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", public)
	sign.Env, sign.Stdin = append(os.Environ(), "SSH_AUTH_SOCK="+socket), strings.NewReader("what was agreed\n")
	signature, err := sign.Output()
	if (err == nil) != well || well != strings.Contains(string(signature), "BEGIN SSH SIGNATURE") {
		c.t.Errorf("%q: %v, %s", orders, err, signature)
	}
	_ = person.Wait() // its words tell
	if !strings.Contains(saw.String(), `with key desk, for `) || !strings.Contains(saw.String(), "masked true") {
		c.t.Errorf("%q: it saw %s", orders, saw.String())
	}
}
