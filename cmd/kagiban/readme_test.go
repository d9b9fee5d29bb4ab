package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// TestReadme runs the README's sh blocks, word by word and in their order, in one shell: as a new user on a new computer, against a
// throwaway server that is called vps.example.com. What would be typed at a prompt comes from an askpass program. What is said to be done on
// the second computer is done in another home.
func TestReadme(t *testing.T) {
	h := vpstest.Up(t, "", "user=you")
	home := t.TempDir()
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("ssh_config", "Host vps.example.com\n\tHostName "+h.Addr+"\n\tUserKnownHostsFile "+home+"/known_hosts\n\tIdentityFile none\n")
	// OpenSSH takes the home from passwd, not from HOME: this is how it comes to look here.
	write("bin/ssh", "#!/bin/sh\nexec "+ssh+" -F "+config+" \"$@\"\n")
	askpass := write("askpass", `#!/bin/sh
echo "$1" >>`+home+`/asked
case $1 in
*password*) cat `+h.PasswordFile+` ;;
*) if [ "$SSH_ASKPASS_PROMPT" = confirm ]; then echo yes; else echo 'four words and more'; fi ;;
esac
`)
	write(".local/bin/.keep", "")
	write("second/.keep", "")

	shell := exec.Command("sh", "-eux")
	shell.Dir = filepath.Join("..", "..")
	shell.Stdin = strings.NewReader(readmeBlocks(t) + "\nkagiban agent stop\n")
	shell.Env = append(os.Environ(), "HOME="+home, "SHELL=/bin/sh", "XDG_RUNTIME_DIR=", "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "KAGIBAN_HOME=", "SSH_AUTH_SOCK=",
		"PATH="+filepath.Join(home, ".local", "bin")+":"+filepath.Join(home, "bin")+":"+os.Getenv("PATH"),
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOFLAGS=-modcacherw",
		"SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force")
	detach(shell)
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	err = shell.Run()
	stop := exec.Command(filepath.Join(home, ".local", "bin", "kagiban"), "agent", "stop")
	stop.Env = shell.Env
	_ = stop.Run() // where the commands ended early it runs still
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"vps.example.com is key-only: proved", "vps.example.com  key-only  publickey", "ssh-ed25519 AAAA",
		"vps.example.com takes SHA256:", "vps.example.com is already key-only", "the recovery key is in, and opens it"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in what the README's commands said", want)
		}
	}
	if lines := h.Exec("cut -d ' ' -f 3 /home/you/.ssh/authorized_keys"); !strings.HasPrefix(lines, "desk\nrecovery-20") || strings.Count(lines, "\n") != 2 {
		t.Errorf("at the end these keys open the server: %q", lines)
	}
	asked, err := os.ReadFile(filepath.Join(home, "asked"))
	if err != nil || !strings.Contains(string(asked), "host key:") || !strings.Contains(string(asked), "go on with") || !strings.Contains(string(asked), "let SHA256:") {
		t.Errorf("the questions were %s, %v", asked, err)
	}
	if offers := newClient(t).offered("you", h.Addr); offers != keysOnly {
		t.Errorf("at the end the server offers %q", offers)
	}
}

// readmeBlocks are the README's commands: Install comes first, as it would for a reader, whose eye met the session before.
func readmeBlocks(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var install, rest []string
	for i, part := range strings.Split(string(text), "```sh\n") {
		block, _, found := strings.Cut(part, "```")
		switch {
		case i == 0:
		case !found:
			t.Fatal("README.md: a block without an end")
		case strings.Contains(block, "make build"):
			install = append(install, block+"cd\n") // what the reader makes there belongs to the reader
		case strings.HasPrefix(block, "# on the second computer\n"):
			rest = append(rest, "(\nexport HOME=\"$HOME/second\" SSH_AUTH_SOCK=\n"+block+")\n")
		default:
			// Without a command the login would be a session, and wait for a person.
			rest = append(rest, strings.ReplaceAll(block, "ssh you@vps.example.com\n", "ssh you@vps.example.com id -un </dev/null\n"))
		}
	}
	if len(install) != 1 || len(rest) < 2 {
		t.Fatalf("README.md: %d install blocks, %d others", len(install), len(rest))
	}
	return strings.Join(append(install, rest...), "\n")
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
