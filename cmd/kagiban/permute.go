package main

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

// call is a command line that has been understood.
type call struct {
	names   []string     // the command's path, without the program's name
	command *cli.Command // nil when no command was named
	global  []string     // flags of the program, as --name=value
	flags   []string     // flags of the command, as --name=value
	args    []string
	raw     bool // args go to the command as they are (SkipFlagParsing)
	help    bool
	version bool
	written map[string]string // by a flag's first name: as it stood on the command line
}

// asWritten has an error about a flag's value name the flag as the person did: the library knows its first name, with one dash.
func (c *call) asWritten(err error) error {
	var bad *say.Error
	if errors.As(err, &bad) && bad.ID == say.BadFlagValue {
		for name, written := range c.written {
			text, found := strings.CutSuffix(bad.Fields["error"], " -"+name+": parse error")
			if found && c.command != nil {
				text += " -" + name + ": " + takes(byName(c.command.Flags, name))
			}
			bad.Fields["error"] = strings.Replace(text, " -"+name+": ", " "+written+": ", 1)
		}
	}
	return err
}

// takes is what the value of a flag must be, where the library has no words for it.
func takes(f cli.Flag) string {
	switch f.(type) {
	case *cli.IntFlag:
		return "a whole number is wanted"
	case *cli.DurationFlag:
		return "a time is wanted, such as 90s or 2m"
	}
	return "true or false is wanted"
}

// argv is the same command line in the one order that the library reads rightly:
// flags before arguments, and two dashes between them.
func (c *call) argv() []string {
	argv := slices.Concat([]string{"kagiban"}, c.global, c.names, c.flags)
	if !c.raw {
		argv = append(argv, "--")
	}
	return append(argv, c.args...)
}

// path is the command's full name, for messages.
func (c *call) path() string { return strings.Join(append([]string{"kagiban"}, c.names...), " ") }

// permute reads args (with the program's name first) by GNU's rules: flags stand
// before or after arguments, the program's own flags anywhere; --name value,
// --name=value, -n value, -nvalue, -n=value, and short flags together, -nv. After
// "--" everything is an argument. A value that begins with a dash must be joined
// by "=", so that `--key --dry-run` is an error and not a key with a strange name.
//
// Every error is a usage error; nothing has run by then.
func permute(app *cli.App, args []string) (*call, error) {
	p := &permuter{app: app, call: &call{written: map[string]string{}}, rest: args[1:]}
	for len(p.rest) > 0 {
		if p.call.raw {
			p.call.args = p.rest
			break
		}
		if err := p.word(p.take()); err != nil {
			return nil, err
		}
	}
	if p.call.help || p.call.version || p.call.raw {
		return p.call, nil
	}
	if p.call.command == nil || len(p.call.command.Subcommands) > 0 {
		if len(p.call.args) > 0 {
			return nil, p.fail(say.TooManyArguments, "arg", p.call.args[0])
		}
		return p.call, nil
	}
	if err := p.required(); err != nil {
		return nil, err
	}
	if slices.Contains(p.call.args, "") { // a script's empty variable, which must not do what the argument left out does
		return nil, p.fail(say.ArgumentEmpty)
	}
	return p.call, checkCount(p.call)
}

// permuter is the state of reading: the call so far and the words to come.
type permuter struct {
	app  *cli.App
	call *call
	rest []string
}

func (p *permuter) take() string {
	word := p.rest[0]
	p.rest = p.rest[1:]
	return word
}

func (p *permuter) fail(id say.ID, pairs ...string) error {
	return say.Fail(id, nil, append(pairs, "command", p.call.path(), "group", p.call.path())...)
}

// word takes one word of the command line.
func (p *permuter) word(word string) error {
	switch {
	case word == "--":
		p.call.args = append(p.call.args, p.rest...)
		p.rest = nil
		return nil
	case strings.HasPrefix(word, "--"):
		return p.long(word)
	case strings.HasPrefix(word, "-") && word != "-":
		return p.short(word)
	case p.call.command == nil || len(p.call.command.Subcommands) > 0:
		return p.descend(word)
	}
	p.call.args = append(p.call.args, word)
	return nil
}

// descend takes the name of a command or subcommand.
func (p *permuter) descend(name string) error {
	all := p.app.Commands
	if p.call.command != nil {
		all = p.call.command.Subcommands
	}
	for _, c := range all {
		if c.HasName(name) {
			p.call.command = c
			p.call.names = append(p.call.names, c.Name)
			p.call.raw = c.SkipFlagParsing
			return nil
		}
	}
	if name == "help" {
		p.call.help = true
		return nil
	}
	var names []string
	for _, c := range all {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	if guess := closest(name, names); guess != "" {
		next := []string{p.call.path(), guess}
		for _, word := range p.rest {
			next = append(next, say.Quote(word))
		}
		return p.fail(say.UnknownCommand, "name", name, "guess", guess, "next", strings.Join(next, " "))
	}
	return p.fail(say.NoSuchCommand, "name", name)
}

// long takes --name, --name=value or --name value.
func (p *permuter) long(word string) error {
	name, value, joined := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	f, global := p.find(name)
	if f == nil || utf8.RuneCountInString(name) < 2 {
		return p.unknown("--"+name, name)
	}
	if takesValue(f) && !joined {
		var err error
		if value, err = p.value("--" + name); err != nil {
			return err
		}
		joined = true
	}
	return p.add(f, global, "--"+name, value, joined)
}

// short takes -n, -n value, -nvalue, -n=value, and several short flags together.
func (p *permuter) short(word string) error {
	for letters := word[1:]; letters != ""; {
		_, size := utf8.DecodeRuneInString(letters)
		name, rest := letters[:size], letters[size:]
		f, global := p.find(name)
		if f == nil {
			return p.unknown("-"+name, strings.TrimLeft(word, "-"))
		}
		value, joined := strings.CutPrefix(rest, "=")
		if takesValue(f) {
			var err error
			if rest == "" {
				if value, err = p.value("-" + name); err != nil {
					return err
				}
			}
			return p.add(f, global, "-"+name, value, true)
		}
		if joined {
			return p.add(f, global, "-"+name, value, true)
		}
		if err := p.add(f, global, "-"+name, "", false); err != nil {
			return err
		}
		letters = rest
	}
	return nil
}

// value takes the next word as the value of a flag.
func (p *permuter) value(flag string) (string, error) {
	if len(p.rest) == 0 || strings.HasPrefix(p.rest[0], "-") && p.rest[0] != "-" {
		return "", p.fail(say.FlagNeedsValue, "flag", flag)
	}
	return p.take(), nil
}

// add notes a flag under its first name, however it was written. An empty value is a script's empty variable, and must not do what the flag
// left out does.
func (p *permuter) add(f cli.Flag, global bool, written, value string, joined bool) error {
	if joined && value == "" {
		return p.fail(say.FlagEmpty, "flag", written)
	}
	name := f.Names()[0]
	p.call.written[name] = written
	word := "--" + name
	if joined {
		word += "=" + value
	}
	switch {
	case !global:
		p.call.flags = append(p.call.flags, word)
	case name == "help":
		p.call.help = true
	case name == "version":
		p.call.version = true
	default:
		p.call.global = append(p.call.global, word)
	}
	return nil
}

// find looks a flag up by one of its names: the command's own first, then the
// program's.
func (p *permuter) find(name string) (f cli.Flag, global bool) {
	if p.call.command != nil {
		if f := byName(p.call.command.Flags, name); f != nil {
			return f, false
		}
	}
	return byName(p.app.Flags, name), true
}

func byName(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// takesValue tells value flags from those that stand alone.
func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return !ok || d.TakesValue()
}

// unknown is the error for a flag that the command does not have; like is what
// the person may have meant to write.
func (p *permuter) unknown(flag, like string) error {
	all := p.app.Flags
	if p.call.command != nil {
		all = slices.Concat(p.call.command.Flags, all)
	}
	var names []string
	for _, f := range all {
		for _, name := range f.Names() {
			if utf8.RuneCountInString(name) > 1 {
				names = append(names, name)
			}
		}
	}
	if guess := closest(like, names); guess != "" {
		return p.fail(say.UnknownFlagGuess, "flag", flag, "guess", "--"+guess)
	}
	return p.fail(say.UnknownFlag, "flag", flag)
}

// required checks that the flags without which a command means nothing are there.
func (p *permuter) required() error {
	for _, f := range p.call.command.Flags {
		r, ok := f.(cli.RequiredFlag)
		given := func(word string) bool { return strings.HasPrefix(word, "--"+f.Names()[0]+"=") }
		if ok && r.IsRequired() && !slices.ContainsFunc(p.call.flags, given) {
			return p.fail(say.MissingFlag, "flag", "--"+f.Names()[0])
		}
	}
	return nil
}
