package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/cmd/internal/home"
	"kagiban/scripts/ground"
)

// TestDoctorOnWindows: a folder and a file that others may enter are found by their access lists, named, and closed by --fix.
func TestDoctorOnWindows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "k")
	getenv := func(name string) string {
		return map[string]string{"KAGIBAN_HOME": dir, "SSH_ASKPASS_REQUIRE": "never"}[name]
	}
	doctor := func(args ...string) string {
		var out, talk strings.Builder
		run(append([]string{"kagiban", "doctor"}, args...), strings.NewReader(""), &out, &talk, getenv)
		return out.String() + talk.String()
	}
	h, err := home.Find(getenv)
	if err != nil {
		t.Fatal(err)
	}
	if said := doctor(); strings.Contains(said, "SSH_AUTH_SOCK") || !strings.Contains(said, "next: kagiban init") {
		t.Errorf("without an agent: %s", said)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := doctor(); strings.Count(said, "it is not a folder") != 1 {
		t.Errorf("a file in the place of the home: %s", said)
	}
	for _, list := range [][]string{{"key", "list"}, {"host", "list"}, {"log"}} {
		var out, talk strings.Builder
		code := run(append([]string{"kagiban"}, list...), strings.NewReader(""), &out, &talk, getenv)
		if code != 1 || out.String() != "" || !strings.Contains(talk.String(), "it is not a folder") {
			t.Errorf("%q there: exit %d, %s%s", list, code, out.String(), talk.String())
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	if said := doctor(); strings.Contains(said, dir) {
		t.Errorf("nothing is wrong with them: %s", said)
	}
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte("client = 'desk'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ground.LetIn(t, config)
	if said := doctor(); !strings.Contains(said, " may open "+config+" (its access list says so)") {
		t.Errorf("an open file: %s", said)
	}
	ground.LetIn(t, filepath.Join(dir, "log"))
	if said := doctor(); !strings.Contains(said, " may enter it") || !strings.Contains(said, "next: kagiban doctor --fix") {
		t.Errorf("an open folder: %s", said)
	}
	if said := doctor("--fix"); strings.Count(said, "mended: ") != 2 {
		t.Errorf("--fix: %s", said)
	}
	if said := doctor(); strings.Contains(said, "access list") {
		t.Errorf("after --fix: %s", said)
	}
}
