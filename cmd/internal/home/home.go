// Package home knows where things are: the keys, the book of servers, the
// configuration, the log and the sockets.
//
// KAGIBAN_HOME puts everything under one folder:
//
//	keys/ hosts.toml sockets.toml config.toml log/agent.log log/uses/
//	run/agent.sock run/control.sock run/narrow/
//
// Without it the XDG base directories are followed: keys/, hosts.toml and sockets.toml
// in $XDG_DATA_HOME/kagiban (~/.local/share), because a backup of the user's data
// must hold them; config.toml in $XDG_CONFIG_HOME/kagiban (~/.config); the logs in
// $XDG_STATE_HOME/kagiban (~/.local/state); the sockets in
// $XDG_RUNTIME_DIR/kagiban, else in run/ beside the log. On Windows all lies under
// %LOCALAPPDATA%\kagiban, laid out like KAGIBAN_HOME.
//
// Finding changes nothing on disk; Make does. It never reads the environment by
// itself, and never returns a relative path.
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"kagiban/vault/safefile"
)

// ErrNoHome is the cause of an error of Find when the environment does not say
// where the user's files are.
var ErrNoHome = errors.New("no home folder")

// Home is the set of kagiban's places. The zero value is not useful; see Find.
type Home struct {
	data, config, state, run string
}

// Find works out the places from the environment, and touches no file. Relative
// XDG values are ignored, as the XDG Base Directory Specification asks; a
// relative KAGIBAN_HOME is taken from the working folder. The error wraps ErrNoHome.
func Find(getenv func(string) string) (Home, error) {
	if dir := getenv("KAGIBAN_HOME"); dir != "" {
		return under(dir)
	}
	if runtime.GOOS == "windows" {
		dir := getenv("LOCALAPPDATA")
		if dir == "" {
			return Home{}, fmt.Errorf("%w: neither KAGIBAN_HOME nor LOCALAPPDATA is set", ErrNoHome)
		}
		return under(filepath.Join(dir, "kagiban"))
	}
	return xdg(getenv)
}

// under lays everything out below one folder.
func under(dir string) (Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, fmt.Errorf(`%w: "%s": %w`, ErrNoHome, dir, err)
	}
	return Home{data: abs, config: abs, state: filepath.Join(abs, "log"), run: filepath.Join(abs, "run")}, nil
}

// xdg lays everything out by the XDG Base Directory Specification 0.8.
func xdg(getenv func(string) string) (Home, error) {
	user := getenv("HOME")
	var missing error
	base := func(variable, fallback string) string {
		if dir := getenv(variable); filepath.IsAbs(dir) {
			return filepath.Join(dir, "kagiban")
		}
		if !filepath.IsAbs(user) {
			missing = fmt.Errorf("%w: HOME is not set to an absolute path", ErrNoHome)
		}
		return filepath.Join(user, fallback, "kagiban")
	}
	h := Home{
		data:   base("XDG_DATA_HOME", ".local/share"),
		config: base("XDG_CONFIG_HOME", ".config"),
		state:  base("XDG_STATE_HOME", ".local/state"),
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		h.run = filepath.Join(dir, "kagiban")
	} else {
		h.run = filepath.Join(h.state, "run")
	}
	return h, missing
}

// Keys is the folder of the vault.
func (h Home) Keys() string { return filepath.Join(h.data, "keys") }

// Hosts is the book of servers, hosts.toml.
func (h Home) Hosts() string { return filepath.Join(h.data, "hosts.toml") }

// Config is the configuration file, config.toml.
func (h Home) Config() string { return filepath.Join(h.config, "config.toml") }

// Log is the agent's own log, agent.log.
func (h Home) Log() string { return filepath.Join(h.state, "agent.log") }

// Uses is the folder of the log of uses.
func (h Home) Uses() string { return filepath.Join(h.state, "uses") }

// Sockets is the list of the narrower sockets, sockets.toml.
func (h Home) Sockets() string { return filepath.Join(h.data, "sockets.toml") }

// RunDir is the folder of the sockets.
func (h Home) RunDir() string { return h.run }

// Check says so when something else than a folder is where one of the folders should be: Windows would call what is in it not there. None need
// be there yet. The error is a *safefile.DirError.
func (h Home) Check() error {
	for _, dir := range []string{h.data, h.config, h.state} {
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			return safefile.CheckDir(dir)
		}
	}
	return nil
}

// Make makes the folders that are not there yet, readable by the user alone, and
// checks those that are: ours, no symbolic link, closed to others. The error
// says which folder is at fault and what to type.
func (h Home) Make() error {
	for _, dir := range []string{h.data, h.config, h.state, h.run} {
		if err := safefile.PrivateDir(dir); err != nil {
			return err
		}
	}
	return nil
}
