package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

// asker puts the agent's questions to the person at this computer, one at a time: at
// a terminal that wants to be asked, else in the way that this process has.
// It is an agent.Asker.
type asker struct {
	terminals *control.Terminals
	prompt    *prompt.Prompter
	turn      chan struct{} // holds one token while a question is open
}

// newAsker makes an asker; terminals may be nil.
func newAsker(p *prompt.Prompter, terminals *control.Terminals) *asker {
	return &asker{terminals: terminals, prompt: p, turn: make(chan struct{}, 1)}
}

func (a *asker) CanAsk() bool { return a.terminals.CanAsk() || a.prompt.CanAsk() }

// AskPassphrase says who wants to use which key.
func (a *asker) AskPassphrase(ctx context.Context, q agent.Prompt) (answer []byte, err error) {
	id, wrong := say.AskForUse, ""
	switch {
	case q.PIN:
		id = say.AskPIN
	case q.Attempt > 1:
		id, wrong = say.AskForUseAgain, say.Text(say.WrongAnswer, nil)
	}
	question := control.Question{Kind: control.KindSecret, Text: say.Text(id, questionFields(q)) + " ", Wrong: wrong}
	err = a.inTurn(ctx, func() error {
		said, err := a.terminals.Ask(ctx, question)
		if answer = said.Secret; errors.Is(err, control.ErrNoTerminal) {
			answer, err = a.prompt.SecretAgain(ctx, question.Text, wrong)
		}
		if err == nil && len(answer) == 0 {
			err = prompt.ErrEmpty
		}
		return err
	})
	return answer, err
}

// Confirm says what a key is wanted for, and asks for a yes.
func (a *asker) Confirm(ctx context.Context, q agent.Prompt) (yes bool, err error) {
	question := control.Question{Kind: control.KindConfirm, Text: say.Text(say.AskConfirm, questionFields(q)) + " "}
	err = a.inTurn(ctx, func() error {
		said, err := a.terminals.Ask(ctx, question)
		if yes = said.Yes; errors.Is(err, control.ErrNoTerminal) {
			yes, err = a.prompt.Confirm(ctx, question.Text)
		}
		return err
	})
	return yes, err
}

// Notify shows that a device waits to be touched. It holds no turn while it does:
// the device may want its PIN before.
func (a *asker) Notify(ctx context.Context, q agent.Prompt) {
	text := say.Text(say.TouchDevice, questionFields(q))
	if !a.terminals.Notify(text) {
		a.prompt.Notify(ctx, text)
	}
}

// inTurn waits until no other question is open, and puts this one.
func (a *asker) inTurn(ctx context.Context, ask func() error) error {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return questionEnd(ask())
}

// questionEnd gives the end of a question the name that the agent knows it by.
func questionEnd(err error) error {
	switch {
	case errors.Is(err, prompt.ErrCannotAsk), errors.Is(err, prompt.ErrHungUp):
		return fmt.Errorf("%w: %w", agent.ErrCannotAsk, err)
	case errors.Is(err, prompt.ErrNoAnswer), errors.Is(err, prompt.ErrInterrupted):
		return fmt.Errorf("%w: %w", agent.ErrCancelled, err)
	}
	return err
}

// questionFields is what a question about a key may mention. Names come from
// programs, servers and those who ask, and are cleaned and cut one by one.
func questionFields(q agent.Prompt) say.Fields {
	f := say.Fields{
		"key": piece(cmp.Or(q.Key, q.Comment, q.Fingerprint)), "fingerprint": piece(q.Fingerprint),
		"program": programName(q.Peer.Program), "pid": "?",
	}
	if q.Peer.PID > 0 {
		f["pid"] = strconv.Itoa(q.Peer.PID)
	}
	f["who"] = say.Text(say.WhoHere, f)
	if q.Use.Forwarded {
		f["who"] = say.Text(say.WhoForwarded, f)
	}
	f["purpose"] = purpose(q.Use)
	return f
}

// purpose says what a signature is for.
func purpose(u agent.Use) string {
	f := say.Fields{"user": piece(u.User), "server": piece(u.Server), "hostkey": piece(u.HostKey), "namespace": piece(u.Namespace)}
	switch {
	case u.Purpose == agent.UseLogin && u.Server != "":
		return say.Text(say.PurposeServer, f)
	case u.Purpose == agent.UseLogin && u.HostKey != "":
		return say.Text(say.PurposeHostKey, f)
	case u.Purpose == agent.UseLogin:
		return say.Text(say.PurposeLogin, f)
	case u.Purpose == agent.UseFile:
		return say.Text(say.PurposeFile, f)
	}
	return say.Text(say.PurposeOther, f)
}

// maxPiece is how much of one name a question shows, in characters: none may push
// what matters off the screen.
const maxPiece = 100

// piece is a name as it may be shown.
func piece(s string) string {
	s = prompt.Clean(s)
	if utf8.RuneCountInString(s) > maxPiece {
		s = string([]rune(s)[:maxPiece]) + "..."
	}
	return s
}

// programName is the path of a program; of a long one the end says more.
func programName(path string) string {
	path = prompt.Clean(path)
	if path == "" {
		return "a program"
	}
	if r := []rune(path); len(r) > maxPiece {
		path = "..." + string(r[len(r)-maxPiece:])
	}
	return path
}
