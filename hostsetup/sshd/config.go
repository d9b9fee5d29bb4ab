package sshd

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A File is one configuration file as sshd reads it.
type File struct{ Path, Text string }

// A Line is a setting in a file.
type Line struct {
	File    string
	Number  int    // from 1
	Keyword string // lower case
	Value   string
	Match   string // the Match line above it in its file, "" outside of a block
}

// Where is "file:line", for people.
func (l Line) Where() string { return fmt.Sprintf("%s:%d", l.File, l.Number) }

// Lines returns the settings of a file. A Match block reaches to the end of its file: sshd_config(5), and an
// Include inside a block belongs to the block. So it does after "Match all": what stands there wins over what stands before any Match.
func (f File) Lines() []Line {
	var lines []Line
	match := ""
	for i, text := range strings.Split(f.Text, "\n") {
		keyword, value := split(text)
		if keyword == "" {
			continue
		}
		if keyword == "match" {
			match = strings.TrimSpace(text)
			continue
		}
		lines = append(lines, Line{f.Path, i + 1, keyword, value, match})
	}
	return lines
}

// split takes a line apart: keyword and value are parted by blanks or one "=", a value may stand in quotes, and "#" ends it.
func split(text string) (keyword, value string) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if text == "" || text[0] == '#' {
		return "", ""
	}
	end := strings.IndexAny(text, " \t=")
	if end < 0 {
		return strings.ToLower(text), ""
	}
	value = strings.TrimLeft(text[end:], " \t")
	value = strings.TrimSpace(strings.TrimPrefix(value, "="))
	if before, _, found := strings.Cut(value, " #"); found {
		value = strings.TrimSpace(before)
	}
	return strings.ToLower(text[:end]), strings.NewReplacer(`"`, "", "'", "").Replace(value)
}

// includes tells whether an Include line reads the file at p.
func (l Line) includes(p string) bool {
	return l.Keyword == "include" && slices.ContainsFunc(strings.Fields(l.Value), func(pattern string) bool {
		if !path.IsAbs(pattern) {
			pattern = path.Join("/etc/ssh", pattern)
		}
		matched, err := path.Match(pattern, p)
		return err == nil && matched
	})
}

// A Door is a setting that leaves a typed password possible although our drop-in stands.
type Door struct {
	Line
	Inside bool // in a Match block, so for some logins only
}

// opens tells whether the line switches a typed method on. Whatever is not plainly "no" counts as that.
func (l Line) opens() bool {
	switch l.Keyword {
	case "passwordauthentication", "kbdinteractiveauthentication", "challengeresponseauthentication", "skeyauthentication":
		return !strings.EqualFold(l.Value, "no")
	}
	return false
}

// blocks tells, for each file that is included inside of a Match block, which block that is: all of the file belongs to it.
func blocks(files []File) map[string]string {
	inside := map[string]string{}
	for _, f := range files { // the includer comes before what it includes
		for _, l := range f.Lines() {
			match := l.Match
			if match == "" {
				match = inside[f.Path]
			}
			if l.Keyword != "include" || match == "" {
				continue
			}
			for _, g := range files {
				if l.includes(g.Path) {
					inside[g.Path] = match
				}
			}
		}
	}
	return inside
}

// Doors returns what our settings could not close: lines that sshd reads before the drop-in, and lines inside of Match blocks, which win
// over every global line. files are the configuration's files, the main one first, each once.
func Doors(files []File) []Door { return stronger(files, Line.opens) }

// Walls returns what would keep a key out although our settings stand, and is not seen from here: there is no key for who comes another way.
func Walls(files []File) []Door { return stronger(files, Line.walls) }

// walls tells whether the line takes no key from some places, or looks elsewhere for it. What is said of users and groups alone shows when
// sshd is asked for each of them.
func (l Line) walls() bool {
	words := strings.Fields(strings.ToLower(l.Match))
	placed := slices.ContainsFunc(words, func(word string) bool {
		word, _, _ = strings.Cut(word, "=")
		return slices.Contains([]string{"address", "host", "localaddress", "localport", "rdomain"}, word)
	})
	switch l.Keyword {
	case "pubkeyauthentication":
		return strings.EqualFold(l.Value, "no") && (l.Match == "" || placed)
	case "authorizedkeysfile":
		return placed
	}
	return false
}

// stronger returns the lines that win over our settings, of those that count.
func stronger(files []File, counts func(Line) bool) []Door {
	var doors []Door
	if len(files) == 0 {
		return nil
	}
	_, blocked := Blocked(files)
	for _, l := range files[0].Lines() {
		if blocked || l.includes(DropInPath) && l.Match == "" {
			break // nothing global comes before a block at line 1
		}
		if counts(l) && l.Match == "" {
			doors = append(doors, Door{Line: l})
		}
	}
	inside := blocks(files)
	for _, f := range files {
		if f.Path == DropInPath {
			continue
		}
		early := !blocked && path.Dir(f.Path) == path.Dir(DropInPath) && f.Path < DropInPath
		for _, l := range f.Lines() {
			if l.Match == "" {
				l.Match = inside[f.Path]
			}
			if counts(l) && (l.Match != "" || early) {
				doors = append(doors, Door{l, l.Match != ""})
			}
		}
	}
	return doors
}

// Factors returns the lines, in Match blocks and outside, by which nobody gets in who types nothing (AuthenticationMethods).
// Without passwords they let nobody in at all.
func Factors(files []File) []Line {
	var factors []Line
	inside := blocks(files)
	for _, f := range files {
		for _, l := range f.Lines() {
			l.Match = cmp.Or(l.Match, inside[f.Path])
			lists := Effective{l.Keyword: {l.Value}}.methods()
			untyped := slices.ContainsFunc(lists, func(list string) bool {
				return !strings.Contains(list, "password") && !strings.Contains(list, "keyboard-interactive")
			})
			if len(lists) > 0 && !untyped {
				factors = append(factors, l)
			}
		}
	}
	return factors
}

// Loosened tells whether an AuthenticationMethods of a Match block takes something typed first: then it is for some logins that one outside of
// it keeps nothing out.
func Loosened(files []File) bool {
	inside := blocks(files)
	return slices.ContainsFunc(files, func(f File) bool {
		return slices.ContainsFunc(f.Lines(), func(l Line) bool {
			return l.Keyword == "authenticationmethods" && cmp.Or(l.Match, inside[f.Path]) != "" &&
				slices.ContainsFunc(strings.Fields(l.Value), func(list string) bool { return begins(list) != "publickey" })
		})
	})
}

// Rehearse returns the main configuration as it will be read with our settings in place. As a rule they are in the drop-in: the Include that
// reads sshd_config.d is spelled out, file by file in sshd's order (glob(7), by bytes), with dropIn at its place. Where that would not be read
// ([Blocked]), block, ours, comes first. The text can be given to `sshd -f`.
func Rehearse(files []File, dropIn, block string) string {
	main := files[0]
	if _, blocked := Blocked(files); blocked {
		rest, _ := Unblocked(main.Text)
		return block + rest
	}
	var included []string
	lines := strings.SplitAfter(main.Text, "\n")
	for _, at := range main.Lines() {
		if !at.includes(DropInPath) {
			continue
		}
		for _, f := range files[1:] {
			if at.includes(f.Path) && f.Path != DropInPath && !slices.Contains(included, f.Path) {
				included = append(included, f.Path)
			}
		}
		included = append(included, DropInPath)
		slices.Sort(included)
		var b strings.Builder
		for _, p := range included {
			if p == DropInPath {
				p = dropIn
			}
			fmt.Fprintf(&b, "Include %s\n", p)
		}
		lines[at.Number-1] = b.String()
		break
	}
	return strings.Join(lines, "")
}
