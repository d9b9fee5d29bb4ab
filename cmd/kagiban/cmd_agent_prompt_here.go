package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

func agentPromptHereCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "prompt-here",
		Usage: "this terminal is the one that the agent asks, until it closes",
		Description: "For an agent that has no terminal of its own, as one that was started at login. Of several terminals the latest is asked.\n" +
			"Ctrl-C at a question cancels the question, otherwise it ends the command. The agent itself goes on.",
		Action: func(c *cli.Context) error { return p.agentPromptHere(c.Context, prompt.NewTerminal()) },
	}
}

// agentPromptHere asks until ctx ends, which is the usual end, or the agent does.
func (p *program) agentPromptHere(ctx context.Context, here *prompt.Prompter) error {
	if !here.CanAsk() {
		return say.Fail(say.NoTerminalHere, prompt.ErrCannotAsk)
	}
	c, err := p.control()
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Attach(ctx, func() { p.tell(say.PromptHere) }, func(ctx context.Context, q control.Question) (control.Answer, error) {
		return askHere(ctx, here, q)
	})
}

// askHere puts one of the agent's questions at this terminal.
func askHere(ctx context.Context, here *prompt.Prompter, q control.Question) (answer control.Answer, err error) {
	switch q.Kind {
	case control.KindSecret:
		answer.Secret, err = here.SecretAgain(ctx, q.Text, q.Wrong)
	case control.KindConfirm:
		var said prompt.Consent // without Answers: yes or no alone
		said, err = here.Approve(ctx, prompt.Approval{Ask: strings.TrimSpace(q.Text), Answers: q.Answers})
		answer = control.Answer{Yes: said.Yes, ForMS: said.For.Milliseconds(), UntilLocked: said.UntilLocked}
	case control.KindNotice:
		here.Notify(ctx, q.Text)
	default:
		err = fmt.Errorf("a kind of question that is not known: %w", agent.ErrCannotAsk)
	}
	if errors.Is(err, prompt.ErrEmpty) {
		err = nil // that is for the agent to judge
	}
	return answer, questionEnd(err)
}
