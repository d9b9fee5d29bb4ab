package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestGetopt: as getopt(3) reads them on BSD.
func TestGetopt(t *testing.T) {
	for line, want := range map[string]string{
		"":               "|",
		"-s":             "s|",
		"-sU":            "s U|",
		"-s -U x -c":     "s U|x -c",
		"-a here -s":     "a=here s|",
		"-sahere":        "s a=here|",
		"-a -s":          "a=-s|",
		"-a -- -s":       "a=-- s|",
		"-s -- -U":       "s|-U",
		"-s -":           "s|-",
		"-s--":           "unknown option -- -",
		"--serving=":     "unknown option -- -",
		"-sx":            "unknown option -- x",
		"-:":             "unknown option -- :",
		"-s -a":          "option requires an argument -- a",
		"command -a -s":  "|command -a -s",
		"-a= command -s": "a==|command -s",
	} {
		var took []string
		rest, err := getopt(strings.Fields(line), "csUa:", func(letter byte, value string) error {
			if value != "" {
				value = "=" + value
			}
			took = append(took, string(letter)+value)
			return nil
		})
		got := strings.Join(took, " ") + "|" + strings.Join(rest, " ")
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestMatchList: ssh_config(5), PATTERNS.
func TestMatchList(t *testing.T) {
	for _, tt := range []struct {
		text, patterns string
		want           bool
	}{
		{"/usr/lib/x.so", "/usr/lib*/*", true},
		{"/usr/lib64/a/x.so", "/usr/lib*/*,/usr/local/lib*/*", true},
		{"/home/x.so", "/usr/lib*/*,/usr/local/lib*/*", false},
		{"ssh:me", "ssh:??", true},
		{"ssh:m", "ssh:??", false},
		{"example.com", "*.com,!example.*", false},
		{"example.com", "!example.*,*.com", false},
		{"other.com", "!example.*,*.com", true},
		{"other.com", "!example.*", false},
		{"a", "", false},
		{"", "", false},
		{"", "*", true},
		{"a*b", "a*b", true},
		{"Axb", "a*b", false},
	} {
		if got := matchList(tt.text, tt.patterns); got != tt.want {
			t.Errorf("%q against %q: %v", tt.text, tt.patterns, got)
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
