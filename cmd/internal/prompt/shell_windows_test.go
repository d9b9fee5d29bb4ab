package prompt

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShell: a command line reaches cmd.exe as it was written, quotation marks, spaces and all; and its end is seen.
func TestShell(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a b.txt")
	if err := os.WriteFile(file, []byte("correct horse\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		`echo correct horse`:                           "correct horse",
		`echo "correct horse"`:                         `"correct horse"`,
		`type "` + file + `"`:                          "correct horse",
		`"` + os.Args[0] + `" "one two" "three" & rem`: `one two|three`,
		`type "` + file + `" | "` + os.Args[0] + `"`:   "",
	} {
		t.Setenv(argumentsEnv, "1")
		got, err := Source{Flag: "--passphrase-command", Command: line}.Read(t.Context(), strings.NewReader(""), io.Discard)
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q, %v; want %q", line, got, err, want)
		}
	}
	var failed *SourceError
	if _, err := (Source{Command: "exit 7"}).Read(t.Context(), nil, io.Discard); !errors.As(err, &failed) {
		t.Errorf("got %v", err)
	}
}

// argumentsEnv makes the test binary print its arguments.
const argumentsEnv = "PROMPT_TEST_ARGUMENTS"
