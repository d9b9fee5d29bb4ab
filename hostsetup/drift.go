package hostsetup

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"kagiban/hostsetup/sshd"
)

// drift judges what sshd makes of its files, which is what it does from its next start on: what has come since it was made key-only, by file and line.
func (e *exam) drift() {
	f := e.facts
	for _, p := range f.problems {
		switch p.ID {
		case "change-pending", "undo-waiting", "sshd-broken", "sshd-options":
			e.doubt(p)
		case "block-edited", "drop-in-foreign":
			e.note(p)
		}
	}
	waits := slices.ContainsFunc(f.problems, func(p Problem) bool { return p.ID == "change-pending" || p.ID == "undo-waiting" })
	switch {
	case len(f.effective[""]) == 0:
		e.unsure = true // sshd refuses its files, and has said why
		return
	case f.unconfirmed():
		if !waits {
			e.open(problem("drop-in-unconfirmed", "path", f.place(), "name", e.Target.Name))
		}
		return
	}
	byFile := f.causes(e.Target.Name)
	e.open(byFile...)
	e.factors()
	switch accounts := f.typing(); {
	case len(byFile) > 0 && !e.offersTyped():
		e.note(problem("open-at-restart", "methods", strings.Join(e.health.Methods, ", ")))
	case len(byFile) > 0:
	case len(accounts) > 0: // by no line that we know of
		e.open(problem("password-for", "accounts", strings.Join(accounts, ", "), "user", accounts[0]))
	case e.offersTyped():
		e.note(problem("not-in-force", "reload", reload(f.manner)))
	}
}

func (e *exam) offersTyped() bool {
	return slices.ContainsFunc(e.health.Problems, func(p Problem) bool { return p.ID == "password-offered" })
}

// causes are the lines of sshd's files by which something typed lets people in, those for everybody first.
func (f *facts) causes(name string) []Problem {
	var found []Problem
	add := func(p Problem) {
		if !slices.ContainsFunc(found, func(x Problem) bool { return x.ID == p.ID && maps.Equal(x.About, p.About) }) {
			found = append(found, p)
		}
	}
	for _, method := range f.effective[""].Typed() {
		line, there := sshd.Decides(f.files, method)
		add(f.cause(method, line, there, name))
	}
	everybody := len(found) > 0
	for _, d := range f.doors() {
		if d.Inside || everybody { // one for everybody, where nothing is open to them, is overruled itself
			add(f.door(d))
		}
	}
	return found
}

// doors are the lines by which something typed lets people in whatever our drop-in says.
func (f *facts) doors() []sshd.Door {
	if f.effective[""].KeyFirst() && !sshd.Loosened(f.files) {
		return nil
	}
	return sshd.Doors(f.files)
}

// mendFirst tells each problem which lines stop [Add], so that nobody is sent there before they are mended.
func (e *exam) mendFirst() {
	var first []string
	if e.facts != nil && e.facts.privileged {
		for _, d := range e.facts.doors() {
			first = append(first, d.Where())
		}
	}
	for _, p := range e.health.Problems {
		p.About["first"] = strings.Join(first, ", ")
	}
}

// cause says by which line a method is on for everybody, and what became of ours, which should come before it.
func (f *facts) cause(method string, line sshd.Line, there bool, name string) Problem {
	says := "nothing else turns " + method + " off"
	if there {
		says = line.Where() + " says " + line.Keyword + " " + line.Value
		if strings.Contains(path.Base(line.File), "cloud-init") {
			says += " (cloud-init writes that file)"
		}
	}
	why, _ := sshd.Blocked(f.files)
	switch {
	case f.unread:
		return problem("drop-in-unread", "path", sshd.DropInPath, "why", why, "says", says, "name", name)
	case f.dropIn == "":
		return problem("drop-in-gone", "path", f.place(), "says", says, "name", name)
	case !there:
		return problem("drop-in-edited", "where", f.place(), "says", says, "name", name)
	case line.File == sshd.DropInPath || f.block && strings.Contains(f.dropIn, strings.Split(f.files[0].Text, "\n")[line.Number-1]):
		return problem("drop-in-edited", "where", line.Where(), "says", "says "+line.Keyword+" "+line.Value, "name", name)
	}
	return f.door(sshd.Door{Line: line})
}

// door is a line that overrules ours, with what takes it out.
func (f *facts) door(d sshd.Door) Problem {
	id := "password-elsewhere"
	if d.Inside {
		id = "password-in-match"
	}
	return problem(id, "where", d.Where(), "keyword", d.Keyword, "value", d.Value, "match", inside(d.Line),
		"number", strconv.Itoa(d.Number), "file", shellWord(d.File), "reload", reload(f.manner))
}

// typing are the accounts that get in by something typed, as sshd itself says.
func (f *facts) typing() []string {
	var all []string
	loose := sshd.Loosened(f.files)
	for _, who := range slices.Sorted(maps.Keys(f.effective)) {
		if effective := f.effective[who]; len(effective.Typed()) > 0 || loose && len(effective.On()) > 0 {
			all = append(all, cmp.Or(who, "everybody"))
		}
	}
	return all
}

// factors reports who needs more than a key. That is nobody's mistake.
func (e *exam) factors() {
	by := map[string][]string{}
	for _, who := range slices.Sorted(maps.Keys(e.facts.effective)) {
		if methods := e.facts.effective[who].SecondFactor(); methods != "" && who != "" {
			by[methods] = append(by[methods], who)
		}
	}
	for _, methods := range slices.Sorted(maps.Keys(by)) {
		e.note(problem("needs-second-factor", "accounts", strings.Join(by[methods], ", "), "methods", methods))
	}
}

// mostShells is how many accounts sshd is asked about one by one (remote/sshd.sh).
const mostShells = 200

// crowd: there are more accounts than sshd was asked about, and its files say something else for some.
func (e *exam) crowd(shells string) {
	n, err := strconv.Atoi(strings.TrimSpace(shells))
	matched := slices.ContainsFunc(sshd.Reading(e.facts.files), func(l sshd.Line) bool { return l.Match != "" })
	if err == nil && n > mostShells && matched {
		e.doubt(problem("accounts-too-many", "count", strconv.Itoa(n), "asked", strconv.Itoa(mostShells)))
	}
}

// reload is the command that puts a change of sshd's files in force.
func reload(manner string) string {
	command, _, _ := strings.Cut(effect(manner), " (")
	if strings.HasPrefix(command, "nothing") {
		return "true"
	}
	return "sudo " + command
}
