//go:build unix

package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// manager plays systemctl --user: what the real one does is shown in cmd/kagiban, on a host of its own.
type manager struct {
	enabled, active, running bool
	fails                    string // the verb that fails
	calls                    []string
	folder                   string // where it looks for units
}

func (m *manager) run(_ context.Context, name string, args ...string) (string, error) {
	verb := args[2] // after --user --no-pager
	if verb == m.fails {
		return "", &CommandError{Command: name + " " + verb, Output: "Failed to connect to bus", Err: errors.New("exit status 1")}
	}
	word := map[bool]string{true: "active", false: "inactive"}
	switch verb {
	case "show":
		if strings.HasPrefix(args[3], "--property=UnitPath") {
			return "UnitPath=/etc/systemd/user " + m.folder + " /run/systemd/user\n", nil
		}
		file := map[bool]string{true: "enabled", false: ""}
		return "Id=kagiban-agent.socket\nUnitFileState=" + file[m.enabled] + "\nActiveState=" + word[m.active] +
			"\n\nId=kagiban-agent.service\nUnitFileState=static\nActiveState=" + word[m.running] + "\n", nil
	case "enable":
		m.enabled, m.active = true, true
	case "stop":
		m.active, m.running = false, false
	case "disable":
		m.enabled = false
	}
	m.calls = append(m.calls, verb)
	return "", nil
}

func (m *manager) did() string {
	did := strings.Join(m.calls, " ")
	m.calls = nil
	return did
}

func onDisk(t *testing.T, m *manager, program string) *Service {
	t.Helper()
	spec := plain()
	spec.Program, spec.Config = program, filepath.Join(t.TempDir(), ".config")
	return at(t, m, spec)
}

func at(t *testing.T, m *manager, spec Spec) *Service {
	t.Helper()
	if m.folder == "" {
		m.folder = filepath.Join(spec.Config, "systemd", "user")
	}
	s, err := newService(&systemd{runCommand: m.run}, spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestInstall: once, and once more; with what was changed meanwhile; and away again.
func TestInstall(t *testing.T) {
	m := &manager{}
	spec := plain()
	spec.Config = filepath.Join(t.TempDir(), ".config")
	s := at(t, m, spec)
	install := func(s *Service, wrote int, calls string) {
		t.Helper()
		got, done, err := s.Install(t.Context(), false)
		if did := m.did(); err != nil || len(got) != wrote || did != calls || done != (calls != "") {
			t.Errorf("wrote %q, done %v, called %q, %v", got, done, did, err)
		}
	}
	install(s, 2, "daemon-reload stop reset-failed enable")
	m.running = true
	install(s, 0, "")
	m.active = false // somebody stopped it
	install(s, 0, "daemon-reload reset-failed enable")

	moved := spec
	moved.Program = "/opt/kagiban"
	s = at(t, m, moved)
	install(s, 1, "daemon-reload reset-failed enable") // the agent that runs is left alone
	if !m.running {
		t.Error("the agent was ended for a change of its unit")
	}
	moved.Env, moved.Agent = []string{"KAGIBAN_HOME=/k"}, "/k/run/agent.sock"
	s = at(t, m, moved)
	install(s, 2, "daemon-reload stop reset-failed enable") // its sockets are others now

	removed, err := s.Uninstall(t.Context(), false)
	if did := m.did(); err != nil || len(removed) != 2 || did != "stop disable daemon-reload reset-failed" {
		t.Errorf("removed %q, called %q, %v", removed, did, err)
	}
	if removed, err := s.Uninstall(t.Context(), false); err != nil || removed != nil || m.did() != "" {
		t.Errorf("nothing was there: removed %q, %v", removed, err)
	}
}

// TestForeign: one changed file, and none is touched, whatever was asked for; unless by name.
func TestForeign(t *testing.T) {
	m := &manager{}
	s := onDisk(t, m, "/usr/bin/kagiban")
	if _, _, err := s.Install(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	first, second := s.Files()[0], s.Files()[1]
	const mine = "[Service]\nExecStart=/bin/mine\n"
	if err := os.WriteFile(second.Path, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(first.Path); err != nil {
		t.Fatal(err)
	}
	m.did()
	var foreign *ForeignError
	if _, _, err := s.Install(t.Context(), false); !errors.As(err, &foreign) || foreign.Path != second.Path {
		t.Errorf("install: %v", err)
	}
	if _, err := s.Uninstall(t.Context(), false); !errors.As(err, &foreign) {
		t.Errorf("uninstall: %v", err)
	}
	if text, _ := os.ReadFile(second.Path); string(text) != mine || m.did() != "" {
		t.Errorf("the file is %s", text)
	}
	if _, err := os.Lstat(first.Path); err == nil {
		t.Error("another file was written")
	}
	if wrote, _, err := s.Install(t.Context(), true); err != nil || !slices.Equal(wrote, []string{first.Path, second.Path}) {
		t.Errorf("by force: %q, %v", wrote, err)
	}
}

// TestNobodyThere: without a manager nothing is written; and what it refuses is told, and can be tried again.
func TestNobodyThere(t *testing.T) {
	m := &manager{fails: "show"}
	s := onDisk(t, m, "/usr/bin/kagiban")
	var none *UnavailableError
	if _, _, err := s.Install(t.Context(), false); !errors.As(err, &none) || !strings.Contains(none.Reason, "Failed to connect to bus") {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(s.Files()[0].Path); err == nil {
		t.Error("a file was written")
	}
	m.fails, m.folder = "", "/home/me/.config/systemd/user"
	if _, _, err := s.Install(t.Context(), false); !errors.As(err, &none) || !strings.Contains(none.Reason, "XDG_CONFIG_HOME") {
		t.Errorf("it looks somewhere else: %v", err)
	}
	if _, err := os.Lstat(s.Files()[0].Path); err == nil {
		t.Error("a file was written where nobody looks")
	}
	m.fails, m.folder = "enable", filepath.Dir(s.Files()[0].Path)
	var failed *CommandError
	if _, _, err := s.Install(t.Context(), false); !errors.As(err, &failed) {
		t.Errorf("%v", err)
	}
	m.fails = ""
	if _, done, err := s.Install(t.Context(), false); err != nil || !done || !m.enabled {
		t.Errorf("tried again: %v, %v", done, err)
	}
}

// TestLaunchd: what is said to launchctl. The text is in TestTexts.
func TestLaunchd(t *testing.T) {
	var calls []string
	loaded := false
	leaving := 0 // how often it is still seen when it has been told to go
	run := func(_ context.Context, name string, args ...string) (string, error) {
		calls = append(calls, strings.Join(args, " "))
		switch args[0] {
		case "bootstrap":
			loaded = true
		case "bootout":
			leaving = 2
		case "print":
			if leaving > 0 {
				leaving--
				loaded = leaving > 0
			}
			if strings.HasSuffix(args[1], launchdLabel) && !loaded {
				return "", &CommandError{Command: name, Err: errors.New("exit status 113")}
			}
			return "\tstate = running\n", nil
		}
		return "", nil
	}
	spec := plain()
	spec.Config = filepath.Join(t.TempDir(), "Library")
	s, err := newService(&launchd{runCommand: run, uid: 501}, spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := s.Install(t.Context(), false); err != nil || !done {
		t.Fatal(done, err)
	}
	if last := calls[len(calls)-1]; last != "bootstrap gui/501 "+s.Files()[0].Path {
		t.Errorf("said %q", last)
	}
	if state, err := s.State(t.Context()); err != nil || !state.Active || !state.Running || !state.Enabled || !state.Current() {
		t.Errorf("%+v, %v", state, err)
	}
	if _, done, err := s.Install(t.Context(), false); err != nil || done {
		t.Errorf("twice: %v, %v", done, err)
	}
	if err := s.system.start(t.Context(), nil); err != nil || !loaded { // a changed file: it goes, and comes again
		t.Errorf("started anew: %v, there %v", err, loaded)
	}
	if last := calls[len(calls)-2:]; !strings.HasPrefix(last[0], "print ") || !strings.HasPrefix(last[1], "bootstrap ") {
		t.Errorf("it was loaded before it was gone: %q", last)
	}
	calls = nil
	if removed, err := s.Uninstall(t.Context(), false); err != nil || len(removed) != 1 || !slices.Contains(calls, "bootout gui/501/kagiban.agent") {
		t.Errorf("removed %q, said %q, %v", removed, calls, err)
	}
}
