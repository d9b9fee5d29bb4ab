package hostsetup

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// TestWaysAreSSHs: what is run is what the real ssh says that it runs. Nothing listens where the hops are.
func TestWaysAreSSHs(t *testing.T) {
	program := ground.Program(t, "ssh", "openssh-client")
	config := filepath.Join(t.TempDir(), "config")
	text := `
Host jump
	HostName 10.0.0.9
	Port 2222
	ProxyJump me@127.0.0.1:1
Host jumps
	ProxyJump a@gate,ssh://b@127.0.0.1:1
Host named
	ProxyJump %r@gate
Host command
	HostName 10.0.0.9
	User bob
	ProxyCommand : %h %p %r %n %k 100%%
Host alias
	HostKeyAlias theirs
	ProxyCommand : %k
Host dialled
	ProxyJump none
Host nothing
	ProxyCommand none
Host gate
	HostName 127.0.0.1
	Port 1
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, jump string }{
		{"jump", ""}, {"jumps", ""}, {"named", ""}, {"command", ""}, {"alias", ""}, {"x", "gate"}, {"command", "u@gate:1"}, {"2001:db8::1", "gate"}, {"x", "gate,gate"},
	} {
		r := Resolver{Program: program, Config: config, Jump: c.jump, Shell: "/bin/sh"}
		got, err := r.Resolve(context.Background(), c.host, 0)
		if err != nil || got.Way == nil {
			t.Errorf("%s: %+v, %v", c.host, got, err)
			continue
		}
		args := []string{"-v", "-F", config, "-o", "BatchMode=yes", "-o", "ControlPath=none"}
		if c.jump != "" {
			args = append(args, "-J", c.jump)
		}
		said, _ := exec.Command(program, append(args, "--", c.host, "true")...).CombinedOutput() // it comes to nothing
		_, wants, _ := strings.Cut(string(said), "Executing proxy command: exec ")
		wants, _, _ = strings.Cut(strings.ReplaceAll(wants, "\r", ""), "\n")
		if theirs := comparable(strings.Fields(strings.ReplaceAll(wants, "'", ""))); wants == "" || !slices.Equal(comparable(ours(got.Way)), theirs) {
			t.Errorf("%s: we run %q, ssh %q", c.host, ours(got.Way), theirs)
		}
	}
	for host, jump := range map[string]string{"dialled": "", "nothing": "", "jump": Direct, "command": "None"} {
		if got, err := (Resolver{Program: program, Config: config, Jump: jump}).Resolve(context.Background(), host, 0); err != nil || got.Way != nil {
			t.Errorf("%s: %v, %v", host, got.Way, err)
		}
	}
	if got, err := (Resolver{Program: program, Config: config, Jump: "me@gate"}).Resolve(context.Background(), "x", 0); err != nil || got.Jump != "me@gate" || got.KnownAs != "x" {
		t.Errorf("-J: %+v, %v", got, err)
	}
}

// ours is the command line that a way stands for, in words.
func ours(w *Way) []string {
	if w.Jump != "" {
		return w.Words
	}
	return strings.Fields(strings.TrimPrefix(w.Words[2], "exec "))
}

// comparable leaves out what does not matter: the order of flags, -v, and the program's own path.
func comparable(words []string) []string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "-v" || w == "--" })
	words[0] = filepath.Base(words[0])
	slices.Sort(words)
	return words
}

// TestHostileJumps never reach a program, and neither does what a configuration would have a shell read.
func TestHostileJumps(t *testing.T) {
	r := Resolver{Program: "/nonexistent/must-not-run"}
	for _, jump := range []string{",", "a,", "-oProxyCommand=x", "a,-l", "a;b", "a b", "$(x)", "`x`", "a\nb", "me@-x", "a:0", "[::1]x", "ssh://", "\u202egate"} {
		r.Jump = jump
		var bad *NameError
		if _, err := r.Resolve(context.Background(), "vps1", 0); !errors.As(err, &bad) {
			t.Errorf("%q: %v", jump, err)
		}
	}
	target := Target{Name: "vps1", Address: "192.0.2.1", Port: 22, User: "me"}
	for _, command := range []string{"%k", "ssh -W %h gate; %k"} {
		var bad *NameError
		if way, err := (Resolver{}).byCommand(target, tokens(target, "$(x)"), command); !errors.As(err, &bad) {
			t.Errorf("%q: %v, %v", command, way, err)
		}
	}
	for _, command := range []string{"x %", "%x", "%C"} {
		var bad *ConfigError
		if way, err := (Resolver{}).byCommand(target, tokens(target, ""), command); !errors.As(err, &bad) {
			t.Errorf("%q: %v, %v", command, way, err)
		}
	}
}
