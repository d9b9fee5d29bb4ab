// Package remote is the server's half of kagiban: POSIX sh, one file per verb, sent over standard input and
// gone when it ends. Go decides, the script does.
//
// It promises that nothing secret and no script text ever stands in an argument list, that a verb's answer cannot
// be confused with what a login shell, a banner or a profile prints (every line of ours begins with a nonce), and that
// an answer that was cut off is seen to be cut off. Only [Stage] and [Enforce] leave something behind while a change waits for its
// confirmation: the undo switch in /run/kagiban, which a reboot clears; and, for an sshd that knows no Include, what takes the change
// out at boot (place.sh, recovery).
package remote

import (
	"cmp"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

//go:embed *.sh
var files embed.FS

// A Verb is something that the server's half can do.
type Verb struct {
	name string
	// root: the verb works on sshd, so it runs as root and has sshd.sh and place.sh before it.
	root bool
	// resident: the verb is one of the undo switch's, which Stage has put on the server.
	resident bool
	// file has the verb, where that is not one of its own name; it is told the name first.
	file string
	// with are the files of functions that the verb needs besides.
	with string
}

// The verbs; their arguments and answers are described at the head of each .sh file.
var (
	Look     = Verb{name: "look", with: "obstacle"}
	Who      = Verb{name: "who"}
	Append   = Verb{name: "append"}
	Takeback = Verb{name: "takeback", file: "takeback"}
	Retract  = Verb{name: "retract", file: "takeback"} // for a line that came when our drop-in stood already
	Inspect  = Verb{name: "inspect", root: true, with: "accounts obstacle config"}
	Listen   = Verb{name: "listen", root: true, with: "unit"}
	Stage    = Verb{name: "stage", root: true, with: "config rehearsal"}
	Newcomer = Verb{name: "newcomer", root: true}
	Rehearse = Verb{name: "rehearse", root: true, with: "config rehearsal"}
	Create   = Verb{name: "create", root: true, resident: true}
	Drop     = Verb{name: "drop", root: true}
	Enforce  = Verb{name: "enforce", root: true, resident: true}
	Confirm  = Verb{name: "confirm", root: true, resident: true}
	Cancel   = Verb{name: "cancel", root: true, file: "undo", with: "account"} // brought along: it may all be over there, and the folder gone
	Forget   = Verb{name: "forget", root: true, resident: true}
	// Keys runs as the login user, too.
	Keys     = Verb{name: "keys", root: true, with: "config"}
	Revoke   = Verb{name: "revoke"}
	Sessions = Verb{name: "sessions", root: true}
)

// String is the verb's name, for logs and errors.
func (v Verb) String() string { return v.name }

// Run is the folder on the server in which changes that are not confirmed yet live, each in a folder of its token's name.
const Run = "/run/kagiban"

// KeyOnly is the text of the drop-in as [Stage] leaves it there for a token.
func KeyOnly(token string) string { return Run + "/" + token + "/key-only.conf" }

// Rehearsal is the configuration that [Stage] leaves there, as the server's would be with our drop-in.
func Rehearsal(token string) string { return Run + "/" + token + "/rehearse.conf" }

// Nonce returns a word that nobody can guess, 16 hexadecimal digits: it marks one run's lines, or names one change.
func Nonce() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}

// Program returns the shell program of a verb, to be fed to `sh -s`. The first argument of the undo switch's verbs is the token.
func (v Verb) Program(nonce string, args ...string) string {
	var b strings.Builder
	// The first line ends what a login shell may have printed last: noise without a line end would swallow ours.
	fmt.Fprintf(&b, "echo\nKG=KG%s\nexport KG\n", nonce)
	if v.resident {
		script := Quote(Run + "/" + args[0] + "/undo.sh")
		if v == Cancel {
			b.WriteString("[ -e " + script + " ] || {\nset -- cancel " + Quote(args[0]) + "\n" + UndoScript() + "exit\n}\n") // the watcher was first, and is gone
		}
		b.WriteString("exec sh " + script + " " + v.name)
		for _, a := range args {
			b.WriteString(" " + Quote(a))
		}
		b.WriteString("\n")
		return b.String()
	}
	b.WriteString("set --")
	if v.file != "" {
		b.WriteString(" " + v.name)
	}
	for _, a := range args {
		b.WriteString(" " + Quote(a))
	}
	b.WriteString("\n" + source("common"))
	if v.root {
		b.WriteString(source("sshd") + source("place"))
	}
	for name := range strings.FieldsSeq(v.with) {
		b.WriteString(source(name))
	}
	b.WriteString(source(cmp.Or(v.file, v.name)) + "true\n") // what failed has said so
	return b.String()
}

// UndoScript is what [Stage] puts on the server: the undo switch, whole.
func UndoScript() string {
	return source("common") + source("sshd") + source("place") + source("account") + source("undo")
}

func source(name string) string {
	text, err := files.ReadFile(name + ".sh")
	if err != nil {
		panic("remote: no script " + name) // embedded at build time
	}
	return string(text)
}

// Quote makes one word of s for a POSIX shell. Quoted twice it is one for fish, too, to which \' is a quote even between quotes.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }

// A Failure is what a verb says when it cannot do its work: a word that names the kind, and a detail. Said is what a tool of the
// server's complained of last, for whoever ran the verb to fill in.
type Failure struct{ Verb, What, Detail, Said string }

func (f *Failure) Error() string {
	return fmt.Sprintf("%s on the server: %s (%s)", f.Verb, f.What, strings.TrimSuffix(f.Detail+"; "+f.Said, "; "))
}

// ErrCutOff means that a verb did not run to its end: the link broke, or the account does not run commands.
var ErrCutOff = errors.New("the server's answer is not whole")

// An Answer is what a verb said.
type Answer struct {
	words []word
	texts map[string]string
}

type word struct{ key, value string }

// Parse reads a verb's output. Lines that are not ours are passed over.
//
// Errors: *[Failure] when the verb says that it failed (the answer is returned too), [ErrCutOff] when its last line is missing.
func Parse(v Verb, nonce string, output []byte) (*Answer, error) {
	a := &Answer{texts: map[string]string{}}
	mark := "KG" + nonce + " "
	var failure *Failure
	done := false
	rest := string(output)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		ours, found := strings.CutPrefix(line, mark)
		if !found {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(ours, "\r"), " ")
		switch key {
		case "begin", "quote":
			end := "\n" + mark + "end " + value + "\n"
			text, after, whole := strings.Cut("\n"+rest, end)
			text = strings.TrimPrefix(text, "\n")
			if key == "quote" && whole {
				text, whole = unquoted(text)
			}
			if !whole {
				return a, fmt.Errorf("%s: %w", v, ErrCutOff)
			}
			a.texts[value], rest = text, after
			a.words = append(a.words, word{"text", value})
		case "error":
			what, detail, _ := strings.Cut(value, " ")
			failure = &Failure{Verb: v.name, What: what, Detail: detail}
		case "done":
			if done = true; value != "0" && failure == nil { // the shell itself gave up half-way
				failure = &Failure{Verb: v.name, What: "stopped", Detail: "exit status " + value}
			}
		default:
			a.words = append(a.words, word{key, value})
		}
	}
	switch {
	case failure != nil:
		return a, failure
	case !done:
		return a, fmt.Errorf("%s: %w", v, ErrCutOff)
	}
	return a, nil
}

// unquoted takes the mark from the beginning of each line; false where one has none.
func unquoted(text string) (string, bool) {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		rest, marked := strings.CutPrefix(line, "|")
		if !marked && line != "" {
			return "", false
		}
		b.WriteString(rest)
	}
	return b.String(), true
}

// Get returns the last value said under key, "" if there was none.
func (a *Answer) Get(key string) string {
	all := a.All(key)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// Has tells whether key was said at all.
func (a *Answer) Has(key string) bool { return len(a.All(key)) > 0 }

// All returns the values said under key, in order; under "text" these are the names of the texts.
func (a *Answer) All(key string) []string {
	var values []string
	for _, w := range a.words {
		if w.key == key {
			values = append(values, w.value)
		}
	}
	return values
}

// Text returns a text by its name, byte for byte.
func (a *Answer) Text(name string) (string, bool) {
	t, ok := a.texts[name]
	return t, ok
}
