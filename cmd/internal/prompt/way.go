package prompt

import (
	"os/exec"
)

// way is how a question reaches the person.
type way int

const (
	nowhere way = iota
	byTerminal
	byAskpass
	byPinentry
	byDialog
)

// way follows ssh's read_passphrase (ssh(1), SSH_ASKPASS_REQUIRE): askpass may be
// used where a display is named, "force" and "prefer" put it before the
// terminal, and "never" forbids it; otherwise it is used where there is no terminal.
// Where neither is there, a pinentry is; and on Windows a dialog of our own, unless "never" says that
// there is nobody to see it.
func (p *Prompter) way() way {
	allowed := p.getenv("DISPLAY") != "" || p.getenv("WAYLAND_DISPLAY") != ""
	first := false
	switch p.getenv("SSH_ASKPASS_REQUIRE") {
	case "force":
		allowed, first = true, true
	case "prefer":
		first = allowed
	case "never":
		allowed = false
	}
	allowed = allowed && p.askpassProgram() != ""
	switch {
	case first && allowed:
		return byAskpass
	case p.getenv("SSH_ASKPASS_REQUIRE") == "force":
		return nowhere // ssh does not fall back to the terminal either
	case haveTerminal(p.tty):
		return byTerminal
	case allowed:
		return byAskpass
	case p.pinentryProgram() != "":
		return byPinentry
	case p.dialogs && p.getenv("SSH_ASKPASS_REQUIRE") != "never" && haveDesktop():
		return byDialog
	}
	return nowhere
}

// askpassProgram is the program to run, or "" when there is none: what
// SSH_ASKPASS names, else ssh-askpass from PATH.
func (p *Prompter) askpassProgram() string {
	name := p.getenv("SSH_ASKPASS")
	if name == "" {
		name = "ssh-askpass"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}
