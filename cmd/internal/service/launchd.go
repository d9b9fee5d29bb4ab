package service

import (
	"context"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const launchdLabel = "kagiban.agent"

// launchdPatience is how long an agent may take to end.
const launchdPatience = 10 * time.Second

// launchd starts the agent at login and again when it dies. That it should hold the sockets, as systemd does, would take C
// (launch_activate_socket), and this program has none.
type launchd struct {
	disk
	runCommand func(ctx context.Context, name string, args ...string) (string, error)
	uid        int
	plist      string // its one file
}

func (l *launchd) files(spec Spec) ([]File, error) {
	l.plist = path.Join(spec.Config, "LaunchAgents", launchdLabel+".plist")
	return rendered([]File{{l.plist, "launchd.plist"}}, spec)
}

var firstArgument = regexp.MustCompile(`<array>\s*<string>([^<]*)</string>`)

// program is the first string of the one array.
func (l *launchd) program(text string) string {
	found := firstArgument.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&quot;", `"`, "&#39;", "'", "&apos;", "'", "&amp;", "&").Replace(found[1])
}

// domain is the login session of the user at the screen, target the agent in it.
func (l *launchd) domain() string { return "gui/" + strconv.Itoa(l.uid) }
func (l *launchd) target() string { return l.domain() + "/" + launchdLabel }

func (l *launchd) ready(ctx context.Context) error {
	if _, err := l.runCommand(ctx, "launchctl", "print", l.domain()); err != nil {
		return unavailable("launchd has no session at the screen for this user", err)
	}
	return nil
}

// look: launchd does not know of an agent that is not loaded, and says so by failing. It takes every file of its folder at login,
// unless that was disabled by hand.
func (l *launchd) look(ctx context.Context, state *State) error {
	out, err := l.runCommand(ctx, "launchctl", "print", l.target())
	state.Active = err == nil
	state.Running = state.Active && strings.Contains(out, "state = running")
	state.Enabled = state.Installed()
	return nil
}

func (l *launchd) start(ctx context.Context, _ []string) error {
	if err := l.stop(ctx); err != nil { // it would not read a changed file
		return err
	}
	_, err := l.runCommand(ctx, "launchctl", "bootstrap", l.domain(), l.plist)
	return err
}

func (l *launchd) stop(ctx context.Context) error {
	var state State
	if err := l.look(ctx, &state); err != nil || !state.Active {
		return err
	}
	if _, err := l.runCommand(ctx, "launchctl", "bootout", l.target()); err != nil {
		return err
	}
	// It may be on its way out for a while, and cannot be loaded again in that time.
	for over := time.After(launchdPatience); ; {
		if err := l.look(ctx, &state); err != nil || !state.Active {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return &CommandError{Command: "launchctl bootout " + l.target(), Output: "the agent has not ended", Err: context.DeadlineExceeded}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *launchd) removed(context.Context) error { return nil }
