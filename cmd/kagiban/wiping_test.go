package main

import (
	"os"
	"slices"
	"testing"

	"kagiban/agent"
)

// TestSettingsOfTheRuntimeAreTheAgentsAlone: they reach an agent behind what its caller set, once, and the programs that it
// starts have what the caller set.
func TestSettingsOfTheRuntimeAreTheAgentsAlone(t *testing.T) {
	for _, had := range []string{"", "http2debug=1"} {
		t.Setenv(goDebug, had)
		if had == "" {
			os.Unsetenv(goDebug)
		}
		if wipes() {
			t.Errorf("GODEBUG=%q passes for the settings of an agent", had)
		}
		want := agent.Wiping
		if had != "" {
			want = had + "," + want
		}
		var found []string
		for _, line := range wipingEnv() {
			if len(line) > len(goDebug) && line[:len(goDebug)+1] == goDebug+"=" {
				found = append(found, line[len(goDebug)+1:])
			}
		}
		if !slices.Equal(found, []string{want}) {
			t.Errorf("an agent gets %q, want %q once", found, want)
		}
		os.Setenv(goDebug, want)
		if !wipes() {
			t.Errorf("GODEBUG=%q does not pass for the settings of an agent", want)
		}
		if left, there := os.LookupEnv(goDebug); left != had || there != (had != "") {
			t.Errorf("the programs of an agent get %q", left)
		}
	}
}
