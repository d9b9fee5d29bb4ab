package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// A scenario is one kind of server that `host add` comes upon, and the verdict that is right for it. It is run with the shipped
// binary and judged from outside, by the real ssh.
type scenario struct {
	number  int      // of the list in docs/servers.md; several rows may show one
	name    string   // unlike all others
	hook    string   // sh, inside the server before its first boot
	boot    string   // sh, as root on the server when it is up
	options []string // of scripts/vps up
	only    []string // the bases on which there is such a server; none: on all
	args    []string // more arguments of host add
	variant bool     // of another row: run with KAGIBAN_BASES (make test-all) alone
	asRoot  bool     // the login is root's
	forRoot string   // what --sudo-password-file holds; "": there is none

	code      int    // exit code
	result    string // of --json
	offers    string // what the user and root are offered at the end; "" is not looked at
	says      string // a piece of the message
	untouched bool   // no byte of /etc/ssh and of the home folders has changed

	// after looks at what the fields cannot say, once the run is over.
	after func(t *testing.T, h *vpstest.Host, c *client)
	// do is the whole scenario, where it is more than one run of host add.
	do func(t *testing.T, h *vpstest.Host, c *client)
}

func allScenarios() []scenario {
	return slices.Concat(scenariosPlain, scenariosRuns, scenariosBlock, scenariosOthers, scenariosRoot, scenariosLook, scenariosBreak, scenariosDrift, scenariosClients, scenariosCreate, scenariosNoRoot)
}

// TestEveryKindOfServer: each row of docs/servers.md is one that a scenario or a test here stands for.
func TestEveryKindOfServer(t *testing.T) {
	shown := map[int]bool{}
	for _, s := range allScenarios() {
		shown[s.number] = shown[s.number] || !s.variant
	}
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	// Those that are a story of several runs, each with its own test.
	for number, test := range map[int]string{40: "TestFaults", 41: "TestFaults", 42: "TestFaults", 45: "TestWatcherKilled", 46: "TestManyAtOnce", 47: "TestHostKeyChanged", 52: "TestCloudInitAgain"} {
		for _, source := range sources {
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			shown[number] = shown[number] || strings.Contains(string(text), "\nfunc "+test+"(")
		}
	}
	doc, err := os.ReadFile("../../docs/servers.md")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 63; n++ {
		if !strings.Contains(string(doc), fmt.Sprintf("\n| %d |", n)) || !shown[n] {
			t.Errorf("%d: has a row in docs/servers.md %v, is shown by a test %v", n, strings.Contains(string(doc), fmt.Sprintf("\n| %d |", n)), shown[n])
		}
	}
}

// bases are those that the scenarios are run on: the one that most of the tests use, or those of KAGIBAN_BASES.
func bases() []string {
	if names := strings.Fields(os.Getenv("KAGIBAN_BASES")); len(names) > 0 {
		return names
	}
	return []string{"bookworm"}
}

// TestScenarios: every kind of server, from the first connection to the verdict.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range allScenarios() {
		if s.variant && os.Getenv("KAGIBAN_BASES") == "" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, base := range bases() {
				if len(s.only) > 0 && !slices.Contains(s.only, base) {
					continue
				}
				t.Run(base, func(t *testing.T) { s.run(t, base) })
			}
		})
	}
}

func (s scenario) run(t *testing.T, base string) {
	verdict := "held"
	defer func() {
		if t.Failed() {
			verdict = "FAILED"
		}
		if t.Skipped() {
			return
		}
		t.Logf("scenario|%d|%s|%s|%s", s.number, s.name, base, verdict) // scripts/testsum makes a table of these
	}()
	h, c := vpstest.Up(t, s.hook, append(slices.Clone(s.options), "base="+base)...), newClient(t)
	if s.asRoot {
		h = h.AsRoot()
	}
	if s.boot != "" {
		h.Exec(s.boot)
	}
	if s.do != nil {
		s.do(t, h, c)
		return
	}
	verdict = s.add(t, h, c)
	if s.after != nil {
		s.after(t, h, c)
	}
}

// add is one run of host add, and what it must have come to.
func (s scenario) add(t *testing.T, h *vpstest.Host, c *client) (verdict string) {
	before, args := h.Snapshot(), slices.Clone(s.args)
	if s.forRoot != "" {
		args = append(args, "--sudo-password-file", c.secretFile(s.forRoot))
	}
	stdout, stderr, code := c.kagiban(c.add(h, append(args, "--json")...)...)
	var got added
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if code != s.code || got.Exit != s.code || got.Result != s.result || !strings.Contains(stderr, s.says) {
		t.Errorf("exit %d, result %q; want %d, %q, %q", code, got.Result, s.code, s.result, s.says)
	}
	for _, user := range []string{h.User, "root"} {
		if s.offers == "" {
			continue
		}
		if offers := c.offers(user, h.Addr); offers != s.offers {
			t.Errorf("%s is offered %q, want %q", user, offers, s.offers)
		}
	}
	if s.untouched && h.Snapshot() != before {
		t.Errorf("the server was changed:\n%s\n%s", before, h.Snapshot())
	}
	if left := h.Exec("ls -d /run/kagiban /etc/ssh/sshd_config.d/*.new* /etc/ssh/*.kagiban.* /home/*/.ssh/.authorized* 2>/dev/null || true"); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if s.result == "key-only" {
		c.again(h, args...)
		if os.Getenv("KAGIBAN_BASES") != "" { // make test-all
			c.agrees(h, args)
		}
	}
	return cmp.Or(got.Result, "none") + map[bool]string{true: "", false: fmt.Sprintf(", exit %d", code)}[code == 0]
}
