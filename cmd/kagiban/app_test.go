package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// leaves calls visit with every command of the real command line that does
// something, and its full name.
func leaves(t *testing.T, visit func(name string, c *cli.Command)) {
	t.Helper()
	p := &program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), verbose: new(slog.LevelVar)}
	app := newApp(p, commands(p))
	var walk func(path string, all []*cli.Command)
	walk = func(path string, all []*cli.Command) {
		for _, c := range all {
			name := path + " " + c.Name
			if len(c.Subcommands) == 0 {
				visit(name, c)
				continue
			}
			if len(c.Flags) > 0 || c.Action != nil {
				t.Errorf("%s is a group, and has flags or an action of its own", name)
			}
			walk(name, c.Subcommands)
		}
	}
	walk("kagiban", app.Commands)
}

// TestCommandLine: what help shows is there for each command, and no flag of a
// command hides one of the program's.
func TestCommandLine(t *testing.T) {
	program := newApp(&program{}, nil).Flags
	leaves(t, func(name string, c *cli.Command) {
		if c.Usage == "" || strings.HasSuffix(c.Usage, ".") {
			t.Errorf("%s: usage %q", name, c.Usage)
		}
		if c.Action == nil {
			t.Errorf("%s does nothing", name)
		}
		for i, f := range c.Flags {
			d, ok := f.(cli.DocGenerationFlag)
			if !ok || d.GetUsage() == "" {
				t.Errorf("%s: flag --%s says nothing of itself", name, f.Names()[0])
			}
			for _, word := range f.Names() {
				if byName(program, word) != nil && !c.SkipFlagParsing {
					t.Errorf("%s: flag %q hides the program's", name, word)
				}
				if byName(c.Flags[:i], word) != nil {
					t.Errorf("%s: flag %q stands twice", name, word)
				}
			}
		}
	})
}

// TestBounds: how many arguments a usage text allows.
func TestBounds(t *testing.T) {
	tests := []struct {
		usage  string
		needed []string
		most   int // 100 is any number
	}{
		{"", nil, 0},
		{"NAME", []string{"NAME"}, 1},
		{"OLD NEW", []string{"OLD", "NEW"}, 2},
		{"[KEY]", nil, 1},
		{"[KEY...]", nil, 100},
		{"[KEY]...", nil, 100},
		{"HOST...", []string{"HOST"}, 100},
		{"[USER@]HOST[:PORT]...", []string{"[USER@]HOST[:PORT]"}, 100},
		{"[USER@]HOST[:PORT]", []string{"[USER@]HOST[:PORT]"}, 1},
		{"HOST PUBFILE|-", []string{"HOST", "PUBFILE|-"}, 2},
		{"NAME [FILE]", []string{"NAME"}, 2},
	}
	for _, tt := range tests {
		needed, most := bounds(tt.usage)
		if !slices.Equal(needed, tt.needed) || min(most, 100) != tt.most {
			t.Errorf("%q: %q, %d; want %q, %d", tt.usage, needed, most, tt.needed, tt.most)
		}
	}
}

// FuzzPermute: no word that looks like a flag becomes an argument, except after
// "--", and nothing makes it panic.
func FuzzPermute(f *testing.F) {
	f.Add("host add vps1 --dry-run -- --yes")
	f.Add("host add -np22 --key=- \xff --= -")
	f.Fuzz(func(t *testing.T, line string) {
		var ran string
		p := &program{}
		words := strings.Split(line, " ")
		c, err := permute(newApp(p, tree(&ran)), append([]string{"kagiban"}, words...))
		if err != nil || c.raw {
			return
		}
		end := slices.Index(words, "--")
		for _, arg := range c.args {
			if len(arg) > 1 && arg[0] == '-' && (end < 0 || !slices.Contains(words[end:], arg)) {
				t.Errorf("%q: argument %q", line, arg)
			}
		}
	})
}
