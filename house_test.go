// Package kagiban_test keeps the rules of the house: which package may import
// which, what a package must say of itself, how long things may be, and who may
// print and exit. Rules are read from the source text alone, for every operating
// system at once, so that they hold for files this machine does not build.
package kagiban_test

import (
	"os"
	"testing"
)

// houseTable names, for each package, the packages of ours that it may import.
// A package without a row is a problem: give it one, in the same commit, when its
// one job is clear. Tests may import more. "scripts/*" stands for all of scripts.
var houseTable = map[string][]string{
	"":             {}, // this test alone
	"cmd/kagiban":  {"*"},
	"scripts/*":    {"scripts/ground"},
	"agent":        {"agent/wire"},
	"agent/wire":   {},
	"agent/door":   {},
	"agent/helper": {"agent/wire"},

	"agent/control":      {"agent", "agent/wire"},
	"agent/journal":      {},
	"vault":              {"vault/ppk"},
	"vault/ppk":          {},
	"vault/safefile":     {},
	"hostsetup":          {"hostsetup/remote", "hostsetup/sshd", "hostsetup/authkeys", "hostsetup/book"},
	"hostsetup/remote":   {},
	"hostsetup/sshd":     {},
	"hostsetup/authkeys": {},
	"hostsetup/book":     {},
	"hostsetup/export":   {"hostsetup/sshd", "hostsetup/authkeys"},

	"cmd/internal/say":     {"agent", "agent/control", "agent/door", "vault", "hostsetup", "hostsetup/export", "cmd/internal/home", "cmd/internal/prompt", "cmd/internal/service"}, // their error types
	"cmd/internal/prompt":  {},
	"cmd/internal/home":    {},
	"cmd/internal/watch":   {},
	"cmd/internal/service": {},

	"cmd/internal/inventory": {},
}

// TestHouse holds this repository against the rules.
func TestHouse(t *testing.T) {
	h, err := readHouse(os.DirFS("."), "kagiban")
	if err != nil {
		t.Fatal(err)
	}
	if len(h.packages) < 3 {
		t.Fatalf("only %d packages found: the rules looked at nothing", len(h.packages))
	}
	for _, p := range h.problems(houseTable) {
		t.Error(p)
	}
}
