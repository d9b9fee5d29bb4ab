// Package prompt asks a person: for a passphrase or password without echo, or for
// yes or no. It asks at the terminal of the process (/dev/tty,
// CONIN$) and never at stdin, or through SSH_ASKPASS by ssh's own rules, or where
// there is neither through a pinentry (the Assuan protocol of GnuPG), on Windows by a
// dialog of its own, and it takes secrets from files and commands that the user names (Source).
//
// A question ends with an answer, with a typed error, or with its context;
// however it ends, the terminal is as it was before. It never waits where nobody
// can answer (ErrCannotAsk), never shows a control or escape character of the
// question's text, and never passes a secret in an argument or the environment.
// Secrets are []byte, so that the caller can clear them.
package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
)

// The ways in which a question ends without an answer.
var (
	// ErrCannotAsk: there is neither a terminal in the foreground nor an askpass
	// program that may be used, nor a pinentry that could show anything, nor a desktop.
	ErrCannotAsk = errors.New("no terminal, no askpass and no pinentry to ask with")
	// ErrInterrupted: the person pressed Ctrl-C.
	ErrInterrupted = errors.New("interrupted")
	// ErrNoAnswer: the terminal or the dialog was closed, or Ctrl-D pressed.
	ErrNoAnswer = errors.New("the question was closed without an answer")
	// ErrHungUp: the terminal went away below the question. It is an ErrNoAnswer that
	// nobody gave.
	ErrHungUp = fmt.Errorf("%w: the terminal went away", ErrNoAnswer)
	// ErrEmpty: an empty passphrase or password.
	ErrEmpty = errors.New("empty passphrase or password")
	// ErrDiffer: the two entries of a new passphrase are not the same.
	ErrDiffer = errors.New("the two passphrases differ")
)

// maxAnswer is the longest answer taken, in bytes; a longer one is an error
// rather than cut.
const maxAnswer = 4096

// Prompter asks the person at this computer, one question at a time: its callers
// see to that.
type Prompter struct {
	getenv   func(string) string
	tty      string        // the terminal's device, "" for none; tests name their own
	pinentry func() string // which program; nil: none
	dialogs  bool          // of our own, where there can be any
}

// New makes a Prompter that finds SSH_ASKPASS, SSH_ASKPASS_REQUIRE, DISPLAY and
// WAYLAND_DISPLAY through getenv.
func New(getenv func(string) string) *Prompter {
	return &Prompter{getenv: getenv, tty: ttyPath, pinentry: func() string { return "" }, dialogs: true}
}

// NewAskpass makes a Prompter that asks through SSH_ASKPASS or not at all, as a
// program in the background has to.
func NewAskpass(getenv func(string) string) *Prompter { return &Prompter{getenv: getenv} }

// NewTerminal makes a Prompter that asks at the terminal or not at all.
func NewTerminal() *Prompter {
	return &Prompter{getenv: func(string) string { return "" }, tty: ttyPath}
}

// UsePinentry has chosen say which pinentry to use, a path or a name on PATH; ""
// is "pinentry" itself. It is asked each time, so that a change counts at once.
func (p *Prompter) UsePinentry(chosen func() string) { p.pinentry = chosen }

// CanAsk tells whether a question would be asked at all; false means that every
// question ends at once with ErrCannotAsk.
func (p *Prompter) CanAsk() bool { return p.way() != nowhere }

// Secret asks for an existing passphrase or password, without echo. An empty
// answer is ErrEmpty.
func (p *Prompter) Secret(ctx context.Context, question string) ([]byte, error) {
	return p.SecretAgain(ctx, question, "")
}

// SecretAgain is Secret after an answer that was wrong. question says so; a pinentry
// has a place of its own for it, and shows wrong there.
func (p *Prompter) SecretAgain(ctx context.Context, question, wrong string) ([]byte, error) {
	answer, err := p.ask(ctx, question, wrong)
	if err == nil && len(answer) == 0 {
		return nil, ErrEmpty
	}
	return answer, err
}

// NewSecret asks twice for a passphrase that is to be set; ErrDiffer when the two
// answers are not the same.
func (p *Prompter) NewSecret(ctx context.Context, question, again string) ([]byte, error) {
	first, err := p.Secret(ctx, question)
	if err != nil {
		return nil, err
	}
	second, err := p.ask(ctx, again, "")
	if err != nil {
		clear(first)
		return nil, err
	}
	defer clear(second)
	if !bytes.Equal(first, second) {
		clear(first)
		return nil, ErrDiffer
	}
	return first, nil
}

// Confirm asks for yes or no. At the terminal only "y" and "yes" mean yes; an
// askpass program is run with SSH_ASKPASS_PROMPT=confirm (ssh-add(1), -c), where an
// empty answer and success mean yes, and a cancelled dialog means no, as a
// pinentry's and our own does.
func (p *Prompter) Confirm(ctx context.Context, question string) (bool, error) {
	yes, _, err := p.confirm(ctx, question)
	return yes, err
}

// ConfirmAll is Confirm for one of several things in a row: "a" and "all" mean yes
// to this one and to all that follow, wherever an answer is typed.
func (p *Prompter) ConfirmAll(ctx context.Context, question string) (yes, all bool, err error) {
	yes, answer, err := p.confirm(ctx, question)
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "a", "all":
		return err == nil, err == nil, err
	}
	return yes, false, err
}

// ConfirmTyped is Confirm, and returns what was typed, wherever an answer is: what is asked about, for one, in place of a yes to it.
func (p *Prompter) ConfirmTyped(ctx context.Context, question string) (yes bool, typed string, err error) {
	return p.confirm(ctx, question)
}

// confirm asks for yes or no, and returns what was typed, too.
func (p *Prompter) confirm(ctx context.Context, question string) (yes bool, answer string, err error) {
	if err := ctx.Err(); err != nil {
		return false, "", err
	}
	switch p.way() {
	case byTerminal:
		typed, err := p.terminal(ctx, question, true)
		return err == nil && isYes(string(typed)), string(typed), err
	case byPinentry:
		yes, err = p.confirmByPinentry(ctx, question)
		return yes, "", err
	case byDialog:
		yes, err = confirmByDialog(ctx, question)
		return yes, "", err
	case byAskpass:
		typed, err := p.askpass(ctx, question, "confirm")
		if errors.Is(err, ErrNoAnswer) {
			return false, "", nil
		}
		return err == nil && (len(typed) == 0 || isYes(string(typed))), string(typed), err
	}
	return false, "", ErrCannotAsk
}

// Notify shows a text that needs no answer, until ctx ends: an askpass program is run
// with SSH_ASKPASS_PROMPT=none (ssh-agent(1)) and ended then, as is a dialog; at a terminal it is a line. It returns
// at once where nothing can be shown.
func (p *Prompter) Notify(ctx context.Context, text string) {
	switch p.way() {
	case byAskpass:
		answer, _ := p.askpass(ctx, text, "none")
		clear(answer)
	case byTerminal:
		p.show(text)
	case byDialog:
		_, _, _ = box{kind: kindNotice, text: text}.show(ctx) // nobody waits for it to be closed
	}
}

func isYes(answer string) bool {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// ask asks for a secret in whichever way there is.
func (p *Prompter) ask(ctx context.Context, question, wrong string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch p.way() {
	case byAskpass:
		return p.askpass(ctx, question, "")
	case byTerminal:
		return p.terminal(ctx, question, false)
	case byPinentry:
		return p.getPIN(ctx, question, wrong)
	case byDialog:
		return askByDialog(ctx, question)
	}
	return nil, ErrCannotAsk
}

// terminal puts the question at the terminal and gives it back as it was.
func (p *Prompter) terminal(ctx context.Context, question string, echo bool) ([]byte, error) {
	t, err := openTerminal(p.tty)
	if err != nil {
		return nil, ErrCannotAsk
	}
	defer t.close()
	e := editor{in: t, out: t, echo: echo}
	return e.line(ctx, visible(question))
}
