//go:build unix

package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/agent"
)

// TestJSONContract: what scripts read has the keys that were promised, no more and
// no less, with lists that are never null and times in UTC.
func TestJSONContract(t *testing.T) {
	p := programAt(t, nil)
	home := p.getenv("KAGIBAN_HOME")
	key := []string{"comment", "confirm", "created", "fingerprint", "granted", "hidden", "name", "state", "tied", "type", "until"}
	shapes := []struct {
		line string
		want []string // the object's own keys
		list string   // a list in it, of objects with these keys
		row  []string
	}{
		{"status", []string{"agent", "hosts", "keys", "next", "schema"}, "keys", key},
		{"key list", []string{"keys", "schema"}, "keys", key},
		{"key show laptop", append(slices.Clone(key), "schema"), "", nil},
		{"host list", []string{"hosts", "schema"}, "", nil},
	}
	see := func() {
		t.Helper()
		for _, s := range shapes {
			object := runJSON(t, home, append(strings.Fields(s.line), "--json")...)
			slices.Sort(s.want)
			if got := keysOf(object); !slices.Equal(got, s.want) {
				t.Errorf("%s: keys %q, want %q", s.line, got, s.want)
			}
			if string(object["schema"]) != "1" {
				t.Errorf("%s: schema %s", s.line, object["schema"])
			}
			if s.list == "" {
				continue
			}
			var rows []map[string]json.RawMessage
			if err := json.Unmarshal(object[s.list], &rows); err != nil || len(rows) != 3 {
				t.Fatalf("%s: %v, %d rows", s.line, err, len(rows))
			}
			for _, row := range rows {
				if got := keysOf(row); !slices.Equal(got, s.row) {
					t.Errorf("%s: keys %q, want %q", s.line, got, s.row)
				}
				if string(row["tied"]) != "[]" || !utcTime.Match(row["created"]) {
					t.Errorf("%s: %s", s.line, row)
				}
			}
		}
	}
	see()
	if got := agentOf(t, home); string(got["running"]) != "false" || string(got["pid"]) != "null" {
		t.Errorf("no agent: %s", got)
	}
	startAgentOf(t, p)
	if _, err := p.signer(t.Context(), "laptop", passphraseFile(t, "correct horse")); err != nil {
		t.Fatal(err)
	}
	see()
	got := agentOf(t, home)
	if string(got["running"]) != "true" || string(got["pid"]) == "null" || !strings.HasSuffix(string(got["socket"]), `/run/agent.sock"`) {
		t.Errorf("agent: %s", got)
	}
	if got := keysOf(got); !slices.Equal(got, []string{"doors", "locks", "missed", "pid", "running", "socket", "sockets"}) {
		t.Errorf("agent: keys %q", got)
	}
	laptop := runJSON(t, home, "key", "show", "laptop", "--json")
	if string(laptop["state"]) != `"unlocked"` || string(laptop["until"]) != "null" {
		t.Errorf("laptop: %s", laptop)
	}
	if err := p.unlock(t.Context(), []string{"laptop"}, agent.Terms{Life: time.Hour}, passphraseFile(t, "correct horse")); err != nil {
		t.Fatal(err)
	}
	if laptop = runJSON(t, home, "key", "show", "laptop", "--json"); !utcTime.Match(laptop["until"]) {
		t.Errorf("laptop: until %s", laptop["until"])
	}
	if desk := runJSON(t, home, "key", "show", "desk", "--json"); string(desk["state"]) != `"locked"` {
		t.Errorf("desk: %s", desk)
	}
}

var utcTime = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"$`)

func agentOf(t *testing.T, home string) map[string]json.RawMessage {
	t.Helper()
	var agent map[string]json.RawMessage
	if err := json.Unmarshal(runJSON(t, home, "status", "--json")["agent"], &agent); err != nil {
		t.Fatal(err)
	}
	return agent
}

// runJSON runs the shipped binary and reads its one object.
func runJSON(t *testing.T, home string, args ...string) map[string]json.RawMessage {
	t.Helper()
	cmd := exec.Command(builtBinary(t), args...)
	cmd.Env = []string{"KAGIBAN_HOME=" + home}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(out, &object); err != nil || strings.Count(string(out), "\n") != 1 {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
	return object
}

func keysOf(object map[string]json.RawMessage) []string {
	var keys []string
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
