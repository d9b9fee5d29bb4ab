package ground_test

import (
	"os"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// TestLimitsAreTold: each limit that a test can be left out for stands in docs/windows.md, where people read what was not proved.
func TestLimitsAreTold(t *testing.T) {
	doc, err := os.ReadFile("../../docs/windows.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []ground.Limit{ground.Links, ground.Programs} {
		if !strings.Contains(string(doc), string(limit)) {
			t.Errorf("docs/windows.md does not say: %s", limit)
		}
	}
}

// TestNothingIsLeftOut: where no wine is, a test goes on.
func TestNothingIsLeftOut(t *testing.T) {
	ground.Cannot(t, ground.Links)
	if ground.Wine() {
		t.Error("this is wine, and the test goes on")
	}
}
