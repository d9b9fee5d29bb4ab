// Package service has the agent started at login: on Linux by systemd's user manager, whose sockets start it at its first use; on
// macOS by launchd; on Windows by the user's Run key.
//
// It promises: the same call twice changes nothing the second time; a file that somebody else wrote or changed is replaced or removed
// only when that was asked for by name (force); Uninstall takes away what Install made, and nothing else; where the system cannot do
// it, an error says so (*UnavailableError) before anything was changed. It never touches a key.
//
// Files carry a checksum of themselves in a comment: so our own file of an earlier day is told from one that was changed by hand.
package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kagiban/vault/safefile"
)

// Spec is what the files are made from. All paths are absolute.
type Spec struct {
	Program string   // kagiban
	Env     []string // NAME=VALUE: what must be set for the agent to find the same home, XDG_RUNTIME_DIR apart
	Agent   string   // the socket that SSH_AUTH_SOCK names
	Control string
	Runtime string // XDG_RUNTIME_DIR, "" where there is none: a socket below it is named by it
	Config  string // the folder for the user's settings: ~/.config; on macOS ~/Library
	User    string // the user's name, on Windows with its domain: a task is for one user
}

// UnavailableError says that this system, or this session, has nothing that could start an agent.
type UnavailableError struct{ Reason string }

func (e *UnavailableError) Error() string { return e.Reason }

// ForeignError says that a file is not as Install wrote it.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf(`"%s" was changed by hand, or somebody else wrote it`, e.Path)
}

// CommandError says that the system's own program failed; what was written by then stays.
type CommandError struct {
	Command string
	Output  string // its last words
	Err     error
}

func (e *CommandError) Error() string { return fmt.Sprintf("%s: %v: %s", e.Command, e.Err, e.Output) }

// Unwrap gives the cause.
func (e *CommandError) Unwrap() error { return e.Err }

// PathError says that a path cannot stand in such a file.
type PathError struct{ Path, Reason string }

func (e *PathError) Error() string { return fmt.Sprintf(`the path "%s" %s`, e.Path, e.Reason) }

// File is one file of the service. On Windows it is a value of the registry, and Path its name.
type File struct{ Path, Text string }

// State is what is to be found of the service.
type State struct {
	Files   []FileState
	Enabled bool   // it will be there after the next login
	Active  bool   // it is there now: the sockets, or where there are none, the agent
	Running bool   // the agent runs, started by it
	Program string // what the installed file starts, "" if nothing is installed or that cannot be told
}

// Installed says that every file is there, whoever wrote it.
func (s State) Installed() bool {
	return !slices.ContainsFunc(s.Files, func(f FileState) bool { return f.Is == Missing })
}

// Current says that every file is what Install would write today.
func (s State) Current() bool {
	return !slices.ContainsFunc(s.Files, func(f FileState) bool { return f.Is != Same })
}

// FileState is one of the files, and how it is.
type FileState struct {
	Path string
	Is   Likeness
}

// Likeness is how a file is, next to what Install would write.
type Likeness string

// A file is missing, the same, our own of an earlier day (another version, or kagiban at another place), or foreign.
const (
	Missing Likeness = "missing"
	Same    Likeness = "same"
	Older   Likeness = "older"
	Foreign Likeness = "foreign"
)

// Service is the agent's start at login, by one kind of system.
type Service struct {
	files, instead []File
	system         system
}

// system is what differs from one to the next.
type system interface {
	files(Spec) ([]File, error)
	instead(Spec) ([]File, error)                      // see Instead
	program(text string) string                        // what one of its files starts
	ready(ctx context.Context) error                   // a *UnavailableError where it cannot be asked
	look(ctx context.Context, state *State) error      // fills in Enabled, Active and Running
	start(ctx context.Context, changed []string) error // in force, now and at every login
	stop(ctx context.Context) error                    // the opposite; the files are still there
	removed(ctx context.Context) error                 // and now they are not
	read(path string) (string, error)                  // fs.ErrNotExist where there is none
	write(path, text string) error
	remove(path string) error
}

// For is the service on the operating system that goos names (runtime.GOOS). The error is a *UnavailableError or a *PathError.
func For(goos string, spec Spec) (*Service, error) {
	var s system
	switch goos {
	case "linux":
		s = &systemd{runCommand: runCommand}
	case "darwin":
		s = &launchd{runCommand: runCommand, uid: os.Getuid()}
	case "windows":
		s = &runKey{runCommand: runCommand}
	default:
		return nil, &UnavailableError{"kagiban does not know how programs are started at login on " + goos}
	}
	return newService(s, spec)
}

func newService(s system, spec Spec) (*Service, error) {
	for _, path := range append([]string{spec.Program, spec.Agent, spec.Control, spec.Config, spec.User}, spec.Env...) {
		if !writable(path) {
			return nil, &PathError{path, "has a control character, or is no UTF-8"}
		}
	}
	files, err := s.files(spec)
	if err != nil {
		return nil, err
	}
	instead, err := s.instead(spec)
	return &Service{files, instead, s}, err
}

// Files is what Install writes.
func (s *Service) Files() []File { return s.files }

// Instead is what a person can put in force by hand in place of it, a task of Windows' Task Scheduler; nil where there is no such
// thing. Nothing here looks for it.
func (s *Service) Instead() []File { return s.instead }

// Install writes what is not there or not as it should be, and puts it in force. It gives the paths of what it wrote; and done is
// false if all was as it should be. With force files are replaced that others have changed, else the error is a *ForeignError, and
// nothing was changed.
func (s *Service) Install(ctx context.Context, force bool) (wrote []string, done bool, err error) {
	state, err := s.State(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := foreign(state, force); err != nil {
		return nil, false, err
	}
	for i, f := range s.files {
		if state.Files[i].Is == Same {
			continue
		}
		if err := s.system.write(f.Path, f.Text); err != nil {
			return wrote, true, err
		}
		wrote = append(wrote, f.Path)
	}
	if len(wrote) == 0 && state.Enabled && state.Active {
		return nil, false, nil
	}
	return wrote, true, s.system.start(ctx, wrote)
}

// Uninstall ends the service and removes its files. It gives the paths of what it removed: none if there was nothing. For force see
// Install.
func (s *Service) Uninstall(ctx context.Context, force bool) (removed []string, err error) {
	state, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	if err := foreign(state, force); err != nil {
		return nil, err
	}
	for _, f := range state.Files {
		if f.Is != Missing {
			removed = append(removed, f.Path)
		}
	}
	if len(removed) == 0 {
		return nil, nil
	}
	if err := s.system.stop(ctx); err != nil {
		return nil, err
	}
	for _, path := range removed {
		if err := s.system.remove(path); err != nil {
			return nil, err
		}
	}
	return removed, s.system.removed(ctx)
}

// State looks, and changes nothing.
func (s *Service) State(ctx context.Context) (State, error) {
	var state State
	if err := s.system.ready(ctx); err != nil {
		return state, err
	}
	for _, f := range s.files {
		text, err := s.system.read(f.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return state, err
		}
		program := s.system.program(text)
		state.Program = cmp.Or(state.Program, program)
		state.Files = append(state.Files, FileState{f.Path, likeness(f.Text, text, err == nil, program != "")})
	}
	return state, s.system.look(ctx, &state)
}

func foreign(state State, force bool) error {
	for _, f := range state.Files {
		if f.Is == Foreign && !force {
			return &ForeignError{f.Path}
		}
	}
	return nil
}

// disk keeps files where systemd and launchd look for them.
type disk struct{}

func (disk) instead(Spec) ([]File, error) { return nil, nil }

func (disk) read(path string) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
}

func (disk) write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { // no secret is in it, and others have their files there
		return err
	}
	return safefile.WriteFile(path, []byte(text), 0o644)
}

func (disk) remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
