package main

import "kagiban/cmd/internal/say"

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
	return []check{shut(say.OpenSSHPipeHeld), shut(say.PuTTYDoorHeld), shut(say.DoorHeldByOurs), shut(say.DoorShut)}
}
