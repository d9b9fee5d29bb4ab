// Package inventory reads lists of servers as people have them already: one to a line, an ssh_config(5), or an Ansible inventory (INI or YAML),
// told apart by what stands in them.
//
// It promises to understand a line or to refuse it by file and number, never to pass over one in silence: a server that is left out on purpose is
// a [Note]. It reads files and does nothing else; what may be a name or a host is for its caller to judge.
package inventory

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// A Host is one server of a list.
type Host struct {
	// Name is what the list calls it; "" where that is all there is, the destination.
	Name string
	// Destination is [USER@]HOST[:PORT].
	Destination string
	// Where it stands, FILE:LINE.
	Where string
}

// A Note is a server that stands in the list and is not among its hosts, and why; or something that was not looked at.
type Note struct{ Where, What string }

// A List is what a file says.
type List struct {
	Hosts []Host
	Notes []Note
	// Aliases: the destinations are aliases of the ssh_config(5) that the file is.
	Aliases bool
	// Runs is the first line of that ssh_config(5), or of what it includes, which has ssh run a program; "" where none does.
	Runs string
	// Ansible: it is an inventory; what stands beside it in group_vars and host_vars was not read.
	Ansible bool
}

// most is how many hosts a list may have: a range is quickly mistyped.
const most = 10000

// A SyntaxError is a line that is not understood.
type SyntaxError struct {
	File string
	Line int // counts from 1
	What string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What) }

// source is the text that is being read.
type source struct {
	file string
	text string
}

func (s source) errorf(line int, format string, args ...any) error {
	return &SyntaxError{s.file, line, fmt.Sprintf(format, args...)}
}

func (s source) where(line int) string { return fmt.Sprintf("%s:%d", s.file, line) }

// Parse reads text, which is what stands in file. home is the user's, for the Include lines of an ssh_config(5). A host that stands there twice is
// returned once. Errors: *[SyntaxError].
func Parse(file string, text []byte, home string) (List, error) {
	s := source{file, string(bytes.TrimPrefix(text, []byte("\ufeff")))}
	switch s.kind() {
	case sshConfig:
		return s.sshConfig(home)
	case ansibleYAML:
		return s.yaml()
	case ansibleINI:
		return s.ini()
	}
	return s.plain()
}

// The kinds of list.
type kind int

const (
	plain kind = iota
	sshConfig
	ansibleINI
	ansibleYAML
)

var (
	hostOrMatch = regexp.MustCompile(`(?i)^\s*(host|match)(\s+|\s*=\s*)[^=]+$`)
	yamlStart   = regexp.MustCompile(`^(---|%YAML|\{)`)
	yamlKey     = regexp.MustCompile(`^[^\s#\[:]+:\s*(#.*)?$`)
	section     = regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`)
	variable    = regexp.MustCompile(`^\S+\s+[A-Za-z_]\w*=`)
)

// kind tells what the text is, by the first line that is only ever found in one of the kinds.
func (s source) kind() kind {
	for _, line := range s.lines() {
		switch {
		case hostOrMatch.MatchString(line.text):
			return sshConfig
		case yamlStart.MatchString(line.raw), yamlKey.MatchString(line.raw):
			return ansibleYAML
		case section.MatchString(line.text) && !strings.Contains(line.text, "::"), variable.MatchString(line.text), ranges.MatchString(line.text):
			return ansibleINI
		}
	}
	return plain
}

// line is a line that says something.
type line struct {
	number    int
	text, raw string // text has no white space around it
}

// lines are those that are neither empty nor comments; a comment begins with #, in an INI file with ; as well.
func (s source) lines() []line {
	var all []line
	number := 0
	for raw := range strings.Lines(s.text) {
		number++
		raw = strings.TrimRight(raw, "\r\n")
		if text := strings.TrimSpace(raw); text != "" && text[0] != '#' && text[0] != ';' {
			all = append(all, line{number, text, raw})
		}
	}
	return all
}

// plain is a list with one host to a line.
func (s source) plain() (List, error) {
	var l List
	for _, line := range s.lines() {
		text, _, _ := strings.Cut(line.text, " #")
		text, _, _ = strings.Cut(text, "\t#")
		words := strings.Fields(text)
		if len(words) != 1 {
			return l, s.errorf(line.number, "%.80q is not one [USER@]HOST[:PORT]", text)
		}
		l.add(Host{Destination: words[0], Where: s.where(line.number)})
	}
	return l, nil
}

// add puts a host to the list, unless it is there.
func (l *List) add(h Host) {
	for _, x := range l.Hosts {
		if x.Name == h.Name && x.Destination == h.Destination {
			return
		}
	}
	l.Hosts = append(l.Hosts, h)
}
