package home

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	h, err := Find(env("KAGIBAN_HOME", t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := h.LoadConfig(); err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Fatalf("without a file: %+v, %v", c, err)
	}
	for _, want := range []Config{
		{Client: "laptop", ForwardedUnlock: []string{"desk"}, LogToJournald: true},
		{Approve: Approval{For: 10 * time.Minute}, LimitedNamespaces: &[]string{}},
		{Approve: Approval{UntilLocked: true}, LimitedNamespaces: &[]string{"git", "file"}},
		{LockAfterIdle: Idle{15 * time.Minute}, LockOn: &[]string{Suspend, Screen}},
		{LockOn: &[]string{}},
	} {
		if err := h.SaveConfig(want); err != nil {
			t.Fatal(err)
		}
		if c, err := h.LoadConfig(); err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

func TestLimitedSigns(t *testing.T) {
	for _, tt := range []struct {
		namespaces *[]string
		git, file  bool
	}{{nil, true, false}, {&[]string{}, false, false}, {&[]string{"file"}, false, true}} {
		c := Config{LimitedNamespaces: tt.namespaces}
		if c.LimitedSigns("git") != tt.git || c.LimitedSigns("file") != tt.file {
			t.Errorf("%v", tt.namespaces)
		}
	}
}

func TestLocksOn(t *testing.T) {
	for _, tt := range []struct {
		events *[]string
		want   []string
		asked  bool
	}{{nil, []string{"suspend"}, false}, {&[]string{}, nil, false}, {&[]string{Screen}, []string{"screen"}, true}} {
		if events, asked := (Config{LockOn: tt.events}).LocksOn(); !slices.Equal(events, tt.want) || asked != tt.asked {
			t.Errorf("%v: %q, %v", tt.events, events, asked)
		}
	}
}

// TestConfigFaultsInWords: what a setting takes is said as a person says it.
func TestConfigFaultsInWords(t *testing.T) {
	h, err := Find(env("KAGIBAN_HOME", t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`per_server = "no"`:                  "per_server takes true or false",
		"per_server = no":                    "per_server takes true or false",
		"client = 5":                         "client takes a text in quotes",
		`client = "lap`:                      "basic strings cannot have new lines",
		`client = lap"`:                      "client takes a text in quotes",
		`pinentry = "C:\Program\pinentry"`:   "invalid escape character U+0050 'P'",
		`client = 'vm' junk`:                 "expected newline but got U+006A 'j'",
		`lock_on = ["screen" "lid"]`:         "expected ',' or ']' after array value",
		`approve = ["1h"]`:                   `approve takes a time in quotes, such as "10m"`,
		`lock_on = "screen"`:                 `lock_on takes a list, such as ["one", "two"]`,
		"limited_namespaces = [5]":           `limited_namespaces takes a list, such as ["one", "two"]`,
		"approve = 10m":                      `approve takes a time in quotes, such as "10m"`,
		`approve = "25h"`:                    `approve: "25h" is more than 24 hours`,
		`approve = "soon"`:                   `approve: "soon" is neither a time such as "10m" nor "lock"`,
		"client = \"one\"\nclient = \"two\"": "key client is already defined",
	} {
		if err := os.WriteFile(h.Config(), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var fault *ConfigError
		if _, err := h.LoadConfig(); !errors.As(err, &fault) || fault.Err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	h, err := Find(env("KAGIBAN_HOME", t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	for text, line := range map[string]int{
		"# mine\n\nclinet = \"laptop\"\n":         3,
		"[agent]\nconfirm = true\n":               1,
		"log_to_journald = \"yes\"\n":             1,
		"client = 1\n":                            1,
		"\napprove = \"soon\"\n":                  2,
		"\n\napprove = 5\n":                       3,
		"approve = \"-5m\"\n":                     1,
		"approve = \"\"\n":                        1,
		"\nlimited_namespaces = \"git\"\n":        2,
		"\nclient = \"laptop\n":                   2,
		"\nlock_after_idle = \"soon\"\n":          2,
		"lock_after_idle = \"0s\"\n":              1,
		"lock_after_idle = 15\n":                  1,
		"\n\nlock_on = [\"lid\"]\n":               3,
		"lock_on = \"screen\"\n":                  1,
		"approve = \"24h1s\"\n":                   1,
		"# lock_on = []\n\tlock_on = [\"lid\"]\n": 2,
	} {
		if err := os.WriteFile(h.Config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var fault *ConfigError
		if _, err := h.LoadConfig(); !errors.As(err, &fault) || fault.Line != line || fault.Path != h.Config() {
			t.Errorf("%q: %v, want line %d", text, err, line)
		}
	}
	if err := os.Remove(h.Config()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.Config(), 0o700); err != nil {
		t.Fatal(err)
	}
	var fault *ConfigError
	if _, err := h.LoadConfig(); !errors.As(err, &fault) || fault.Line != 0 {
		t.Errorf("a folder: %v", err)
	}
}
