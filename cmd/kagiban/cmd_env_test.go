package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestSetVariable asks the shells themselves what they make of the line, for a
// path as bad as a path can be.
func TestSetVariable(t *testing.T) {
	const path = `/tmp/a b'c"d$HOME\e\\f!g` + "`h`;*"
	shells := []struct{ shell, program, show string }{
		{"sh", "sh", ` sh -c 'printf %s "$X"'`},
		{"bash", "bash", ` sh -c 'printf %s "$X"'`},
		{"csh", "csh", ` sh -c 'printf %s "$X"'`},
		{"fish", "fish", ` sh -c 'printf %s "$X"'`},
		{"powershell", "pwsh", `; [Console]::Out.Write($env:X)`},
	}
	for _, s := range shells {
		t.Run(s.shell, func(t *testing.T) {
			line, err := setVariable(s.shell, "X", path)
			if err != nil {
				t.Fatal(err)
			}
			program, err := exec.LookPath(s.program)
			if err != nil {
				golden := map[string]string{
					"sh":         `X='/tmp/a b'\''c"d$HOME\e\\f!g` + "`h`;*'; export X;",
					"bash":       `X='/tmp/a b'\''c"d$HOME\e\\f!g` + "`h`;*'; export X;",
					"csh":        `setenv X '/tmp/a b'\''c"d$HOME\e\\f\!g` + "`h`;*';",
					"fish":       `set -gx X '/tmp/a b\'c"d$HOME\\e\\\\f!g` + "`h`;*';",
					"powershell": `$env:X = '/tmp/a b''c"d$HOME\e\\f!g` + "`h`;*'",
				}
				if want := golden[s.shell]; line != want {
					t.Errorf("%s\nwant %s", line, want)
				}
				return
			}
			out, err := exec.Command(program, "-c", line+s.show).CombinedOutput()
			if err != nil || string(out) != path {
				t.Errorf("%s gives %q, %v\nwant %q", line, out, err, path)
			}
		})
	}
}

// TestIdentityAgent: Windows' ssh reads a pipe with either slash, and none that is quoted twice.
func TestIdentityAgent(t *testing.T) {
	for path, want := range map[string]string{
		`\\.\pipe\kagiban-agent-0123`:   `IdentityAgent "//./pipe/kagiban-agent-0123"`,
		`/run/user/1000/a b/100%h.sock`: `IdentityAgent "/run/user/1000/a b/100%%h.sock"`,
		`/tmp/a"b\c`:                    `IdentityAgent "/tmp/a\"b\\c"`,
	} {
		if got := identityAgent(path); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	line, err := setVariable("cmd", "X", `\\.\pipe\x`)
	if err != nil || line != `set "X=\\.\pipe\x"` {
		t.Errorf("%s, %v", line, err)
	}
}

func TestShellOf(t *testing.T) {
	for program, want := range map[string]string{
		"/bin/bash": "sh", "/usr/bin/zsh": "sh", "/bin/csh": "csh", "/bin/tcsh": "csh", "/usr/bin/fish": "fish", "/opt/elvish": "sh",
	} {
		if got := shellOf(program); got != want {
			t.Errorf("%s is %s, want %s", program, got, want)
		}
	}
	if _, err := setVariable("elvish", "X", "y"); err == nil || !strings.Contains(err.Error(), `no shell "elvish"`) {
		t.Errorf("elvish: %v", err)
	}
}
