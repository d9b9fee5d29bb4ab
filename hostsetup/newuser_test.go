package hostsetup

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestUserNames(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "", "a": "", "al-ice_2": "", strings.Repeat("a", 32): "",
		"": "no", "Alice": "no", "-x": "no", "1a": "no", "a.b": "no", "a b": "no", "a/b": "no", "é": "no", "a\n": "no", "a$": "no", strings.Repeat("a", 33): "no",
		"root": "system", "www-data": "system", "nobody": "system", "systemd-network": "system", "_apt": "system", "sudo": "system", "sshd": "system",
	} {
		var refused *UserNameError
		got := ""
		if err := CheckUserName(name); errors.As(err, &refused) {
			got = map[bool]string{true: "system", false: "no"}[refused.System]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestSudoRights(t *testing.T) {
	const head = "Matching Defaults entries for alice on vps:\n    env_reset, mail_badpass\n\nUser alice may run the following commands on vps:\n"
	for listed, want := range map[string][2]bool{
		"": {false, false},
		"User alice is not allowed to run sudo on vps.\n":                      {false, false},
		head + "    (ALL : ALL) ALL\n":                                         {true, false},
		head + "    (ALL : ALL) NOPASSWD: ALL\n":                               {true, true},
		head + "    (root) NOPASSWD: ALL\n":                                    {true, true},
		head + "    (ALL) NOPASSWD: /usr/bin/apt\n":                            {false, false},
		head + "    (www-data) NOPASSWD: ALL\n":                                {false, false},
		head + "    (ALL) NOPASSWD: ALL\n    (ALL : ALL) ALL\n":                {true, false}, // the last one wins
		head + "    (ALL : ALL) ALL\n    (ALL) SETENV: NOPASSWD: ALL\n":        {true, true},
		head + "    (ALL : ALL) ALL\n    (ALL) NOPASSWD: /usr/bin/systemctl\n": {true, false},
	} {
		if may, free := sudoRights(listed); may != want[0] || free != want[1] {
			t.Errorf("%q: %v %v, want %v", listed, may, free, want)
		}
	}
}

// TestSudoersDocumented: docs/on-the-server.md shows what is written, to the byte.
func TestSudoersDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/on-the-server.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "```\n"+sudoersOf("alice")+"```\n") {
		t.Errorf("docs do not show:\n%s", sudoersOf("alice"))
	}
}
