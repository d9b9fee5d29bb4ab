package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/cmd/internal/say"
)

// TestFurtherDoors: of each that is shut it is said who has it, and what to do; of one that is open, where it is.
func TestFurtherDoors(t *testing.T) {
	held := fmt.Errorf("listen: %w", door.ErrInUse)
	d := doors{further: []door.Way{
		{Name: door.WayPuTTY, Path: "pipe", Err: held},
		{Name: door.WayWindow, Path: door.WindowPath, Err: errors.New("no desktop")},
		{Name: door.WayOpenSSH, Path: door.OpenSSHPipe, Err: held},
		{Name: door.WayPuTTY, Path: "pipe", Err: held, Holder: door.Caller{PID: 312, Program: `C:\Program Files\PuTTY\pageant.exe`}},
		{Name: door.WayOpenSSH, Path: "pipe", Err: held, Holder: door.Caller{PID: 4, Program: "ssh-agent.exe"}},
		{Name: door.WayOpenSSH, Path: "pipe", Err: held, Holder: door.Caller{PID: 12, Program: `C:\k\Kagibanw.exe`}},
		{Name: door.WayPuTTY, Path: "pipe", Err: held, Holder: door.Caller{PID: 13}},
		{Name: "another", Path: "there", Listener: new(door.Listener)},
	}}
	want := []struct {
		id    say.ID
		state string
	}{
		{say.PuTTYDoorHeld, "shut: another agent has pipe"},
		{say.DoorShut, "shut: no desktop"},
		{say.OpenSSHPipeHeld, `shut: another agent has \\.\pipe\openssh-ssh-agent`},
		{say.PuTTYDoorHeld, "shut: another agent has pipe"},
		{say.OpenSSHPipeHeld, "shut: another agent has pipe"},
		{say.DoorHeldByOurs, "shut: another agent has pipe"},
		{say.PuTTYDoorHeld, "shut: another agent has pipe"},
		{"", "open at there"},
	}
	var talk bytes.Buffer
	p := &program{stderr: &talk}
	all := d.report()
	for i, one := range all {
		if got := doorState(one); got != want[i].state {
			t.Errorf("%s: %s, want %s", one.Name, got, want[i].state)
		}
		if want[i].id == "" {
			continue
		}
		if id, fields := doorText(one); id != want[i].id || strings.ContainsAny(say.Render(id, fields), "{}") {
			t.Errorf("%s: %s: %s", one.Name, id, say.Render(id, fields))
		}
	}
	p.tellDoors(all)
	for _, line := range []string{"another: open at there\n", "next: kagiban env --ssh-config ", "Set-Service ssh-agent -StartupType Disabled", "cannot be opened: no desktop\n",
		": a program that is not known\n", `asks that one: "C:\Program Files\PuTTY\pageant.exe" (process 312)` + "\n", "by itself: ssh-agent.exe (process 4) (",
		`kagiban's agent of another home has openssh-pipe (pipe), and who knocks there asks that one: C:\k\Kagibanw.exe (process 12)` + "\n", ": process 13\n",
	} {
		if !strings.Contains(talk.String(), line) {
			t.Errorf("%q is not said: %s", line, talk.String())
		}
	}
	if strings.Count(talk.String(), "still true: ") != 7 {
		t.Errorf("said is %s", talk.String())
	}
}

// TestLockFirst: when the sockets end no key is left in the agent, though a connection is.
func TestLockFirst(t *testing.T) {
	a := agent.New(agent.Options{})
	near, far := net.Pipe()
	defer near.Close()
	go a.ServeConn(t.Context(), far, agent.Peer{})
	client := sshagent.NewClient(near)
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Add(sshagent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	locked, cancel := lockFirst(ctx, a)
	defer cancel()
	end()
	<-locked.Done()
	if keys, err := client.List(); err != nil || len(keys) != 0 {
		t.Errorf("%d keys are left: %v", len(keys), err)
	}
}
