package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
)

// person is the one at the keyboard, or the files that stand in for them.
type person struct {
	p              *program
	host           string
	yes, dryRun    bool // the plan needs no answer
	json           bool // stdout is for scripts
	password, sudo prompt.Source
}

// AcceptHostKey asks on first contact. --yes does not answer this.
func (a *person) AcceptHostKey(ctx context.Context, known string, key ssh.PublicKey) error {
	f := say.Fields{"host": known, "type": key.Type(), "fingerprint": ssh.FingerprintSHA256(key)}
	unknown := &hostsetup.HostKeyError{Known: known, Key: key}
	if !a.p.ask.CanAsk() {
		return &say.Error{ID: say.HostKeyUnasked, Fields: f, Err: unknown}
	}
	yes, err := a.p.ask.Confirm(ctx, say.Text(say.AskHostKey, f)+" ")
	if err == nil && !yes {
		err = unknown
	}
	return err
}

// Password is the account's password on the server. A file is read once: what it says is not tried twice.
func (a *person) Password(ctx context.Context, account string, attempt int) ([]byte, error) {
	return a.secret(ctx, a.password, say.AskPassword, account, attempt)
}

// SudoPassword is likewise for sudo, which takes the account's password unless it was told otherwise.
func (a *person) SudoPassword(ctx context.Context, account string, attempt int) ([]byte, error) {
	src := a.sudo
	if !src.Given() {
		src = a.password
	}
	return a.secret(ctx, src, say.AskSudo, account, attempt)
}

func (a *person) secret(ctx context.Context, src prompt.Source, question say.ID, account string, attempt int) ([]byte, error) {
	if !src.Given() && !a.p.ask.CanAsk() {
		what, flag := "password of "+account, "--password-file"
		if question == say.AskSudo {
			what, flag = "sudo password of "+account, "--sudo-password-file"
		}
		return nil, say.Fail(say.SecretUnasked, prompt.ErrCannotAsk, "what", what, "flag", flag)
	}
	switch {
	case attempt > 1 && src.Given():
		return nil, say.Fail(say.SecretWrong, nil, "flag", src.Flag, "account", account)
	case attempt > 1:
		a.p.tell(say.WrongAnswer)
	}
	return a.p.secret(ctx, src, say.Text(question, say.Fields{"account": account})+" ")
}

// Approve shows the plan, and asks unless that was answered beforehand.
func (a *person) Approve(ctx context.Context, plan hostsetup.Plan) error {
	out := a.p.stderr
	if a.dryRun && !a.json {
		out = a.p.stdout // here the plan is the result
	}
	fmt.Fprintln(out, planText(a.host, plan))
	if a.yes || a.dryRun {
		return nil
	}
	yes, err := a.p.ask.Confirm(ctx, say.Text(say.AskPlan, say.Fields{"host": a.host})+" ")
	if err == nil && !yes {
		err = say.Fail(say.NotApproved, nil, "host", a.host)
	}
	return err
}

// planText is all that will be changed: permissions, the diff of each file, and how it comes into force.
func planText(host string, plan hostsetup.Plan) string {
	lines := []string{say.Text(say.PlanHead, say.Fields{"host": host})}
	for _, n := range plan.Narrowed {
		lines = append(lines, fmt.Sprintf("  chmod go-w %s   (%o -> %o: sshd would refuse its keys)", prompt.Clean(n.Path), n.From, n.To))
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(plan.Diff, "\n"), "\n") {
		if line != "" {
			lines = append(lines, "  "+prompt.Clean(line))
		}
	}
	if plan.DropIn || plan.Removes {
		lines = append(lines, "  "+prompt.Clean(plan.Effect))
	}
	for _, o := range plan.Others {
		lines = append(lines, "  "+say.Text(say.PlanOther, say.Fields{"other": o.String()}))
	}
	if plan.NotEnforced != "" {
		lines = append(lines, "  "+say.Text(say.PlanNotEnforced, say.Fields{"why": plan.NotEnforced}))
	}
	return strings.Join(lines, "\n")
}
