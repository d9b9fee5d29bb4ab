package home

import (
	"errors"
	"os"
	"reflect"
	"testing"
)

func TestConfig(t *testing.T) {
	h, err := Find(env("KAGIBAN_HOME", t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := h.LoadConfig(); err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Fatalf("without a file: %+v, %v", c, err)
	}
	want := Config{Client: "laptop", ForwardedUnlock: []string{"desk"}, LogToJournald: true}
	if err := h.SaveConfig(want); err != nil {
		t.Fatal(err)
	}
	if c, err := h.LoadConfig(); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConfigFaults(t *testing.T) {
	h, err := Find(env("KAGIBAN_HOME", t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	for text, line := range map[string]int{
		"# mine\n\nclinet = \"laptop\"\n": 3,
		"[agent]\nconfirm = true\n":       1,
		"client = 1\n":                    1,
		"log_to_journald = \"yes\"\n":     1,
		"\nclient = \"laptop\n":           2,
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
