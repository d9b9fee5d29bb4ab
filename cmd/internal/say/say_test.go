package say

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/hostsetup"
	"kagiban/vault/safefile"
)

// sample is an error as it comes out of a command, and the message it must get.
type sample struct {
	err  error
	want ID
}

// samples has at least one error for each message that an error alone leads to.
// Rooms add theirs in a file of their own.
func samples() []sample {
	return slices.Concat(frameSamples(), hostsetupSamples(), createSamples(), revokeSamples(), waySamples(), admitSamples(), rotateSamples(), vaultSamples(), tiesSamples(), agentSamples(), serviceSamples())
}

func frameSamples() []sample {
	return []sample{
		{errors.New("connect: no route to host"), Failed},
		{fmt.Errorf("dial: %w", context.Canceled), Interrupted},
		{fmt.Errorf("laptop: %w", prompt.ErrInterrupted), Interrupted},
		{prompt.ErrCannotAsk, CannotAsk},
		{prompt.ErrNoAnswer, NoAnswer},
		{fmt.Errorf("--passphrase-file: %w", prompt.ErrEmpty), EmptySecret},
		{prompt.ErrDiffer, SecretsDiffer},
		{&prompt.SourceError{Flag: "--password-file", Err: errors.New("no such file")}, SecretUnread},
		{fmt.Errorf("%w: HOME is not set", home.ErrNoHome), NoHome},
		{&home.SocketPathError{Path: "/long", Limit: 107}, SocketPathLong},
		{fmt.Errorf("the log: %w", &fs.PathError{Op: "mkdir", Path: "/c/log", Err: syscall.EROFS}), NotLet},
		{&fs.PathError{Op: "open", Path: "/c/hosts.toml", Err: syscall.EACCES}, NotLet},
		{&os.LinkError{Op: "rename", Old: "/c/.kagiban-tmp-1", New: "/c/hosts.toml", Err: syscall.ENOSPC}, NotLet},
		{&fs.PathError{Op: "open", Path: "/c/hosts.toml", Err: syscall.ENOENT}, Failed},
		{&home.ConfigError{Path: "/c", Line: 3, Err: errors.New("no setting is named \"x\"")}, BadConfig},
	}
}

func TestOf(t *testing.T) {
	for _, s := range samples() {
		said := ForHost("vps1", fmt.Errorf("while at it: %w", s.err))
		if said.ID != s.want {
			t.Errorf("%v is %s, want %s", s.err, said.ID, s.want)
		}
		if text := Render(said.ID, said.Fields); strings.ContainsAny(text, "{}") {
			t.Errorf("%s: a placeholder is not filled: %s", said.ID, text)
		}
	}
}

// TestSamples: every id that a rule can return has a sample error.
func TestSamples(t *testing.T) {
	names, returned := ruleIDs(t)
	for _, s := range samples() {
		delete(returned, s.want)
	}
	for id := range returned {
		t.Errorf("a rule returns %s (%s), and no sample error leads to it", names[id], id)
	}
}

// ruleIDs reads this package's source: the Go names of all ids, and the ids that
// the rules in of_ROOM.go return.
func ruleIDs(t *testing.T) (names map[ID]string, returned map[ID]bool) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	ids, mentioned := map[string]ID{}, map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "ID" && len(n.Values) == 1 {
					text, _ := strconv.Unquote(n.Values[0].(*ast.BasicLit).Value)
					ids[n.Names[0].Name] = ID(text)
				}
			case *ast.ReturnStmt:
				if id, ok := first(n.Results).(*ast.Ident); ok && strings.HasPrefix(file, "of_") {
					mentioned[id.Name] = true
				}
			}
			return true
		})
	}
	names, returned = map[ID]string{}, map[ID]bool{}
	for name, id := range ids {
		names[id] = name
		if mentioned[name] {
			returned[id] = true
		}
	}
	return names, returned
}

func first(list []ast.Expr) ast.Expr {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// TestParts: an error without a next step, or silent on what is still true,
// leaves a person alone with it.
func TestParts(t *testing.T) {
	rows, isError := 0, map[ID]bool{}
	for _, part := range tables() {
		rows += len(part)
	}
	if rows != len(table()) {
		t.Errorf("%d rows make %d messages: an id stands twice", rows, len(table()))
	}
	for _, s := range samples() {
		isError[s.want] = true
	}
	for id, m := range table() {
		if m.What == "" {
			t.Errorf("%s does not say what happened", id)
		}
		if !isError[id] && ExitCode(id) == ExitFailed {
			continue // talk, for all that this package knows
		}
		if m.StillTrue == "" && ExitCode(id) != ExitUsage && id != Failed {
			t.Errorf("%s does not say what is still true", id)
		}
		if m.Next == "" && id != Failed && id != Interrupted {
			t.Errorf("%s does not say what to type next", id)
		}
		for _, text := range []string{m.What, m.StillTrue} {
			if strings.HasSuffix(text, ".") || strings.ContainsAny(text, "\n!") {
				t.Errorf("%s: %q is not one plain clause", id, text)
			}
		}
	}
}

func TestRender(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{
			&safefile.DirError{Path: "/k", Reason: "others can read it (mode 0755)", Fix: "chmod 700 /k"},
			"kagiban: the folder /k cannot be used: others can read it (mode 0755)\n  still true: nothing was changed\n  next: chmod 700 /k",
		},
		{
			Fail(UnknownFlag, nil, "flag", "--frce", "command", "kagiban key remove"),
			"kagiban: unknown flag --frce; try: kagiban key remove --help",
		},
		{
			&hostsetup.UnreachableError{Address: "192.0.2.1:22", Err: errors.New("ssh: unexpected packet in response to channel open: <nil>")},
			"kagiban: no answer from 192.0.2.1:22: nothing comes from there any more\n  still true: nothing was changed by this connection\n  next: ssh -v -p 22 192.0.2.1   (shows how far it comes)",
		},
		{errors.New("ssh: bad\r\nbanner \x1b[31m\u202e{path}"), "kagiban: ssh: bad banner [31m{path}"},
		{Fail("never-heard-of", nil), "kagiban: no message for never-heard-of"},
	}
	for _, tt := range tests {
		if got := Render(Of(tt.err)); got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}
}

// TestExitCodes: scripts rely on these.
func TestExitCodes(t *testing.T) {
	for id, want := range map[ID]int{
		Failed: 1, Bug: 1, "never-heard-of": 1, UnknownCommand: 2, StdinTwice: 2, CannotAsk: 5, NoAnswer: 5,
		Interrupted: 130, EmptySecret: 1, BadConfig: 1,
	} {
		if got := ExitCode(id); got != want {
			t.Errorf("%s ends with %d, want %d", id, got, want)
		}
	}
}

// TestKeyNoLonger: where only keys are taken, to add the host again needs a key that opens it.
func TestKeyNoLonger(t *testing.T) {
	for methods, want := range map[string]string{
		"publickey": "kagiban host admit vps1 PUBFILE ", "publickey, password": "kagiban host add vps1", "publickey, keyboard-interactive": "kagiban host add vps1",
	} {
		p := hostsetup.Problem{ID: "key-no-longer", About: map[string]string{"account": "me@vps1", "key": "laptop", "name": "vps1", "methods": methods}}
		if _, fix := Problem(p); !strings.HasPrefix(fix, want) || strings.ContainsAny(fix, "{}") {
			t.Errorf("%s: %s", methods, fix)
		}
	}
}

// TestErrorKeepsCause: callers still find the cause below a message.
func TestErrorKeepsCause(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("around: %w", Fail(Bug, cause, "error", "x", "command", "kagiban"))
	if id, _ := Of(err); id != Bug || !errors.Is(err, cause) {
		t.Errorf("id %s, error %v", id, err)
	}
	if got, want := err.Error(), "around: something went wrong inside kagiban: x"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
