package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

// outcome is what one command line led to.
type outcome struct {
	ran            string // the command that ran, its flags and its arguments
	id             say.ID // of the error
	stdout, stderr string
	err            error
}

// tree is a command line like ours; its one action notes what it was given.
func tree(ran *string) []*cli.Command {
	note := func(c *cli.Context) error {
		words := []string{c.Command.Name}
		for _, f := range c.Command.Flags {
			if name := f.Names()[0]; c.IsSet(name) {
				words = append(words, name+"="+strings.Join(strings.Fields(cliText(c, name)), ""))
			}
		}
		words = append(words, "|")
		*ran = strings.Join(append(words, c.Args().Slice()...), " ")
		return nil
	}
	add := &cli.Command{
		Name: "add", ArgsUsage: "[USER@]HOST[:PORT]...", Action: note,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}},
			&cli.BoolFlag{Name: "yes"},
			&cli.BoolFlag{Name: "confirm", Aliases: []string{"c"}},
			&cli.IntFlag{Name: "port", Aliases: []string{"p"}},
			&cli.DurationFlag{Name: "undo-after"},
			&cli.StringFlag{Name: "key"},
			&cli.StringSliceFlag{Name: "on"},
		},
	}
	export := &cli.Command{
		Name: "export", ArgsUsage: "NAME", Action: note,
		Flags: []cli.Flag{&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Required: true}},
	}
	return []*cli.Command{
		group("host", "servers", add, export),
		{Name: "admit", ArgsUsage: "HOST PUBFILE|-", Action: note},
		{Name: "lock", ArgsUsage: "[KEY...]", Action: note},
		{Name: "rotate", Aliases: []string{"turn"}, ArgsUsage: "[KEY]", Action: note},
		{Name: "secret", Hidden: true, Action: note},
		{Name: "ssh-agent", SkipFlagParsing: true, ArgsUsage: "[ARG...]", Action: note},
		{Name: "version", Action: note},
	}
}

func cliText(c *cli.Context, name string) string {
	switch v := c.Value(name).(type) {
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case cli.StringSlice:
		return strings.Join(v.Value(), ",")
	case interface{ String() string }:
		return v.String()
	case int:
		return string(rune('0'+v/10)) + string(rune('0'+v%10))
	case string:
		return v
	}
	return "?"
}

// typed runs a command line on the tree; "_" stands for a space inside a word.
func typed(line string) outcome {
	var o outcome
	args := []string{"kagiban"}
	for _, word := range strings.Fields(line) {
		args = append(args, strings.ReplaceAll(word, "_", " "))
	}
	var stdout, stderr bytes.Buffer
	p := &program{stdout: &stdout, stderr: &stderr, verbose: new(slog.LevelVar)}
	o.err = p.dispatch(context.Background(), newApp(p, tree(&o.ran)), args)
	var failed *say.Error
	if errors.As(o.err, &failed) {
		o.id = failed.ID
	}
	o.stdout, o.stderr = stdout.String(), stderr.String()
	return o
}

// TestPermute: the library alone would run several of these without their flags.
func TestPermute(t *testing.T) {
	tests := []struct{ line, want string }{
		{"host add --dry-run vps1", "add dry-run=yes | vps1"},
		{"host add vps1 --dry-run", "add dry-run=yes | vps1"},
		{"host add vps1 -n vps2 --key laptop vps3", "add dry-run=yes key=laptop | vps1 vps2 vps3"},
		{"host add vps1 --key=laptop", "add key=laptop | vps1"},
		{"host add vps1 --key=a=b", "add key=a=b | vps1"},
		{"host add vps1 --key=--dry-run", "add key=--dry-run | vps1"},
		{"host add vps1 --key -", "add key=- | vps1"},
		{"host add -p 22 vps1", "add port=22 | vps1"},
		{"host add vps1 -p22", "add port=22 | vps1"},
		{"host add vps1 -p=22", "add port=22 | vps1"},
		{"host add vps1 -ncp 22", "add dry-run=yes confirm=yes port=22 | vps1"},
		{"host add vps1 -ncp22", "add dry-run=yes confirm=yes port=22 | vps1"},
		{"host add vps1 -cn", "add dry-run=yes confirm=yes | vps1"},
		{"host add vps1 --dry-run=false", "add dry-run=no | vps1"},
		{"host add vps1 -n=false", "add dry-run=no | vps1"},
		{"host add vps1 --on a --on b", "add on=a,b | vps1"},
		{"host add vps1 --undo-after 90s", "add undo-after=1m30s | vps1"},
		{"host add vps1 -v", "add | vps1"},
		{"-v host add vps1", "add | vps1"},
		{"host -v add vps1", "add | vps1"},
		{"host add vps1 -vn", "add dry-run=yes | vps1"},
		{"host add -- vps1", "add | vps1"},
		{"host add --dry-run -- vps1", "add dry-run=yes | vps1"},
		{"host add user@[::1]:22", "add | user@[::1]:22"},
		{"host add add help", "add | add help"},
		{"host export NAME -o FILE", "export out=FILE | NAME"},
		{"host export NAME -oFILE", "export out=FILE | NAME"},
		{"host export NAME -o -", "export out=- | NAME"},
		{"admit vps1 -", "admit | vps1 -"},
		{"admit vps1 -- -", "admit | vps1 -"},
		{"lock", "lock |"},
		{"lock a b c", "lock | a b c"},
		{"rotate", "rotate |"},
		{"turn laptop", "rotate | laptop"},
		{"ssh-agent -t 5 -- -x --help", "ssh-agent | -t 5 -- -x --help"},
		{"-v ssh-agent -v", "ssh-agent | -v"},
		{"secret", "secret |"},
		{"--version", "version |"},
		{"host add --version vps1", "version |"},
		{"lock a_b", "lock | a b"},
		{"lock help h version", "lock | help h version"},
	}
	for _, tt := range tests {
		if got := typed(tt.line); got.err != nil || got.ran != tt.want {
			t.Errorf("%s\n\tran %q, %v\n\twant %q", tt.line, got.ran, got.err, tt.want)
		}
	}
}

// TestUsageErrors: what is not understood never runs.
func TestUsageErrors(t *testing.T) {
	tests := []struct {
		line string
		id   say.ID
		text string // part of the message
	}{
		{"statsu", say.NoSuchCommand, `no command "statsu"; try: kagiban --help`},
		{"lokc", say.UnknownCommand, `no command "lokc", did you mean lock?; try: kagiban lock`},
		{"hots add vps1 -n", say.UnknownCommand, `did you mean host?; try: kagiban host add vps1 -n`},
		{"host ad", say.UnknownCommand, `did you mean add?; try: kagiban host add`},
		{"secre", say.NoSuchCommand, `no command "secre"`},
		{"help lokc", say.UnknownCommand, `did you mean lock?`},
		{"host add vps1 --dry", say.UnknownFlagGuess, "unknown flag --dry, did you mean --dry-run?; try: kagiban host add --help"},
		{"host add vps1 -dry-run", say.UnknownFlagGuess, "unknown flag -d, did you mean --dry-run?"},
		{"host add vps1 --frobnicate=1", say.UnknownFlag, "unknown flag --frobnicate;"},
		{"host add vps1 -1", say.UnknownFlag, "unknown flag -1;"},
		{"host add vps1 --n", say.UnknownFlag, "unknown flag --n;"},
		{"host add vps1 --", "", ""},
		{"host add vps1 --=x", say.UnknownFlag, "unknown flag --;"},
		{"host add vps1 -nz", say.UnknownFlag, "unknown flag -z;"},
		{"host --dry-run add vps1", say.UnknownFlag, "unknown flag --dry-run; try: kagiban host --help"},
		{"--dry-run host add vps1", say.UnknownFlag, "unknown flag --dry-run; try: kagiban --help"},
		{"host add vps1 --key", say.FlagNeedsValue, "--key needs a value"},
		{"host add vps1 --key --dry-run", say.FlagNeedsValue, "written --key=-value"},
		{"host add vps1 -p -n", say.FlagNeedsValue, "-p needs a value"},
		{"host add vps1 -np", say.FlagNeedsValue, "-p needs a value"},
		{"host add vps1 --key=", say.FlagEmpty, "the value of --key is empty"},
		{"host add vps1 -p=", say.FlagEmpty, "the value of -p is empty"},
		{"host add vps1 --yes=", say.FlagEmpty, "the value of --yes is empty"},
		{"host add vps1 --port x", say.BadFlagValue, "port"},
		{"host add vps1 --undo-after 2", say.BadFlagValue, "undo-after"},
		{"host add vps1 --yes=maybe", say.BadFlagValue, "yes"},
		{"host add vps1 -p x", say.BadFlagValue, `"x" for flag -p: a whole number is wanted; try:`},
		{"host add vps1 --port x", say.BadFlagValue, `"x" for flag --port: `},
		{"host add", say.MissingArgument, "kagiban host add needs [USER@]HOST[:PORT]; try:"},
		{"admit vps1", say.MissingArgument, "kagiban admit needs PUBFILE|-"},
		{"admit vps1 a b", say.TooManyArguments, `kagiban admit takes no argument "b" here`},
		{"rotate a b", say.TooManyArguments, `no argument "b"`},
		{"host export NAME", say.MissingFlag, "kagiban host export needs --out; try:"},
		{"host -- add vps1", say.TooManyArguments, `kagiban host takes no argument "add" here`},
		{"-- lock", say.TooManyArguments, `kagiban takes no argument "lock" here`},
		{"host add vps1 -- --dry-run", say.DashArgument, `"--dry-run" looks like a flag`},
		{"host add -- -", say.DashArgument, `"-" looks like a flag`},
		{"host add -", say.DashArgument, `"-" looks like a flag`},
		{"lock -- -a", say.DashArgument, `"-a" looks like a flag`},
	}
	for _, tt := range tests {
		got := typed(tt.line)
		if tt.id == "" {
			if got.err != nil {
				t.Errorf("%s: %v", tt.line, got.err)
			}
			continue
		}
		if got.ran != "" {
			t.Errorf("%s ran %q", tt.line, got.ran)
		}
		if got.err == nil {
			t.Errorf("%s: no error", tt.line)
			continue
		}
		id, fields := say.Of(got.err)
		text := say.Render(id, fields)
		if id != tt.id || !strings.Contains(text, tt.text) || say.ExitCode(id) != say.ExitUsage || strings.Contains(text, "\n") {
			t.Errorf("%s\n\tsays %q (%s)\n\twant %q (%s)", tt.line, text, id, tt.text, tt.id)
		}
		if got.stdout != "" || got.stderr != "" {
			t.Errorf("%s: the library printed %q %q", tt.line, got.stdout, got.stderr)
		}
	}
}

// TestHelp: help wherever it is asked for, and nothing runs.
func TestHelp(t *testing.T) {
	tests := []struct{ line, want string }{
		{"--help", "usage: kagiban COMMAND\n"},
		{"-h", "  host add [USER@]HOST[:PORT]..."},
		{"help", "usage: kagiban COMMAND\n"},
		{"help host", "usage: kagiban host COMMAND\n"},
		{"host help", "usage: kagiban host COMMAND\n"},
		{"host -h add", "usage: kagiban host add [USER@]HOST[:PORT]... [flags]\n"},
		{"help host add", "usage: kagiban host add [USER@]HOST[:PORT]... [flags]\n"},
		{"host add --help vps1 vps2", "  -p, --port VALUE"},
		{"host add vps1 --dry-run -h", "usage: kagiban host add"},
		{"rotate a b c -h", "usage: kagiban rotate [KEY]\n"},
	}
	for _, tt := range tests {
		got := typed(tt.line)
		if got.err != nil || got.ran != "" || got.stderr != "" || !strings.Contains(got.stdout, tt.want) {
			t.Errorf("%s: ran %q, %v, stderr %q, stdout\n%s\nwant %q", tt.line, got.ran, got.err, got.stderr, got.stdout, tt.want)
		}
	}
	if text := typed("--help").stdout; strings.Contains(text, "secret") {
		t.Errorf("help shows what is hidden:\n%s", text)
	}
}

// TestGroupAlone: a group does nothing by itself, and says so with its exit code.
func TestGroupAlone(t *testing.T) {
	for _, line := range []string{"host", "", "-v", "host -v"} {
		got := typed(line)
		if got.err != exitStatus(say.ExitUsage) || got.stdout != "" || !strings.Contains(got.stderr, "host add") {
			t.Errorf("%q: %v, stdout %q, stderr %q", line, got.err, got.stdout, got.stderr)
		}
	}
}

// TestCompletionNeverRuns: the shells' scripts append the flag to whatever stands
// on the line, and the library would run the action after "--".
func TestCompletionNeverRuns(t *testing.T) {
	for _, line := range []string{
		"lock " + completionFlag, "host add vps1 -- " + completionFlag, "host add --dr " + completionFlag,
		completionFlag + " host add vps1", "lock " + completionFlag + " a", "ssh-agent -t " + completionFlag, "host add --key " + completionFlag,
	} {
		if got := typed(line); got.ran != "" || got.err != nil {
			t.Errorf("%s: ran %q, %v", line, got.ran, got.err)
		}
	}
}

// TestGuardIsIndependent: even if an argument that looks like a flag came through
// permute, no action of the real command line would see it.
func TestGuardIsIndependent(t *testing.T) {
	p := &program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), verbose: new(slog.LevelVar)}
	seen := 0
	leaves(t, func(name string, c *cli.Command) {
		if c.SkipFlagParsing {
			return
		}
		seen++
		args := append(strings.Fields(name), "--", "vps1", "--dry-run") // as the library would read it
		err := newApp(p, commands(p)).Run(args)
		var failed *say.Error
		if !errors.As(err, &failed) || failed.ID != say.DashArgument {
			t.Errorf("%s: %v", name, err)
		}
	})
	if seen < 2 {
		t.Errorf("only %d commands", seen)
	}
}
