//go:build wine

package windowstest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// ppk makes a key as PuTTYgen does, and returns the file, as Windows names it, and the public line.
func (c *computer) ppk(name string, options ...string) (file, line string) {
	c.t.Helper()
	puttygen := ground.Program(c.t, "puttygen", "putty-tools")
	path := filepath.Join(c.folder, name+".ppk")
	args := append([]string{"-q", "-t", "ed25519", "-C", name, "-O", "private", "-o", path, "--new-passphrase"}, options...)
	if out, err := exec.Command(puttygen, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("puttygen: %v\n%s", err, out)
	}
	out, err := exec.Command(puttygen, "-L", path).Output()
	if err != nil {
		c.t.Fatalf("puttygen -L: %v", err)
	}
	return seen(path), strings.TrimSpace(string(out))
}

// TestPageantHandsOver: a key file given to pageant.exe while our agent runs is our agent's from then on; one that it hands over encrypted is
// opened when it is first used, by who knows the passphrase. A lock takes the first away and closes the second.
func TestPageantHandsOver(t *testing.T) {
	h := vpstest.Up(t, "")
	args := append(logins(h), h.User+"@"+h.Addr, "echo in")
	for _, s := range []struct {
		name, passphrase string // a file that puttygen reads
		options          []string
		asks             int // at its first use, and at its first after a lock
	}{
		{"plain", "/dev/null", nil, 0},
		{"encrypted", "", []string{"--encrypted"}, 1},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := newComputer(t)
			if s.passphrase == "" {
				c.put("lines", passphrase+"\n")
				s.passphrase = filepath.Join(c.folder, "lines")
			}
			file, line := c.ppk(s.name, s.passphrase)
			bare, heard := c.env, filepath.Join(c.folder, "heard")
			asked := func(times int) {
				t.Helper()
				text, _ := os.ReadFile(heard)
				if strings.Count(string(text), "passphrase:") != times || strings.Count(string(text), `key "`+s.name+`"`) != times {
					t.Errorf("asked %q, want %d questions for key %s", text, times, s.name)
				}
			}
			c.env = append(c.env, "SSH_ASKPASS="+seen(filepath.Join(built, "door.exe")), "SSH_ASKPASS_REQUIRE=force", "DOOR_SAYS="+passphrase,
				"DOOR_HEARD="+seen(heard))
			c.agent("pageant-window")
			c.env = bare
			opens(h.For(t), line)
			login := func(in bool) {
				t.Helper()
				if out, talk, code := c.run("plink", args...); (code == 0) != in || in && out != "in\n" {
					t.Errorf("plink: exit %d, %q, want in: %t\n%s", code, out, in, talk)
				}
			}
			login(false)
			if out, talk, code := c.run("pageant", append(s.options, file)...); code != 0 {
				t.Errorf("pageant: exit %d, %s%s", code, out, talk)
			}
			asked(0)
			login(true)
			login(true)
			asked(s.asks)
			c.must("lock")
			login(s.asks > 0)
			asked(2 * s.asks)
		})
	}
}

// TestTwoHomes: an agent whose doors are another home's is told whose they are, by the process.
func TestTwoHomes(t *testing.T) {
	c := newComputer(t)
	c.agent("putty-pipe")
	other := *c
	other.env = append(slices.Clone(c.env), "KAGIBAN_HOME="+seen(filepath.Join(c.folder, "other")))
	said := other.leaves(other.command("kagiban", "agent", "start"))
	defer other.must("agent", "stop")
	for _, door := range []string{"putty-pipe", "pageant-window", "openssh-pipe"} {
		line := regexp.MustCompile(fmt.Sprintf(`(?m)^kagiban: kagiban's agent of another home has %s \(.*kagiban\.exe"? \(process %d\)$`, door, c.agentPID()))
		if !line.MatchString(said) {
			t.Errorf("who has %s is not said:\n%s", door, said)
		}
	}
}

var identityAgent = regexp.MustCompile(`IdentityAgent "?([/\\]{2}\.[/\\]pipe[/\\]pageant\.[^"\s]+)`) // 0.78 has no quotes, and backslashes

// TestRealPageant: our client reads and signs with a key that the real pageant.exe holds; and the name of PuTTY's pipe, as it tells it to
// OpenSSH, is the one under which our agent listens.
func TestRealPageant(t *testing.T) {
	c := newComputer(t)
	file, line := c.ppk("theirs", "/dev/null")
	config := filepath.Join(c.folder, "theirs.conf")
	pageant := c.command("pageant", "--openssh-config", seen(config), file)
	pageant = &exec.Cmd{Path: pageant.Path, Args: pageant.Args, Env: pageant.Env, Dir: pageant.Dir}
	if err := pageant.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		pageant.Process.Kill()
		pageant.Wait()
	}()
	pipe := ""
	for end := time.Now().Add(patience); pipe == ""; time.Sleep(50 * time.Millisecond) { // it is another program's to write
		text, _ := os.ReadFile(config)
		if m := identityAgent.FindSubmatch(text); m != nil {
			pipe = strings.ReplaceAll(string(m[1]), "/", `\`)
		}
		if time.Now().After(end) {
			t.Fatalf("pageant.exe did not tell its pipe: %q", text)
		}
	}
	c.signs(c.command("client", pipe), strings.Fields(line)[1])
	pageant.Process.Kill()
	pageant.Wait()

	c.agent("putty-pipe")
	var s struct {
		Agent struct {
			Doors []struct{ Name, Path string }
		}
	}
	if err := json.Unmarshal([]byte(c.must("status", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Agent.Doors {
		if d.Name == "putty-pipe" && d.Path != pipe {
			t.Errorf("ours is %s, PuTTY's is %s", d.Path, pipe)
		}
	}
}
