package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
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
	if err == nil {
		err = h.Make()
	}
	if err != nil {
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
	if err := os.MkdirAll(filepath.Join(s.home.Sockets(), "full"), 0o700); err != nil { // no file takes its place
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
	if err := renameInSockets(s.home.Sockets(), "apple", "laptop", began); err != nil || calls != 2 {
		t.Errorf("%d calls: %v", calls, err)
	}
	want("by one that began meanwhile", "[box desk laptop other desk shut laptop] [box desk laptop other desk shut laptop] <nil>")
	none := func() error { return control.ErrNotRunning }
	if err := renameInSockets(s.home.Sockets(), "laptop", "main", none); err != nil {
		t.Error(err)
	}
	want("without an agent", "[box desk main other desk shut main] [box desk laptop other desk shut laptop] <nil>")
	broken := errors.New("broken")
	if err := renameInSockets(s.home.Sockets(), "main", "laptop", func() error { return broken }); err != broken {
		t.Errorf("by an agent that cannot: %v", err)
	}
}

func keysOfScopes(all []agent.Scope) (texts []string) {
	for _, s := range all {
		texts = append(append(texts, s.Name), s.Keys...)
	}
	return texts
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
			t.Errorf("%d: %+v, %v", i, all, again.unread)
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

// TestWhoIsNotLetInIsSaidOnceAMinute, each of them.
func TestWhoIsNotLetInIsSaidOnceAMinute(t *testing.T) {
	var log strings.Builder
	refused := tellRefused(agent.New(agent.Options{}), slog.New(slog.NewTextHandler(&log, nil)), "box")
	for range 9 {
		for _, uid := range []string{"1001", "1002"} {
			refused(door.Caller{UID: uid}, errors.New("another user"))
		}
	}
	if got := strings.Count(log.String(), "another user"); got != 2 {
		t.Errorf("said %d times: %s", got, log.String())
	}
}
