package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

// asker puts the agent's questions to the person at this computer: at a terminal that
// wants to be asked, else in the way that this process has. It is an agent.Asker.
type asker struct {
	terminals *control.Terminals
	prompt    *prompt.Prompter
	approve   func() home.Approval // what a yes means where it is all that can be said; nil: once
}

// newAsker makes an asker; terminals and approve may be nil.
func newAsker(p *prompt.Prompter, terminals *control.Terminals, approve func() home.Approval) *asker {
	return &asker{terminals: terminals, prompt: p, approve: approve}
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
	question := control.Question{Kind: control.KindSecret, Text: wish(q) + "\n" + say.Text(id, nil) + " ", Wrong: wrong}
	said, err := a.terminals.Ask(ctx, question)
	if answer = said.Secret; errors.Is(err, control.ErrNoTerminal) {
		answer, err = a.prompt.SecretAgain(ctx, question.Text, wrong)
	}
	if err == nil && len(answer) == 0 {
		err = prompt.ErrEmpty
	}
	return answer, questionEnd(err)
}

// Confirm says what a key is wanted for, and asks for a yes.
func (a *asker) Confirm(ctx context.Context, q agent.Prompt) (yes agent.Consent, err error) {
	approval := a.approval(q)
	said, err := a.terminals.Ask(ctx, questionOf(approval))
	if !errors.Is(err, control.ErrNoTerminal) {
		yes = agent.Consent{Yes: said.Yes, For: time.Duration(said.ForMS) * time.Millisecond, UntilLocked: said.UntilLocked}
		return yes, questionEnd(err)
	}
	consent, err := a.prompt.Approve(ctx, approval)
	return agent.Consent(consent), questionEnd(err)
}

// usualTime is for how long a yes is offered to hold, where the config names no time.
const usualTime = 10 * time.Minute

// approval is the question, with the answers that it may have.
func (a *asker) approval(q agent.Prompt) prompt.Approval {
	p := prompt.Approval{About: wish(q), Ask: say.Text(say.AskConfirm, nil), Plain: prompt.Consent{Yes: true}}
	if !q.Holds {
		return p
	}
	var config home.Approval
	if a.approve != nil {
		config = a.approve()
	}
	f := say.Fields{"key": keyName(q), "time": inWords(config.For)}
	p.Plain.For, p.Plain.UntilLocked = config.For, config.UntilLocked
	switch {
	case config.UntilLocked:
		p.AskPlain = say.Text(say.AskConfirmLock, f)
	case config.For > 0:
		p.AskPlain = say.Text(say.AskConfirmFor, f)
	}
	p.Offer = cmp.Or(config.For, usualTime)
	p.Answers = say.Text(say.AnswersHold, say.Fields{"time": prompt.ShortTime(p.Offer)})
	return p
}

// questionOf is the same for a terminal that is attached.
func questionOf(p prompt.Approval) control.Question {
	return control.Question{Kind: control.KindConfirm, Text: p.About + "\n" + p.Ask + " ", Answers: p.Answers}
}

// Notify shows that a device waits to be touched, beside whatever is asked: the device may want its PIN before.
func (a *asker) Notify(ctx context.Context, q agent.Prompt) {
	text := say.Text(say.TouchDevice, questionFields(q))
	if !a.terminals.Notify(text) {
		a.prompt.Notify(ctx, text)
	}
}

// questionEnd gives the end of a question the name that the agent knows it by.
func questionEnd(err error) error {
	switch {
	case errors.Is(err, prompt.ErrCannotAsk), errors.Is(err, prompt.ErrHungUp):
		return fmt.Errorf("%w: %w", agent.ErrCannotAsk, err)
	case errors.Is(err, prompt.ErrNoAnswer), errors.Is(err, prompt.ErrInterrupted):
		return agent.ErrCancelled // how is no matter
	}
	return err
}
