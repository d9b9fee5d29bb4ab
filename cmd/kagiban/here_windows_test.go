package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUseEnvInCmd has a real cmd.exe run the line for it that people are given, as a .cmd file has it, with a program that prints what
// `kagiban env --shell cmd` does.
func TestUseEnvInCmd(t *testing.T) {
	const pipe = `\\.\pipe\kagiban-agent-0123456789abcdef`
	line := regexp.MustCompile(`\(in cmd: (.*)\)$`).FindStringSubmatch(useEnv)
	env, err := setVariable("cmd", "SSH_AUTH_SOCK", pipe)
	if err != nil || line == nil {
		t.Fatal(useEnv, err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kagiban.cmd": "@if \"%*\"==\"env --shell cmd\" echo " + env + "\r\n",
		"typed.cmd":   "@echo off\r\n" + strings.ReplaceAll(line[1], "%", "%%") + "\r\necho it is %SSH_AUTH_SOCK%\r\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("cmd", "/c", "typed.cmd")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "it is "+pipe {
		t.Errorf("%s, %v", out, err)
	}
}
