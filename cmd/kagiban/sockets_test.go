package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
	"kagiban/scripts/ground"
	"kagiban/vault/safefile"
)

// openSockets are the narrower sockets of a new agent in a home of the test's own.
func openSockets(t *testing.T) *sockets {
	t.Helper()
	dir, err := os.MkdirTemp("", "kagiban-home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := home.Find(func(name string) string { return map[string]string{"KAGIBAN_HOME": filepath.Join(dir, "h")}[name] })
	if err != nil {
		t.Fatal(err)
	}
	return openSocketsAt(t, h)
}

func openSocketsAt(t *testing.T, h home.Home) *sockets {
	t.Helper()
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	s := &sockets{home: h, agent: agent.New(agent.Options{}), log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		s.serving.Wait()
	})
	s.open(ctx)
	return s
}

// TestSocketsFile: a list that says what this kagiban would not do is none, and names no folder of its own choice.
func TestSocketsFile(t *testing.T) {
	const box = "[[socket]]\nname = 'box'\npurposes = ['git']\n"
	for name, test := range map[string]struct{ text, fault string }{
		"no file":          {"", ""},
		"one":              {"schema = 1\n" + box, ""},
		"a newer one":      {"schema = 2\n" + box, "schema 2"},
		"an unknown word":  {"schema = 1\n" + box + "moon = true\n", "line 5"},
		"a way out":        {"schema = 1\n[[socket]]\nname = '../..'\npurposes = ['git']\n", "name"},
		"no name":          {"schema = 1\n[[socket]]\npurposes = ['git']\n", "name"},
		"no narrower":      {"schema = 1\n[[socket]]\nname = 'box'\n", "neither keys"},
		"a purpose":        {"schema = 1\n[[socket]]\nname = 'box'\npurposes = ['moon']\n", "moon"},
		"twice":            {"schema = 1\n" + box + strings.ReplaceAll(box, "box", "Box"), "two of that name"},
		"a host's bad key": {"schema = 1\n" + box + "[[socket.host]]\nname = 'h'\nkeys = ['ssh-ed25519 AAAA']\n", "hosts, and no logins"},
	} {
		path := filepath.Join(t.TempDir(), "sockets.toml")
		if test.text != "" {
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := readSockets(path)
		if test.fault == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if fault := new(home.ConfigError); !errors.As(err, &fault) || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSocketsThatCannotBeRemembered are not there, and those that cannot be forgotten stay.
func TestSocketsThatCannotBeRemembered(t *testing.T) {
	s := openSockets(t)
	box, other := agent.Scope{Name: "box", Keys: []string{"laptop"}}, agent.Scope{Name: "other", Purposes: []string{agent.UseGit}}
	if err := s.Add(box); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.home.Sockets(), s.home.Sockets()+".aside"); err != nil {
		t.Fatal(err)
	}
	err := os.Symlink(filepath.Join("nowhere", "sockets.toml"), s.home.Sockets()) // no list yet, and none can be written
	if runtime.GOOS == "windows" {
		err = os.MkdirAll(filepath.Join(s.home.Sockets(), "full"), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(other); err == nil {
		t.Error("it was added")
	}
	if err := s.Remove("box"); err == nil {
		t.Error("it was removed")
	}
	if dir := s.home.NarrowDir("other"); dir != "" {
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its folder is there: %v", err)
		}
	}
	if err := s.RenameKey("laptop", "main"); err == nil {
		t.Error("its key was renamed")
	}
	if all := s.List(); len(all) != 1 || all[0].Name != "box" || all[0].Error != "" || all[0].Keys[0] != "laptop" {
		t.Errorf("%+v", all)
	}
	c, err := door.Dial(s.home.NarrowSocket("box"))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestSocketsAreCheckedOnceMore: the command line is not the only one that speaks the control protocol.
func TestSocketsAreCheckedOnceMore(t *testing.T) {
	s := openSockets(t)
	git := []string{agent.UseGit}
	for name, scope := range map[string]agent.Scope{
		"a way out": {Name: "../../x", Purposes: git}, "a dot": {Name: ".", Purposes: git}, "no name": {Purposes: git},
		"no narrower": {Name: "x"}, "no purpose": {Name: "x", Purposes: []string{"moon"}},
		"too long": {Name: strings.Repeat("x", 64), Purposes: []string{"git"}},
	} {
		if name == "too long" && len(s.home.NarrowSocket(scope.Name)) < 108 {
			continue // it fits
		}
		if err := s.Add(scope); err == nil {
			t.Errorf("%s was added", name)
		}
	}
	if err := s.Remove("../x"); !errors.Is(err, control.ErrNoSocket) {
		t.Errorf("removed: %v", err)
	}
	if dir := s.home.NarrowDir("x"); dir != "" { // on Windows there is none
		if files, err := os.ReadDir(filepath.Dir(dir)); len(files) > 0 {
			t.Errorf("%v, %v", files, err)
		}
	}
}

// TestAKeyIsRenamedAtItsSockets: at those alone that are for it, though one of them is shut; and by who renames it where no agent runs. One that begins in that
// moment is told, too.
func TestAKeyIsRenamedAtItsSockets(t *testing.T) {
	s := openSockets(t)
	for name, keys := range map[string][]string{"box": {"desk", "laptop"}, "shut": {"laptop"}, "other": {"desk"}} {
		if err := s.Add(agent.Scope{Name: name, Keys: keys}); err != nil {
			t.Fatal(err)
		}
	}
	s.find("shut").end()
	s.find("shut").err = errors.New("shut")
	want := func(what, text string) {
		t.Helper()
		scopes, err := readSockets(s.home.Sockets())
		if got := fmt.Sprint(keysOfScopes(scopes), keysOfScopes(s.scopes()), err); got != text {
			t.Errorf("%s: %s, want %s", what, got, text)
		}
	}
	if err := s.RenameKey("laptop", "../x"); err == nil {
		t.Error("no name")
	}
	if err := errors.Join(s.RenameKey("nosuch", "main"), s.RenameKey("laptop", "apple")); err != nil {
		t.Error(err)
	}
	want("by the agent", "[box apple desk other desk shut apple] [box apple desk other desk shut apple] <nil>")
	if n := s.find("shut"); n.err != nil {
		t.Errorf("it was not opened anew: %v", n.err)
	}
	calls := 0
	began := func() error {
		if calls++; calls == 1 {
			return control.ErrNotRunning
		}
		return s.RenameKey("apple", "laptop")
	}
	if err := renameInSockets(t.Context(), s.home.Sockets(), "apple", "laptop", began); err != nil || calls != 2 {
		t.Errorf("%d calls: %v", calls, err)
	}
	want("by one that began meanwhile", "[box desk laptop other desk shut laptop] [box desk laptop other desk shut laptop] <nil>")
	none := func() error { return control.ErrNotRunning }
	if err := renameInSockets(t.Context(), s.home.Sockets(), "laptop", "main", none); err != nil {
		t.Error(err)
	}
	want("without an agent", "[box desk main other desk shut main] [box desk laptop other desk shut laptop] <nil>")
	broken := errors.New("broken")
	if err := renameInSockets(t.Context(), s.home.Sockets(), "main", "laptop", func() error { return broken }); err != broken {
		t.Errorf("by an agent that cannot: %v", err)
	}
}

// TestSocketsOfTwoAgents: one with the run folder of a session and one without have one list. Neither writes into it what the other took out of it, nor takes
// out what the other wrote; each has in mind what it began with, and what it was told itself.
func TestSocketsOfTwoAgents(t *testing.T) {
	ground.NotWindows(t, "there is one run folder")
	dir, err := os.MkdirTemp("", "kagiban-home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	agents := map[string]*sockets{}
	begin := func(name string) {
		env := map[string]string{"HOME": dir, "XDG_RUNTIME_DIR": map[string]string{"session": filepath.Join(dir, "run")}[name]}
		h, err := home.Find(func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		agents[name] = openSocketsAt(t, h)
	}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	begin("session")
	begin("cron")
	add := func(agentName, name string, keys ...string) error {
		return agents[agentName].Add(agent.Scope{Name: name, Keys: keys})
	}
	for _, tt := range []struct {
		what                 string
		do                   func() error
		err                  error
		list, session, other string
	}{
		{"added here", func() error { return add("session", "box", "desk") }, nil, "box desk", "box desk", ""},
		{"added there", func() error { return add("cron", "ci", "laptop") }, nil, "box desk ci laptop", "box desk", "ci laptop"},
		{"the name is taken", func() error { return add("cron", "Box", "laptop") }, control.ErrSocketThere, "box desk ci laptop", "box desk", "ci laptop"},
		{"the very same", func() error { return add("cron", "box", "desk") }, nil, "box desk ci laptop", "box desk", "box desk ci laptop"},
		{"removed here", func() error { return agents["session"].Remove("box") }, nil, "ci laptop", "", "box desk ci laptop"},
		{"another added there", func() error { return add("cron", "two", "desk") }, nil, "ci laptop two desk", "", "box desk ci laptop two desk"},
		{"a key renamed here", func() error { return agents["session"].RenameKey("laptop", "main") }, nil, "ci main two desk", "", "box desk ci laptop two desk"},
		{"and there", func() error { return agents["cron"].RenameKey("desk", "seat") }, nil, "ci main two seat", "", "box seat ci laptop two seat"},
		{"not known here", func() error { return agents["session"].Remove("ci") }, control.ErrNoSocket, "ci main two seat", "", "box seat ci laptop two seat"},
		{"anew, for something else", func() error { return add("cron", "box", "main") }, nil, "box main ci main two seat", "", "box main ci laptop two seat"},
		{"gone already", func() error { return errors.Join(agents["cron"].Remove("two"), agents["cron"].Remove("box")) }, nil, "ci main", "", "ci laptop"},
		{"for something else", func() error { return add("cron", "ci", "laptop") }, control.ErrSocketThere, "ci main", "", "ci laptop"},
	} {
		err := tt.do()
		scopes, unread := readSockets(agents["cron"].home.Sockets())
		list, session, other := keysOfScopes(scopes), keysOfScopes(agents["session"].scopes()), keysOfScopes(agents["cron"].scopes())
		if got := strings.Join(list, " "); got != tt.list || !errors.Is(err, tt.err) || unread != nil {
			t.Errorf("%s: %v, %v: the list is %s, want %s", tt.what, err, unread, got, tt.list)
		}
		if a, b := strings.Join(session, " "), strings.Join(other, " "); a != tt.session || b != tt.other {
			t.Errorf("%s: the agents have %q and %q, want %q and %q", tt.what, a, b, tt.session, tt.other)
		}
	}
}

// TestSocketsAreChangedByOneAtATime: who waits too long for another has changed nothing.
func TestSocketsAreChangedByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sockets.toml")
	unlock, err := safefile.Lock(t.Context(), path+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err = changeSockets(ctx, path, func([]agent.Scope) ([]agent.Scope, error) {
		t.Error("changed while somebody else does")
		return nil, nil
	})
	if !errors.As(err, new(*safefile.LockedError)) {
		t.Error(err)
	}
}

func keysOfScopes(all []agent.Scope) (texts []string) {
	for _, s := range all {
		texts = append(append(texts, s.Name), s.Keys...)
	}
	return texts
}

// TestAHostsKeysAreLearntAnew: by who says the same once more, and for good.
func TestAHostsKeysAreLearntAnew(t *testing.T) {
	s := openSockets(t)
	for range 2 {
		key := strings.TrimSpace(lineOf(ground.Signer(t)))
		if err := s.Add(agent.Scope{Name: "ci", Hosts: []agent.ScopeHost{{Name: "vps1", Keys: []string{key}}}}); err != nil {
			t.Fatal(err)
		}
		scopes, err := readSockets(s.home.Sockets())
		for _, all := range [][]agent.Scope{scopes, s.scopes()} {
			if err != nil || len(all) != 1 || all[0].Hosts[0].Keys[0] != key {
				t.Errorf("%v, %v; want %s", all, err, key)
			}
		}
	}
}

// TestSocketsComeAgain: an agent that begins anew has them, and one that is removed is gone for good.
func TestSocketsComeAgain(t *testing.T) {
	s := openSockets(t)
	if err := s.Add(agent.Scope{Name: "box", Purposes: []string{agent.UseGit}}); err != nil {
		t.Fatal(err)
	}
	s.find("box").end()
	for i, want := range []int{1, 0} {
		again := &sockets{home: s.home, agent: agent.New(agent.Options{}), log: s.log}
		ctx, cancel := context.WithCancel(t.Context())
		again.open(ctx)
		all := again.List()
		if len(all) != want || want == 1 && all[0].Error != "" {
			t.Errorf("%d: %+v", i, all)
		}
		if want == 1 {
			c, err := door.Dial(all[0].Path)
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := sshagent.NewClient(c).List(); err != nil || len(keys) > 0 {
				t.Errorf("%v, %v", keys, err)
			}
			if err := again.Remove("box"); err != nil {
				t.Error(err)
			}
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("still there")
			}
			c.Close()
		}
		cancel()
		again.serving.Wait()
	}
}

// TestASocketThatFailsAtOnce: serving may end while the one who opened it is still about it (for go test -race).
func TestASocketThatFailsAtOnce(t *testing.T) {
	s := openSockets(t)
	if err := s.Add(agent.Scope{Name: "box", Purposes: []string{agent.UseGit}}); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := s.renew(agent.Scope{Name: "box"}); err != nil { // it listens, and is for nothing
			t.Error(err)
		}
		s.serving.Wait()
	}
	if all := s.List(); len(all) != 1 || !strings.Contains(all[0].Error, "neither keys") {
		t.Errorf("%+v", all)
	}
}

// TestWhoIsNotLetInIsSaidOnceAMinute, each of them, and not in pages of text.
func TestWhoIsNotLetInIsSaidOnceAMinute(t *testing.T) {
	var log strings.Builder
	refused := tellRefused(agent.New(agent.Options{}), slog.New(slog.NewTextHandler(&log, nil)), "box")
	for range 9 {
		for _, uid := range []string{"1001", "1002"} {
			refused(door.Caller{UID: uid, Program: strings.Repeat("\u3042", 4<<10) + "/tool"}, errors.New("another user"))
		}
	}
	if got := strings.Count(log.String(), "another user"); got != 2 || log.Len() > 1<<10 || strings.Count(log.String(), "/tool") != 2 {
		t.Errorf("said %d times: %s", got, log.String())
	}
}
