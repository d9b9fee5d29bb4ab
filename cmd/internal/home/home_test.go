package home

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kagiban/scripts/ground"
	"kagiban/vault/safefile"
)

// env is an environment for Find.
func env(pairs ...string) func(string) string {
	set := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		set[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return set[name] }
}

func TestFind(t *testing.T) {
	ground.NotWindows(t, "XDG folders")
	tests := []struct {
		name                    string
		env                     func(string) string
		keys, config, log, sock string
	}{
		{
			"KAGIBAN_HOME", env("KAGIBAN_HOME", "/k", "HOME", "/h", "XDG_DATA_HOME", "/x", "XDG_RUNTIME_DIR", "/r"),
			"/k/keys", "/k/config.toml", "/k/log/agent.log", "/k/run/agent.sock",
		},
		{
			"HOME alone", env("HOME", "/h"),
			"/h/.local/share/kagiban/keys", "/h/.config/kagiban/config.toml",
			"/h/.local/state/kagiban/agent.log", "/h/.local/state/kagiban/run/agent.sock",
		},
		{
			"XDG", env("HOME", "/h", "XDG_DATA_HOME", "/d", "XDG_CONFIG_HOME", "/c", "XDG_STATE_HOME", "/s", "XDG_RUNTIME_DIR", "/r"),
			"/d/kagiban/keys", "/c/kagiban/config.toml", "/s/kagiban/agent.log", "/r/kagiban/agent.sock",
		},
		{
			"relative XDG is ignored", env("HOME", "/h", "XDG_DATA_HOME", "d", "XDG_CONFIG_HOME", "c", "XDG_STATE_HOME", "s", "XDG_RUNTIME_DIR", "r"),
			"/h/.local/share/kagiban/keys", "/h/.config/kagiban/config.toml",
			"/h/.local/state/kagiban/agent.log", "/h/.local/state/kagiban/run/agent.sock",
		},
		{
			"XDG without HOME", env("XDG_DATA_HOME", "/d", "XDG_CONFIG_HOME", "/c", "XDG_STATE_HOME", "/s"),
			"/d/kagiban/keys", "/c/kagiban/config.toml", "/s/kagiban/agent.log", "/s/kagiban/run/agent.sock",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := Find(tt.env)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range [][2]string{
				{h.Keys(), tt.keys}, {h.Hosts(), filepath.Join(filepath.Dir(tt.keys), "hosts.toml")},
				{h.Config(), tt.config}, {h.Log(), tt.log}, {h.AgentSocket(), tt.sock},
				{h.ControlSocket(), filepath.Join(filepath.Dir(tt.sock), "control.sock")},
				{h.Sockets(), filepath.Join(filepath.Dir(tt.keys), "sockets.toml")},
				{h.NarrowSocket("box"), filepath.Join(filepath.Dir(tt.sock), "narrow", "box", "agent.sock")},
				{h.NarrowDir("box"), filepath.Dir(h.NarrowSocket("box"))},
				{h.RunDir(), filepath.Dir(tt.sock)}, {h.Uses(), filepath.Join(filepath.Dir(tt.log), "uses")},
			} {
				if c[0] != c[1] {
					t.Errorf("%q, want %q", c[0], c[1])
				}
			}
		})
	}
}

func TestFindNowhere(t *testing.T) {
	for name, e := range map[string]func(string) string{
		"nothing": env(), "relative HOME": env("HOME", "h", "XDG_DATA_HOME", "/d"),
	} {
		if h, err := Find(e); !errors.Is(err, ErrNoHome) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

// TestRelativeHome: what env prints must work from every folder.
func TestRelativeHome(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	h, err := Find(env("KAGIBAN_HOME", "k"))
	if err != nil || !filepath.IsAbs(h.Keys()) || filepath.Base(filepath.Dir(h.Keys())) != "k" {
		t.Errorf("%q, %v", h.Keys(), err)
	}
}

// TestCheck: a file in the place of the folder is said, and not taken for a home with nothing in it.
func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "k")
	h, err := Find(env("KAGIBAN_HOME", dir))
	if err != nil || h.Check() != nil {
		t.Fatal(err, h.Check())
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var unfit *safefile.DirError
	if err := h.Check(); !errors.As(err, &unfit) || unfit.Path != dir {
		t.Errorf("%v", err)
	}
}

func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "k")
	h, err := Find(env("KAGIBAN_HOME", dir))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it only looks
		if err := h.Make(); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, sub := range []string{"", "log", "run"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%q: %v, %v", sub, info.Mode(), err)
		}
	}
	if err := os.Chmod(h.RunDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := h.Make(); err == nil || !strings.Contains(err.Error(), h.RunDir()) {
		t.Errorf("an open folder gives %v", err)
	}
}

func TestCheckSockets(t *testing.T) {
	ground.NotWindows(t, "sockets whose path can be too long")
	rest := len("/run/control.sock")
	for length, fits := range map[int]bool{maxSocketPath - rest: true, maxSocketPath - rest + 1: false} {
		h, err := Find(env("KAGIBAN_HOME", "/"+strings.Repeat("k", length-1)))
		if err != nil {
			t.Fatal(err)
		}
		err = h.CheckSockets()
		var long *SocketPathError
		if fits != (err == nil) || !fits && (!errors.As(err, &long) || long.Limit != maxSocketPath) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}
