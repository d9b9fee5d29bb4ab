//go:build unix

package agent_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/agent"
)

// row is one conversation that our agent and OpenSSH's have, each on a socket of
// its own. What they answer is written down, and must be what stands here.
type row struct {
	name string
	play func(p *play)
	want string // what OpenSSH's agent answers (1:9.2p1 of Debian 12), and ours
	// ours is what our agent answers, where it differs, and differs is why it
	// should. It is a mistake to give one without the other, or to say that they
	// differ where they do not.
	ours, differs string
	person        string   // what a person says who is asked: "yes", "no", or "" for nobody is there
	flags         []string // for OpenSSH's agent, ...
	options       func(*agent.Options)
}

// but is the row with a difference.
func (r row) but(ours, why string) row {
	r.ours, r.differs = ours, why
	return r
}

// rows are all tables of the suite.
func rows() []row {
	return slices.Concat(listRows(), signRows(), addRows(), cardRows(), limitRows(), confirmRows(),
		lockRows(), bindRows(), placeRows(), frameRows(), toolRows())
}

// TestSideBySide has each conversation with both agents.
func TestSideBySide(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if seen[r.name] {
			t.Errorf("two rows are called %q", r.name)
		}
		seen[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			for _, problem := range r.problems(r.openSSH(t), r.kagiban(t)) {
				t.Error(problem)
			}
		})
	}
}

// problems compares what both said with what the row says.
func (r *row) problems(theirs, ours string) (problems []string) {
	wantOurs := r.want
	if r.differs != "" {
		wantOurs = r.ours
	}
	switch {
	case (r.ours == "") != (r.differs == ""):
		problems = append(problems, "the row must say both what is different and why")
	case r.differs != "" && (theirs == ours || r.ours == r.want):
		problems = append(problems, "the row says that the agents differ, and they do not")
	case theirs != ours && r.differs == "":
		problems = append(problems, "the agents differ, and the row does not say why")
	}
	if theirs != r.want {
		problems = append(problems, "OpenSSH's agent: "+theirs+"\n             want "+r.want)
	}
	if ours != wantOurs {
		problems = append(problems, "our agent: "+ours+"\n      want "+wantOurs)
	}
	return problems
}

// TestRowsAreHeldToTheirWord: what the suite itself has to find.
func TestRowsAreHeldToTheirWord(t *testing.T) {
	why := "because"
	tests := map[string]struct {
		r            row
		theirs, ours string
		want         int
	}{
		"the same":                        {row{want: "a"}, "a", "a", 0},
		"a difference, named":             {row{want: "a", ours: "b", differs: why}, "a", "b", 0},
		"a difference, not named":         {row{want: "a"}, "a", "b", 2},
		"both are wrong":                  {row{want: "a"}, "b", "b", 2},
		"a difference that is none":       {row{want: "a", ours: "b", differs: why}, "a", "a", 2},
		"a difference that says the same": {row{want: "a", ours: "a", differs: why}, "a", "a", 1},
		"a difference without a reason":   {row{want: "a", ours: "b"}, "a", "b", 2},
		"a reason without a difference":   {row{want: "a", differs: why}, "a", "a", 2},
	}
	for name, test := range tests {
		if got := test.r.problems(test.theirs, test.ours); len(got) != test.want {
			t.Errorf("%s: %d problems %q, want %d", name, len(got), got, test.want)
		}
	}
}

// openSSH has the conversation with OpenSSH's agent.
func (r *row) openSSH(t *testing.T) string {
	t.Helper()
	folder := shortFolder(t)
	socket := filepath.Join(folder, "agent.sock")
	cmd := exec.Command("ssh-agent", append([]string{"-D", "-a", socket}, r.flags...)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DISPLAY=") }),
		"SSH_ASKPASS="+filepath.Join(folder, "askpass"), "LC_ALL=C")
	if r.person != "" {
		askpass(t, filepath.Join(folder, "askpass"), r.person)
		cmd.Env = append(cmd.Env, "SSH_ASKPASS_REQUIRE=force")
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("needs OpenSSH's agent (Debian package openssh-client): %v", err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
		t.Logf("OpenSSH's agent says:\n%s", log.String())
	}()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("OpenSSH's agent does not listen: %v", err)
		}
	}
	return converse(t, socket, r.play)
}

// shortFolder is for a socket, whose path may not be long: t.TempDir has the name
// of the row in it.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "beside-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// kagiban has the conversation with ours, set up as a drop-in.
func (r *row) kagiban(t *testing.T) string {
	t.Helper()
	options := agent.Options{Legacy: true, Hardware: noDevice{}, LockWork: 10}
	if r.person != "" {
		options.Ask = &person{yes: r.person == "yes"}
	}
	if r.options != nil {
		r.options(&options)
	}
	socket := filepath.Join(shortFolder(t), "agent.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- agent.New(options).Serve(ctx, l, func(net.Conn) (agent.Peer, error) { return agent.Peer{Program: "test"}, nil })
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	return converse(t, socket, r.play)
}

// askpass is a program that gives a person's answer: OpenSSH's agent takes one
// that ends well, and says nothing else, for a yes.
func askpass(t *testing.T, path, answer string) {
	t.Helper()
	code := map[string]string{"yes": "0", "no": "1"}[answer]
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit "+code+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// noDevice is a computer to which nothing is connected.
type noDevice struct{}

var errNoDevice = errors.New("no device")

func (noDevice) SignFIDO(context.Context, string, []byte, []byte, []byte) ([]byte, error) {
	return nil, errNoDevice
}
func (noDevice) OpenToken(context.Context, string, []byte) (agent.Token, error) {
	return nil, errNoDevice
}
func (noDevice) CheckProvider(string) (string, error) { return "", agent.ErrProvider }

// person gives the same answer to our agent.
type person struct{ yes bool }

func (p *person) CanAsk() bool { return true }
func (p *person) Confirm(context.Context, agent.Prompt) (agent.Consent, error) {
	return agent.Consent{Yes: p.yes}, nil
}
func (p *person) Notify(context.Context, agent.Prompt) {}
func (p *person) AskPassphrase(context.Context, agent.Prompt) ([]byte, error) {
	return nil, agent.ErrCannotAsk
}
