package say

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kagiban/hostsetup"
)

var update = flag.Bool("update", false, "write docs/messages.md anew")

const messagesDoc = "../../../docs/messages.md"

// TestMessagesDoc holds docs/messages.md against the table.
func TestMessagesDoc(t *testing.T) {
	want := messagesText()
	if *update {
		if err := os.WriteFile(messagesDoc, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(messagesDoc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/messages.md is not the table of today; type: go test ./cmd/internal/say -update")
	}
}

// TestProblems: whatever hostsetup finds in the way has its sentence, and all that the sentence needs.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("../../../hostsetup/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[ID]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`"(keys-[a-z-]+|home-[a-z]+|password-[a-z-]+)"|problem\("([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
			found[ID(m[1]+m[2])] = true
		}
	}
	problems := problemsTable()
	maps.Copy(problems, checkProblems())
	maps.Copy(problems, revokeProblems())
	maps.Copy(problems, createProblems())
	for id := range problems {
		if !found[id] {
			t.Errorf("%s: nothing in hostsetup finds it", id)
		}
		delete(found, id)
	}
	for id := range found {
		t.Errorf("%s is found in hostsetup, and has no sentence", id)
	}
}

// TestFailures: whatever word the server's half fails with has words for people.
func TestFailures(t *testing.T) {
	files, err := filepath.Glob("../../../hostsetup/remote/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "look.sh" {
			continue // what it fails with is a problem, with a sentence of its own
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)(?:^\s*|\|\| |; )(?:fail|back|refuse) ([a-z]+)`).FindAllStringSubmatch(string(text), -1) {
			f := &hostsetup.Failure{Verb: "verb", What: m[1], Detail: "/detail"}
			if ofFailure(f) == f.Error() {
				t.Errorf("%s: %q has no words", filepath.Base(file), m[1])
			}
		}
	}
}

func messagesText() []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, `# What kagiban says when something is wrong

Made from the table in cmd/internal/say by its test; do not edit by hand.

Every message has an id that does not change, and an exit code. It says what happened, what is still
true, and what to type next. Words in braces are filled in.

`)
	ids := slices.Sorted(maps.Keys(table()))
	codes := map[int]bool{}
	for _, id := range ids {
		codes[ExitCode(id)] = true
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(&b, "## Exit %d: %s\n\n", code, exitMeaning(code))
		for _, id := range ids {
			if m := table()[id]; ExitCode(id) == code && (id == Failed || m.StillTrue != "" || m.Next != "") {
				writeMessage(&b, id, table()[id])
			}
		}
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func writeMessage(b *bytes.Buffer, id ID, m Message) {
	fmt.Fprintf(b, "**%s**\n", id)
	fmt.Fprintf(b, "- %s\n", m.What)
	if m.StillTrue != "" {
		fmt.Fprintf(b, "- still true: %s\n", m.StillTrue)
	}
	for _, next := range strings.Split(m.Next, "\n") {
		if next != "" {
			fmt.Fprintf(b, "- next: `%s`\n", next)
		}
	}
	fmt.Fprintln(b)
}

func exitMeaning(code int) string {
	return map[int]string{
		ExitFailed: "failed", ExitUsage: "called wrongly, nothing was done", ExitLocked: "the agent does not run, or the key is locked",
		ExitProblem: "a check found a problem, or installed but not enforced", ExitNeedsPerson: "a person is needed",
		ExitUndone: "undone, the server is as it was before", ExitInterrupted: "interrupted",
	}[code]
}
