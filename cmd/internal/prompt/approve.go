package prompt

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Approval is a question whether something may be done, now and perhaps the same again later.
type Approval struct {
	About string // what is to be done, by whom: lines of their own
	Ask   string // the question

	// Where the person can say for how long a yes holds, at a terminal and in a dialog of ours: what can be typed (see consentOf), and the
	// time that a dialog offers. No Answers: a yes is for once.
	Answers string
	Offer   time.Duration

	// Where they can say yes or no alone, with askpass or a pinentry: the question, if it is another one there, and what a yes means.
	AskPlain string
	Plain    Consent
}

// Consent is the answer. Neither of For and UntilLocked: once.
type Consent struct {
	Yes         bool
	For         time.Duration
	UntilLocked bool
}

var once = Consent{Yes: true}

// Approve asks in whichever way there is. Whatever takes the question away is a no, or an error as those of Confirm.
func (p *Prompter) Approve(ctx context.Context, a Approval) (Consent, error) {
	if err := ctx.Err(); err != nil {
		return Consent{}, err
	}
	switch p.way() {
	case byTerminal:
		return a.byTerminal(func() ([]byte, error) { return p.terminal(ctx, a.atTerminal(), true) })
	case byDialog:
		return a.byDialog(ctx)
	case byPinentry:
		a = a.fitting()
		yes, err := p.confirmByPinentry(ctx, a.plain())
		return a.ifYes(yes), err
	case byAskpass:
		typed, err := p.askpass(ctx, a.plain()+" (y/N) ", "confirm")
		if errors.Is(err, ErrNoAnswer) {
			return Consent{}, nil
		}
		return a.ifYes(err == nil && (len(typed) == 0 || isYes(string(typed)))), err
	}
	return Consent{}, ErrCannotAsk
}

// unreadTries is how often in all a question is put whose answer is neither a yes nor a no.
const unreadTries = 3

// byTerminal asks again where what was typed is neither, as "10 min" or "25h": a slip is not taken for a no.
func (a Approval) byTerminal(ask func() ([]byte, error)) (Consent, error) {
	for range unreadTries {
		typed, err := ask()
		if err != nil {
			return Consent{}, err
		}
		if c := a.consent(string(typed)); c.Yes || isNo(string(typed)) {
			return c, nil
		}
	}
	return Consent{}, nil
}

func isNo(answer string) bool {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "", "n", "no":
		return true
	}
	return false
}

// atTerminal is the question with the answers that can be typed.
func (a Approval) atTerminal() string {
	answers := a.Answers
	if answers == "" {
		answers = "(y/N)"
	}
	return a.with(a.Ask) + " " + answers + " "
}

// fitting is a for a pinentry: one that it does not show whole is for once.
func (a Approval) fitting() Approval {
	if _, whole := fitAssuan("SETDESC", unmarked(a.plain())); !whole {
		a.AskPlain, a.Plain = "", once
	}
	return a
}

func (a Approval) plain() string { return a.with(cmp.Or(a.AskPlain, a.Ask)) }

func (a Approval) with(question string) string {
	return strings.TrimPrefix(a.About+"\n"+question, "\n")
}

func (a Approval) ifYes(yes bool) Consent {
	if yes {
		return a.Plain
	}
	return Consent{}
}

// consent is what was typed, where only what was offered counts.
func (a Approval) consent(typed string) Consent {
	if a.Answers == "" && !isYes(typed) {
		return Consent{}
	}
	return consentOf(typed)
}

// longestConsent is the longest time that a typed answer can hold.
const longestConsent = 24 * time.Hour

// consentOf reads an answer: "y" is once, "lock" until it is locked; a number counts minutes, and a time as 90s or 1h30m is that long. All
// else is no yes.
func consentOf(typed string) Consent {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if n, err := strconv.Atoi(typed); err == nil && n <= int(longestConsent/time.Minute) {
		typed = strconv.Itoa(n) + "m"
	}
	if d, err := time.ParseDuration(typed); err == nil && d > 0 && d <= longestConsent {
		return Consent{Yes: true, For: d}
	}
	switch {
	case typed == "lock":
		return Consent{Yes: true, UntilLocked: true}
	case isYes(typed):
		return once
	}
	return Consent{}
}

// byDialog asks in a dialog of our own, which has a button for each answer.
func (a Approval) byDialog(ctx context.Context) (Consent, error) {
	b := box{kind: kindConfirm, text: a.with(a.Ask)}
	if a.Answers != "" {
		b.kind, b.offer = kindApprove, a.Offer
	}
	pressed, _, err := b.show(ctx)
	if err != nil {
		return Consent{}, err
	}
	return b.consent(pressed), nil
}

// ShortTime is a time as it can be typed: 10m, 1h30m.
func ShortTime(d time.Duration) string {
	text := d.String() // 1h30m0s
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
