package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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
	floor          *floor
	same           *samePassword // nil: each host asks in its turn
}

// floor is where all of one command's questions are asked, one at a time. Who has its turn may read and write said and all.
type floor struct {
	turn  chan struct{}     // holds one token while a question is open
	said  map[string][]byte // what files said, by flag: stdin can be read only once
	many  bool              // there are several hosts, so a plan's answer may be for all of them
	all   bool              // it was
	board *board            // makes room for a question; nil: nothing is in its way
	stop  func()            // the person wants an end of it all; nil: of this one alone
}

func newFloor() *floor { return &floor{turn: make(chan struct{}, 1), said: map[string][]byte{}} }

// take waits for the turn, and returns what ends it.
func (f *floor) take(ctx context.Context) (release func(), err error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.board == nil {
		return func() { <-f.turn }, nil
	}
	over := f.board.question()
	return func() { over(); <-f.turn }, nil
}

// heard is err, the end of a question. Ctrl-C at a question of one host is for all of them.
func (f *floor) heard(err error) error {
	if errors.Is(err, prompt.ErrInterrupted) && f.stop != nil {
		f.stop()
	}
	return err
}

// AcceptHostKey asks on first contact. --yes does not answer this. The same fingerprint, typed or pasted, is a yes as in ssh; another one is a no, whatever else
// was typed.
func (a *person) AcceptHostKey(ctx context.Context, known string, key ssh.PublicKey) error {
	f := say.HostKey(known, key)
	unknown := &hostsetup.HostKeyError{Known: known, Key: key}
	if !a.p.ask.CanAsk() {
		return &say.Error{ID: say.HostKeyUnasked, Fields: f, Err: unknown}
	}
	release, err := a.floor.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	yes, typed, err := a.p.ask.ConfirmTyped(ctx, say.Text(say.AskHostKey, f)+" ")
	words := strings.Fields(typed) // the whole line of ssh-keygen, perhaps
	another := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, "SHA256:") })
	switch {
	case err != nil, slices.Contains(words, f["fingerprint"]):
	case another >= 0:
		err = &hostsetup.HostKeyError{Known: known, Key: key, Pin: words[another]}
	case !yes:
		err = unknown
	}
	return a.floor.heard(err)
}

// Password is the account's password on the server.
func (a *person) Password(ctx context.Context, account string, attempt int) ([]byte, error) {
	return a.same.secret(ctx, a.host, attempt, func(attempt int) ([]byte, error) {
		question := say.AskPassword
		if a.same.tries(a.host) {
			question = say.AskPasswordAll
		}
		return a.secret(ctx, a.password, say.Text(question, say.Fields{"account": account}), attempt,
			say.Fail(say.SecretUnasked, prompt.ErrCannotAsk, "what", "password of "+account, "flag", "--password-file", "ways", say.NoWays()),
			say.Fail(say.SecretWrong, nil, "flag", a.password.Flag, "account", account))
	})
}

// RootPassword is likewise for what sudo, doas or su asks for. The login's password is given only where the account's own is wanted; and
// who is asked for root's need not know it.
func (a *person) RootPassword(ctx context.Context, q hostsetup.RootQuestion) ([]byte, error) {
	src, question := a.sudo, say.AskSudo
	if !src.Given() && q.Own {
		src = a.password
	}
	if !q.Own {
		question = say.AskRoot
	}
	ask := func(attempt int) ([]byte, error) {
		return a.secret(ctx, src, say.Text(question, say.Fields{"account": q.Account, "way": q.Way}), attempt,
			say.Fail(say.SecretUnasked, hostsetup.ErrNoPassword, "what", "password of "+q.Account+" for "+q.Way, "flag", "--sudo-password-file", "ways", say.NoWays()),
			hostsetup.ErrWrongPassword)
	}
	same := a.same
	if !q.Own {
		same = nil // root's own password is another matter on each host
	}
	answer, err := same.secret(ctx, a.host, q.Attempt, ask)
	if !src.Given() && errors.Is(err, prompt.ErrEmpty) {
		err = fmt.Errorf("%w: %w", hostsetup.ErrNoPassword, err) // another way may do without
	}
	return answer, err
}

// secret is what a file says, or the person. A file is read once, and what it says is not tried twice.
func (a *person) secret(ctx context.Context, src prompt.Source, question string, attempt int, unasked, wrong error) ([]byte, error) {
	release, err := a.floor.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	switch {
	case src.Given() && attempt > 1:
		return nil, wrong
	case src.Given() && a.floor.said[src.Flag] != nil:
		return bytes.Clone(a.floor.said[src.Flag]), nil
	case !src.Given() && !a.p.ask.CanAsk():
		return nil, unasked
	case attempt > 1:
		a.p.tell(say.WrongAnswer)
	}
	answer, err := a.p.secret(ctx, src, question+" ")
	if src.Given() && err == nil {
		a.floor.said[src.Flag] = bytes.Clone(answer)
	}
	return answer, a.floor.heard(err)
}

// Approve shows the plan, and asks unless that was answered beforehand. That other people lose their login is asked about for each host.
func (a *person) Approve(ctx context.Context, plan hostsetup.Plan) error {
	out, text := a.p.stderr, planText(a.host, plan)
	if a.dryRun && !a.json {
		out = a.p.stdout // here the plan is the result
	}
	if (a.yes || a.dryRun) && a.floor.board != nil {
		a.floor.board.say(out, text)
		return nil
	}
	release, err := a.floor.take(ctx) // a plan and its question stand together
	if err != nil {
		return err
	}
	defer release()
	fmt.Fprintln(out, text)
	if a.yes || a.dryRun || a.floor.all && len(plan.Others) == 0 {
		return nil
	}
	yes, err := a.ask(ctx)
	if err == nil && !yes {
		err = say.Fail(say.NotApproved, nil, "host", a.host)
	}
	return a.floor.heard(err)
}

// ask asks about the plan that was just shown.
func (a *person) ask(ctx context.Context) (yes bool, err error) {
	if !a.floor.many {
		return a.p.ask.Confirm(ctx, say.Text(say.AskPlan, say.Fields{"host": a.host})+" ")
	}
	yes, a.floor.all, err = a.p.ask.ConfirmAll(ctx, say.Text(say.AskPlanMany, say.Fields{"host": a.host})+" ")
	return yes, err
}

// planText is all that will be changed: permissions, the diff of each file, and how it comes into force.
func planText(host string, plan hostsetup.Plan) string {
	lines := []string{say.Text(say.PlanHead, say.Fields{"host": host})}
	if plan.User != nil {
		for _, line := range say.PlanUser(plan.User) {
			lines = append(lines, "  "+line)
		}
	}
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
	if plan.NoRoot {
		lines = append(lines, "  "+say.Text(say.PlanNoRoot, nil))
	}
	for _, o := range plan.Others {
		lines = append(lines, "  "+say.Text(say.PlanOther, say.Fields{"other": o.String()}))
	}
	if plan.NotEnforced != "" {
		lines = append(lines, "  "+say.Text(say.PlanNotEnforced, say.Fields{"why": plan.NotEnforced}))
	}
	return strings.Join(lines, "\n")
}
