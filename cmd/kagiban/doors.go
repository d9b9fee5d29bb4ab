package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/say"
)

// doors are the two sockets, and the doors that other programs of this operating system know by name.
type doors struct {
	agent, control *door.Listener
	further        []door.Way
	activated      bool // a service manager made the sockets
	log            *slog.Logger
}

// openDoors makes both sockets, or none, and what further doors can be had. Sockets that a service manager holds for us are told apart
// by their paths, since all of one unit have the same name. The agent's own comes last: who finds it there finds all of them.
func openDoors(h home.Home, log *slog.Logger) (*doors, error) {
	inherited, err := door.Inherited()
	if err != nil {
		return nil, err
	}
	d := doors{activated: len(inherited) > 0, log: log}
	for _, l := range inherited {
		switch l.Addr().String() {
		case h.AgentSocket():
			d.agent = l
		case h.ControlSocket():
			d.control = l
		default:
			d.close(inherited...)
			return nil, say.Fail(say.OtherSocket, nil, "path", l.Addr().String(), "folder", h.RunDir())
		}
	}
	if err := d.listen(&d.control, h.ControlSocket()); err != nil {
		return nil, err
	}
	d.further = door.Further()
	if err := d.listen(&d.agent, h.AgentSocket()); err != nil {
		return nil, err
	}
	for _, w := range d.further {
		log.Info("a further door", "name", w.Name, "path", w.Path, "open", w.Listener != nil, "error", w.Err)
	}
	return &d, nil
}

// listen makes one socket, unless it was inherited. Without it the others are closed again.
func (d *doors) listen(at **door.Listener, path string) (err error) {
	if *at != nil {
		return nil
	}
	if *at, err = door.Listen(path); err != nil {
		d.close()
		if errors.Is(err, door.ErrInUse) {
			err = say.Fail(say.SocketTaken, err, "path", path, "folder", filepath.Dir(path))
		}
	}
	return err
}

// tellRefused tells the log who was not let in at a socket, a narrower one or "", each once a minute.
func tellRefused(a *agent.Agent, log *slog.Logger, socket string) func(door.Caller, error) {
	return func(c door.Caller, err error) {
		program := agent.Peer{Program: c.Program}.Cut().Program
		if a.IsNews(socket, "not let in: "+c.UID+" "+program) {
			log.Warn("a connection was refused", "uid", c.UID, "pid", c.PID, "program", program, "error", err)
		}
	}
}

// listeners are those that are open.
func (d *doors) listeners() (open []*door.Listener) {
	for _, l := range []*door.Listener{d.agent, d.control} {
		if l != nil {
			open = append(open, l)
		}
	}
	for _, w := range d.further {
		if w.Listener != nil {
			open = append(open, w.Listener)
		}
	}
	return open
}

func (d *doors) close(more ...*door.Listener) {
	for _, l := range append(more, d.listeners()...) {
		l.Close() // removes a socket that was made here; a second time does nothing
	}
}

// serve serves all of them until ctx ends or a client asks for the end: then nil. If one of the two sockets fails, all end; a further door
// that fails is missed by its own programs alone. The keys are gone before the sockets are, whatever still hangs then: nobody could lock them
// any more.
func (d *doors) serve(ctx context.Context, a *agent.Agent, terminals *control.Terminals, narrow *sockets, locks *locking) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	ctx, cancel := lockFirst(ctx, a)
	defer cancel()
	drops := onDrop(a)
	defer drops.stop()
	for _, l := range d.listeners() {
		l.Refused = tellRefused(a, d.log, "")
	}
	var further sync.WaitGroup
	defer further.Wait()
	narrow.open(ctx)
	defer narrow.serving.Wait()
	for _, w := range d.further {
		if w.Listener == nil {
			continue
		}
		further.Go(func() {
			if err := a.Serve(ctx, w.Listener, peer); err != nil {
				d.log.Error("a further door fails", "name", w.Name, "error", err)
			}
		})
	}
	ended := make(chan error, 2)
	go func() { ended <- a.Serve(ctx, d.agent, peer) }()
	go func() {
		about := func() control.Program {
			return control.Program{Version: buildVersion(), Activated: d.activated, Doors: d.report(), Locks: locks.report()}
		}
		ended <- control.Serve(ctx, d.control, a, about, terminals, narrow, end)
	}()
	first := <-ended
	end()
	return errors.Join(first, <-ended)
}

// lockFirst is a context that ends when ctx has and all keys are locked.
func lockFirst(ctx context.Context, a *agent.Agent) (context.Context, func()) {
	locked, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		defer a.Survive("locking at the end")
		_ = a.Lock() // of all: it names none that might be unknown
	})
	return locked, func() {
		stop()
		cancel()
	}
}

// report says which of the further doors are open.
func (d *doors) report() (all []control.Door) {
	for _, w := range d.further {
		one := control.Door{Name: w.Name, Path: w.Path, Held: errors.Is(w.Err, door.ErrInUse), PID: w.Holder.PID, Program: w.Holder.Program}
		if w.Err != nil {
			one.Error = w.Err.Error()
		}
		all = append(all, one)
	}
	return all
}

// doorText is what is said of a door that is shut, with what to do about it.
func doorText(d control.Door) (say.ID, say.Fields) {
	id := say.DoorShut
	switch {
	case d.Held && isKagiban(d.Program):
		id = say.DoorHeldByOurs
	case d.Held && d.Name == door.WayOpenSSH:
		id = say.OpenSSHPipeHeld
	case d.Held:
		id = say.PuTTYDoorHeld
	}
	who := callerName(agent.Peer{PID: d.PID, Program: d.Program})
	if d.Program != "" {
		who = say.Text(say.WhoHasDoor, say.Fields{"program": who, "pid": strconv.Itoa(d.PID)})
	}
	return id, say.Fields{"door": d.Name, "path": d.Path, "error": d.Error, "who": who}
}

// isKagiban tells by the path of a program whether it is kagiban. As the agent's own home has one agent, that is the agent of another.
func isKagiban(program string) bool {
	name := strings.ToLower(program[strings.LastIndexAny(program, `\/`)+1:])
	return name == "kagiban.exe" || name == "kagibanw.exe"
}

// doorState is a door in a few words.
func doorState(d control.Door) string {
	switch f := (say.Fields{"path": d.Path, "error": d.Error}); {
	case d.Error == "":
		return say.Text(say.StateDoorOpen, f)
	case d.Held:
		return say.Text(say.StateDoorHeld, f)
	default:
		return say.Text(say.StateDoorShut, f)
	}
}

// tellDoors says of each further door whether it is open.
func (p *program) tellDoors(all []control.Door) {
	for _, d := range all {
		p.tell(say.DoorIs, "door", d.Name, "state", doorState(d))
	}
	p.tellShut(all)
}

// tellShut says of each that is shut what to do about it.
func (p *program) tellShut(all []control.Door) {
	for _, d := range all {
		if d.Error != "" {
			id, fields := doorText(d)
			p.complain(&say.Error{ID: id, Fields: fields})
		}
	}
}
