package main

import (
	"io/fs"

	"kagiban/cmd/internal/say"
)

// The same names as in doctor_unix.go. Modes say nothing on Windows, where the folder's access list holds for what is in it.

func ownerOf(fs.FileInfo) (uid int, known bool)  { return 0, false }
func othersMay(mode, forbidden fs.FileMode) bool { return false }

// systemChecks are the doors that other programs know by name.
func systemChecks() []check {
	shut := func(id say.ID) check {
		return check{id: id, finds: func(x *patient) (found []say.Fields) {
			for _, d := range x.agent.status.Doors {
				if is, fields := doorText(d); d.Error != "" && is == id {
					found = append(found, fields)
				}
			}
			return found
		}}
	}
	return []check{shut(say.OpenSSHPipeHeld), shut(say.PuTTYDoorHeld), shut(say.DoorShut)}
}
