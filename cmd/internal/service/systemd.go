package service

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	socketUnit  = "kagiban-agent.socket"
	serviceUnit = "kagiban-agent.service"
)

// systemd is the user's own manager (systemd --user). It listens for the agent, and starts it at the first connection.
type systemd struct {
	disk
	runCommand func(ctx context.Context, name string, args ...string) (string, error)
	units      string // the folder of the units
}

// files refuses sockets that systemd (seen in 252) would lose as soon as it reads its files again, because the path that it wrote down
// for itself has escapes in it: then nobody listens, and the unit still counts as active. And it runs no program with a quote in its path.
func (s *systemd) files(spec Spec) ([]File, error) {
	for _, path := range []string{spec.Agent, spec.Control} {
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"'\`, r) }) {
			return nil, &PathError{path, "has a quote, a backslash or a letter beyond ASCII, by which systemd loses a socket"}
		}
	}
	if strings.ContainsAny(spec.Program, `"'\`) {
		return nil, &PathError{spec.Program, "has a quote or a backslash, and systemd runs no such program"}
	}
	s.units = path.Join(spec.Config, "systemd", "user")
	files := []File{
		{Path: path.Join(s.units, socketUnit), Text: "kagiban-agent.socket"},
		{Path: path.Join(s.units, serviceUnit), Text: "kagiban-agent.service"},
	}
	return rendered(files, spec)
}

// rendered puts the text of that name into each file.
func rendered(files []File, spec Spec) ([]File, error) {
	for i := range files {
		text, err := render(files[i].Text, spec)
		if err != nil {
			return nil, err
		}
		files[i].Text = text
	}
	return files, nil
}

var execStart = regexp.MustCompile(`(?m)^ExecStart="(.*)" agent run$`)

func (s *systemd) program(text string) string {
	if m := execStart.FindStringSubmatch(text); m != nil {
		return unquoted(m[1])
	}
	return ""
}

// systemctl asks the user's manager.
func (s *systemd) systemctl(ctx context.Context, args ...string) (string, error) {
	return s.runCommand(ctx, "systemctl", append([]string{"--user", "--no-pager"}, args...)...)
}

// ready asks where the manager looks for units: its XDG_CONFIG_HOME need not be this shell's. A folder whose name it may print in
// another way is taken on trust.
func (s *systemd) ready(ctx context.Context) error {
	out, err := s.systemctl(ctx, "show", "--property=UnitPath")
	if err != nil {
		return unavailable("no systemd answers for this user", err)
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'\\`, r) }
	folders := strings.Fields(strings.TrimPrefix(out, "UnitPath="))
	if !strings.ContainsFunc(s.units, odd) && !slices.Contains(folders, s.units) {
		return &UnavailableError{"this user's systemd does not look into " + s.units + " (is XDG_CONFIG_HOME set in this shell alone?)"}
	}
	return nil
}

func (s *systemd) look(ctx context.Context, state *State) error {
	units, err := s.show(ctx)
	if err != nil {
		return err
	}
	state.Enabled = units[socketUnit]["UnitFileState"] == "enabled"
	state.Active = units[socketUnit]["ActiveState"] == "active"
	state.Running = units[serviceUnit]["ActiveState"] == "active"
	return nil
}

// show is what the manager knows of both units.
func (s *systemd) show(ctx context.Context) (map[string]map[string]string, error) {
	out, err := s.systemctl(ctx, "show", "--property=Id,UnitFileState,ActiveState", socketUnit, serviceUnit)
	if err != nil {
		return nil, err
	}
	units := map[string]map[string]string{}
	for _, block := range strings.Split(out, "\n\n") {
		unit := map[string]string{}
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			unit[name] = value
		}
		units[unit["Id"]] = unit
	}
	return units, nil
}

// start leaves an agent that runs alone, with its keys, unless the sockets themselves have changed: a socket cannot be
// made anew while its service runs.
func (s *systemd) start(ctx context.Context, changed []string) error {
	if _, err := s.systemctl(ctx, "daemon-reload"); err != nil { // even if nothing was written now: who was killed after writing comes again
		return err
	}
	if slices.ContainsFunc(changed, func(p string) bool { return path.Base(p) == socketUnit }) {
		if _, err := s.systemctl(ctx, "stop", socketUnit, serviceUnit); err != nil {
			return err
		}
	}
	if _, err := s.systemctl(ctx, "reset-failed", socketUnit, serviceUnit); err != nil && ctx.Err() != nil { // it may be that nothing had failed
		return err
	}
	_, err := s.systemctl(ctx, "enable", "--quiet", "--now", socketUnit)
	return err
}

func (s *systemd) stop(ctx context.Context) error {
	units, err := s.show(ctx)
	if err != nil {
		return err
	}
	if units[socketUnit]["ActiveState"] != "inactive" || units[serviceUnit]["ActiveState"] != "inactive" {
		if _, err := s.systemctl(ctx, "stop", socketUnit, serviceUnit); err != nil {
			return err
		}
	}
	if units[socketUnit]["UnitFileState"] != "" {
		_, err = s.systemctl(ctx, "disable", "--quiet", socketUnit)
	}
	return err
}

func (s *systemd) removed(ctx context.Context) error {
	if _, err := s.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	_, _ = s.systemctl(ctx, "reset-failed", socketUnit, serviceUnit) // as in start
	return nil
}
