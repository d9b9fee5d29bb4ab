//go:build wine

// Package windowstest shows that PuTTY's own tools for Windows, and programs older than they, use keys that kagiban.exe holds, against a
// real sshd. It promises that what runs is the shipped kagiban.exe, in a Windows (wine) that `scripts/windows test` made for this run.
package windowstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"
)

// patience is for what happens by itself; a start of a program under wine takes seconds on a busy machine.
const patience = 5 * time.Minute

// built holds the programs for Windows that TestMain makes: kagiban.exe, and what is in testdata.
var built string

func TestMain(m *testing.M) {
	code := 1
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(built)
	os.Exit(code)
}

func build() (err error) {
	if os.Getenv("WINEPREFIX") == "" || os.Getenv("KAGIBAN_PUTTY") == "" {
		return errors.New("windowstest: `scripts/windows test` runs this")
	}
	if built, err = os.MkdirTemp("", "kagiban-windows-"); err != nil {
		return err
	}
	for _, c := range []*exec.Cmd{
		exec.Command("go", "build", "-trimpath", "-o", built+"/kagiban.exe", "kagiban/cmd/kagiban"),
		exec.Command("go", "build", "-o", built+"/client.exe", "./testdata/client"),
		exec.Command("x86_64-w64-mingw32-gcc", "-O2", "-Wall", "-Werror", "-o", built+"/door.exe", "testdata/door.c", "-ladvapi32"),
	} {
		c.Env = append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", c.Args, err, out)
		}
	}
	return nil
}

// computer is a user of that Windows, with a home of kagiban's. There is one Windows, in which pipes and windows have one name each: two
// computers never run at once.
type computer struct {
	t          *testing.T
	folder     string
	passphrase string   // a file, as Windows names it
	env        []string // besides that of the run
}

const passphrase = "correct horse"

func newComputer(t *testing.T) *computer {
	t.Helper()
	c := &computer{t: t, folder: t.TempDir()}
	c.passphrase = c.put("passphrase", passphrase+"\r\n")
	c.env = []string{"KAGIBAN_HOME=" + seen(filepath.Join(c.folder, "home")), "SSH_ASKPASS_REQUIRE=never"} // nobody is there to answer a dialog
	return c
}

// seen is how Windows names a file of this machine: wine has all of them as Z:.
func seen(path string) string { return "Z:" + strings.ReplaceAll(path, "/", `\`) }

// put writes a file, and returns how Windows names it.
func (c *computer) put(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return seen(path)
}

// command is a program of TestMain's, or one of PuTTY's.
func (c *computer) command(name string, args ...string) *exec.Cmd {
	path := filepath.Join(built, name+".exe")
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(os.Getenv("KAGIBAN_PUTTY"), name+".exe")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "wine", append([]string{path}, args...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Dir = c.folder
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs a program to its end.
func (c *computer) run(name string, args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	return c.finish(c.command(name, args...))
}

func (c *computer) finish(cmd *exec.Cmd) (stdout, stderr string, code int) {
	c.t.Helper()
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) { // what wine starts for the first window keeps its stdout
		c.t.Fatalf("%q: %v", cmd.Args, err)
	}
	lines := func(b bytes.Buffer) string { return strings.ReplaceAll(b.String(), "\r\n", "\n") }
	return lines(out), lines(talk), cmd.ProcessState.ExitCode()
}

// must runs kagiban.exe, which must succeed, and returns its stdout.
func (c *computer) must(args ...string) string {
	c.t.Helper()
	stdout, stderr, code := c.run("kagiban", args...)
	if code != 0 {
		c.t.Fatalf("kagiban %q: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// agent runs `kagiban agent run` until the test ends, and waits until it answers and the way that is named is open.
func (c *computer) agent(way string) {
	c.t.Helper()
	cmd := c.command("kagiban", "agent", "run", "-v")
	cmd = &exec.Cmd{Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir} // as long as the test, whatever that takes
	talk, err := os.Create(filepath.Join(c.folder, "agent.out"))                // a file, which nobody waits for as for the end of a pipe
	if err != nil {
		c.t.Fatal(err)
	}
	defer talk.Close()
	cmd.Stdout, cmd.Stderr = talk, talk
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.t.Cleanup(func() {
		_, said, code := c.run("kagiban", "agent", "stop")
		select {
		case err := <-ended:
			var exit *exec.ExitError
			killed := errors.As(err, &exit) && exit.ExitCode() == -1 // so wine ends a program that has ended, and is slow to go; Windows has no signals
			text, _ := os.ReadFile(talk.Name())
			if err != nil && !killed || code != 0 || !strings.Contains(string(text), "the agent ends") {
				c.t.Errorf("the agent ended with %v; agent stop: exit %d, %s", err, code, said)
			}
		case <-time.After(patience):
			cmd.Process.Kill()
			c.t.Errorf("the agent did not end; agent stop: exit %d, %s", code, said)
		}
		if c.t.Failed() {
			said, _ := os.ReadFile(talk.Name())
			c.t.Logf("the agent said:\n%s", said)
		}
	})
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) { // each look is a program
		stdout, stderr, _ := c.run("kagiban", "status", "--json")
		if opened(stdout, way) {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			c.t.Fatalf("the agent ended: %v", err)
		default:
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s is not open:\n%s%s", way, stdout, stderr)
		}
	}
}

// opened tells whether status says that an agent runs and that way is open.
func opened(status, way string) bool {
	var s struct {
		Agent struct {
			Running bool
			Doors   []struct {
				Name string
				Open bool
			}
		}
	}
	if json.Unmarshal([]byte(status), &s) != nil || !s.Agent.Running {
		return false
	}
	for _, d := range s.Agent.Doors {
		if d.Name == way {
			return d.Open
		}
	}
	return false
}

// key makes a key, lets the agent use it, and returns its public line.
func (c *computer) key(kind string) string {
	c.t.Helper()
	c.must("key", "new", kind, "--type", kind, "--passphrase-file", c.passphrase)
	c.must("unlock", kind, "--passphrase-file", c.passphrase)
	return strings.TrimSpace(c.must("key", "show", kind, "--public"))
}

// hold keeps the place of the window of PuTTY's agent, and says no to all who ask there. What works beside it came through a pipe: PuTTY's
// tools under wine look for a pipe only where there is a window, too. It returns how often it was asked.
func (c *computer) hold() (asked func() int) {
	c.t.Helper()
	cmd := c.command("door", "hold")
	cmd = &exec.Cmd{Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	said := make(chan string)
	go func() {
		defer close(said)
		for buffer := make([]byte, 64); ; {
			n, err := out.Read(buffer)
			if err != nil {
				return
			}
			said <- string(buffer[:n])
		}
	}()
	select {
	case <-said:
	case <-time.After(patience):
		c.t.Error("the window is not held")
	}
	count := 0
	c.t.Cleanup(func() {
		cmd.Process.Kill()
		go func() {
			for range said {
			}
		}()
		cmd.Wait()
	})
	return func() int {
		for {
			select {
			case text := <-said:
				count += strings.Count(text, "asked")
			default:
				return count
			}
		}
	}
}

// pipes is a program's stdin and stdout as one stream.
type pipes struct {
	io.Reader
	io.Writer
}

// signs talks to an agent through a program. It must have a key for each of these words, which is part of its line, no other, and sign with each.
func (c *computer) signs(through *exec.Cmd, words ...string) {
	c.t.Helper()
	var talk bytes.Buffer
	through.Stderr = &talk
	in, err := through.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := through.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := through.Start(); err != nil {
		c.t.Fatal(err)
	}
	agent := sshagent.NewClient(pipes{out, in})
	keys, err := agent.List()
	if err != nil || len(keys) != len(words) {
		c.t.Errorf("%q: %d keys, %v", through.Args, len(keys), err)
	}
	for _, word := range words {
		if !slices.ContainsFunc(keys, func(k *sshagent.Key) bool { return strings.Contains(k.String(), word) }) {
			c.t.Errorf("no key of %q is %s", keys, word)
		}
	}
	for _, key := range keys {
		public, err := ssh.ParsePublicKey(key.Blob)
		if err != nil {
			c.t.Fatal(err)
		}
		signed := []byte(rand.Text())
		signature, err := agent.Sign(public, signed)
		if err == nil {
			err = public.Verify(signed, signature)
		}
		if err != nil {
			c.t.Errorf("%q, %s: %v", through.Args, key.Comment, err)
		}
	}
	in.Close()
	if err := through.Wait(); err != nil || c.t.Failed() {
		c.t.Errorf("%q ended with %v, and said %s", through.Args, err, talk.String())
	}
}
