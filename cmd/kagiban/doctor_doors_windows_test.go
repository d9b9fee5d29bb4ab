package main

import (
	"testing"

	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/say"
)

// TestDoctorDoors: each door that is shut is found once, by the row that knows what to do.
func TestDoctorDoors(t *testing.T) {
	x := &patient{agent: agentView{running: true}}
	x.agent.status.Doors = []control.Door{
		{Name: door.WayPuTTY, Path: "p", Held: true, Error: "held"},
		{Name: door.WayWindow, Path: "w", Error: "no desktop"},
		{Name: door.WayOpenSSH, Path: "o", Held: true, Error: "held"},
		{Name: "ours", Path: "k", Held: true, Error: "held", PID: 312, Program: `C:\k\kagibanw.exe`},
	}
	want := map[say.ID]string{say.PuTTYDoorHeld: door.WayPuTTY, say.DoorHeldByOurs: "ours", say.DoorShut: door.WayWindow, say.OpenSSHPipeHeld: door.WayOpenSSH}
	for _, row := range systemChecks() {
		if found := row.finds(x); len(found) != 1 || found[0]["door"] != want[row.id] {
			t.Errorf("%s: %v", row.id, found)
		}
		if found := row.finds(&patient{agent: agentView{running: true}}); len(found) > 0 {
			t.Errorf("%s of nothing: %v", row.id, found)
		}
	}
	if len(systemChecks()) != len(want) {
		t.Error("a row is missing")
	}
}
