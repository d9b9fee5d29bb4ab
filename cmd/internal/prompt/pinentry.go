package prompt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pinentryTime is how long a pinentry shows a question at the most: one whose
// parent was killed must not stay for ever.
const pinentryTime = 5 * time.Minute

// pinentryYes and pinentryNo are the buttons; the character after the underscore is the key to press.
const pinentryYes, pinentryNo = "_Yes", "_No"

// pinentryProgram is the program to run, or "" when there is none that could show
// anything: a window needs DISPLAY or WAYLAND_DISPLAY, a program for text the
// terminal that GPG_TTY names, as with gpg-agent(1).
func (p *Prompter) pinentryProgram() string {
	if p.pinentry == nil {
		return ""
	}
	path, err := exec.LookPath(cmp.Or(p.pinentry(), "pinentry"))
	if err != nil {
		return ""
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	windows := !strings.HasSuffix(real, "-tty") && !strings.HasSuffix(real, "-curses")
	if windows && (p.getenv("DISPLAY") != "" || p.getenv("WAYLAND_DISPLAY") != "") || isTerminal(p.getenv("GPG_TTY")) {
		return path
	}
	return ""
}

// getPIN asks for an answer by pinentry. wrong, if not "", says what was the matter
// with the one before.
func (p *Prompter) getPIN(ctx context.Context, question, wrong string) ([]byte, error) {
	description, asked := splitQuestion(question)
	return p.converse(ctx, [][2]string{
		{"SETDESC", description}, {"SETPROMPT", asked}, {"SETERROR", wrong}, {"GETPIN", ""},
	})
}

// confirmByPinentry asks for yes or no; whatever takes the question away is a no.
func (p *Prompter) confirmByPinentry(ctx context.Context, question string) (bool, error) {
	data, err := p.converse(ctx, [][2]string{
		{"SETDESC", strings.TrimSpace(question)}, {"SETOK", pinentryYes}, {"SETCANCEL", pinentryNo}, {"CONFIRM", ""},
	})
	clear(data)
	if errors.Is(err, ErrNoAnswer) && !errors.Is(err, ErrHungUp) {
		return false, nil
	}
	return err == nil, err
}

// converse runs a pinentry for one question. The answer is that to the last command.
func (p *Prompter) converse(ctx context.Context, question [][2]string) ([]byte, error) {
	ctx, hungUp := context.WithCancelCause(ctx)
	defer hungUp(nil)
	tty, err := holdTerminal(p.getenv("GPG_TTY"), func() { hungUp(ErrHungUp) })
	if err == nil {
		defer tty.release() // after the end of the program, which may not have tidied up
	}
	running, end := context.WithCancel(ctx)
	defer end()
	cmd := exec.CommandContext(running, p.pinentryProgram())
	cmd.Cancel = func() error { return endGently(cmd.Process) }
	cmd.WaitDelay = time.Second // then it is killed
	to, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: pinentry: %w", ErrCannotAsk, err)
	}
	defer context.AfterFunc(ctx, func() { from.Close() })() // a child of it may hold the other end
	a := &assuan{to: to, from: from}
	defer a.wipe()
	answer, err := a.answer() // the greeting
	for _, line := range append(p.pinentryOptions(ctx), question...) {
		if err != nil {
			break
		}
		if strings.HasPrefix(line[0], "SET") && line[1] == "" {
			continue
		}
		answer, err = a.call(line[0], unmarked(line[1]))
		var refused *assuanError
		if line[0] == "OPTION" && errors.As(err, &refused) {
			err = nil // it does not know this one
		}
	}
	if err != nil {
		end() // it may do anything but end by itself
	}
	_, _ = io.WriteString(to, "BYE\n")
	to.Close()
	_ = cmd.Wait() // that it failed is seen by its answer
	if cause := context.Cause(ctx); cause != nil {
		clear(answer)
		return nil, cause
	}
	if err = pinentryEnd(err); err != nil && tty.isGone() {
		err = ErrHungUp // it may have seen that first
	}
	return answer, err
}

// pinentryOptions say where to show the question, and for how long.
func (p *Prompter) pinentryOptions(ctx context.Context) [][2]string {
	patience := pinentryTime
	if end, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(end))
	}
	options := [][2]string{
		{"SETTITLE", "kagiban"},
		{"SETTIMEOUT", strconv.Itoa(int(patience.Seconds()) + 1)},
	}
	for _, o := range [][2]string{
		{"ttyname", p.getenv("GPG_TTY")}, {"ttytype", p.getenv("TERM")}, {"display", p.getenv("DISPLAY")}, {"lc-ctype", p.locale()},
	} {
		if o[1] != "" {
			options = append(options, [2]string{"OPTION", o[0] + "=" + o[1]})
		}
	}
	return options
}

// locale is the locale of characters (locale(7)): the first that is set counts.
func (p *Prompter) locale() string {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := p.getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// pinentryEnd says what the end of a question means.
func pinentryEnd(err error) error {
	var refused *assuanError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed):
		return ErrNoAnswer // Ctrl-C at its terminal ends it
	case !errors.As(err, &refused):
		return err
	}
	switch refused.code {
	case assuanTimeout, assuanCancelled, assuanNotConfirmed, assuanFullyCanceled:
		return ErrNoAnswer
	}
	return fmt.Errorf("%w: %w", ErrCannotAsk, refused)
}
