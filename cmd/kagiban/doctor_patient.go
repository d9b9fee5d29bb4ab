package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"

	"kagiban/agent/control"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
	"kagiban/cmd/internal/service"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

// patient is all that doctor's rows look at.
type patient struct {
	p       *program
	home    home.Home
	service service.State // the zero State where nothing could start an agent at login
	agent   agentView
	keys    []vault.Key
	fresh   bool // nothing is here yet, which is said in unseen: init comes first
}

// lookAtPatient looks once at all that several rows need. unseen is what could not be looked at, and no row is there to say so.
func (p *program) lookAtPatient(ctx context.Context) (x *patient, unseen []error) {
	x = &patient{p: p}
	var err error
	folder := new(safefile.DirError) // that one has its row
	if x.home, err = p.home(); errors.As(err, &folder) {
		return x, nil
	} else if err != nil {
		return x, []error{err}
	}
	if err := x.home.CheckSockets(); err != nil {
		unseen = append(unseen, err)
	}
	if s, err := p.service(); err == nil {
		if state, err := s.State(ctx); err == nil { // before the agent is asked: that may start it
			x.service = state
		}
	}
	if x.agent, err = p.lookAtAgent(); err != nil && !errors.Is(err, control.ErrNotRunning) && len(unseen) == 0 {
		unseen = append(unseen, err)
	}
	if err := x.checkSettings(); err != nil {
		unseen = append(unseen, err)
	}
	if _, err := readSockets(x.home.Sockets()); err != nil {
		unseen = append(unseen, err)
	}
	x.keys, _, err = p.keyRows(x.agent, nil)
	if err != nil && !errors.As(err, &folder) {
		unseen = append(unseen, err)
	}
	if x.fresh = err == nil && len(x.keys) == 0 && !x.agent.running; x.fresh {
		unseen = append(unseen, say.Fail(say.NoKeys, nil))
	}
	return x, unseen
}

// checkSettings says what is wrong with config.toml: that it cannot be read, or names a pinentry that nobody can run.
func (x *patient) checkSettings() error {
	config, err := x.home.LoadConfig()
	if err != nil || config.Pinentry == "" || runtime.GOOS == "windows" { // which has dialogs of its own
		return err
	}
	var why *exec.Error
	if _, err := exec.LookPath(config.Pinentry); errors.As(err, &why) {
		var path *fs.PathError
		if err = why.Err; errors.As(err, &path) {
			err = path.Err
		}
		return x.home.Wrong("pinentry", fmt.Sprintf("%q cannot be run: %v", config.Pinentry, err))
	}
	return nil
}

// one is a finding that has nothing to say but itself.
func one(wrong bool, fields say.Fields) []say.Fields {
	if !wrong {
		return nil
	}
	return []say.Fields{fields}
}

// serviceIsThere: its files are, so that it and not the person should start the agent.
func (x *patient) serviceIsThere() bool { return len(x.service.Files) > 0 && x.service.Installed() }

func (x *patient) serviceIsIdle() bool {
	return x.serviceIsThere() && !(x.service.Enabled && x.service.Active)
}

func outdatedService(x *patient) (found []say.Fields) {
	for _, f := range x.service.Files {
		if f.Is == service.Older {
			found = append(found, say.Fields{"path": f.Path, "program": cmp.Or(x.service.Program, "nothing")})
		}
	}
	return found
}

func idleService(x *patient) []say.Fields {
	f := say.Fields{"state": "not enabled for the next login", "command": "kagiban service install"}
	if runtime.GOOS == "windows" {
		f["state"] = "turned off in the Task Manager"
		return one(x.serviceIsIdle(), f)
	}
	if !x.service.Active {
		f["state"] = "its sockets are not there"
	}
	if x.agent.running && !x.agent.status.Activated {
		f["state"] = "an agent that was started by hand has its sockets"
		f["command"] = "kagiban agent stop && kagiban service install"
	}
	return one(x.serviceIsIdle(), f)
}

// noAgent: where the service should start it, that is what has to be mended.
func noAgent(x *patient) []say.Fields {
	return one(!x.agent.running && !x.serviceIsIdle() && !x.fresh, nil)
}

func outdatedAgent(x *patient) []say.Fields {
	theirs, ours := x.agent.status.Version, buildVersion()
	wrong := x.agent.status.PID != 0 && theirs != ours
	return one(wrong, say.Fields{"theirs": cmp.Or(theirs, "of an earlier version"), "ours": ours})
}

// noSocket: where the agent has the door at which ssh looks by itself, that is the agent's to open.
func noSocket(x *patient) []say.Fields {
	if x.fresh || usualSocket != "" && !x.agent.running {
		return nil
	}
	return one(x.p.getenv("SSH_AUTH_SOCK") == "" && !x.p.asksOurs(), say.Fields{"env": useEnv})
}

func otherSocket(x *patient) []say.Fields {
	path := x.p.getenv("SSH_AUTH_SOCK")
	return one(path != "" && !x.p.isOurSocket(path), say.Fields{"path": path, "env": useEnv})
}

func sealedAgent(x *patient) []say.Fields {
	return one(x.agent.status.Locked, say.Fields{"command": x.p.unseal()})
}

// noWayToAsk: of the key that is used where none is named. The others may well be locked for good.
func noWayToAsk(x *patient) []say.Fields {
	if x.agent.status.PID == 0 || x.agent.status.CanAsk || x.agent.status.Locked {
		return nil
	}
	key, err := x.p.defaultKey("")
	return one(err == nil && x.agent.keys[key.Name].Locked, say.Fields{"key": key.Name, "ways": say.NoWays()})
}
