package say

// Messages of the doors that other programs know by name.
const (
	OpenSSHPipeHeld ID = "openssh-pipe-held"
	PuTTYDoorHeld   ID = "putty-door-held"
	DoorShut        ID = "door-shut"
	DoorIs          ID = "door-is"
	StateDoorOpen   ID = "state-door-open"
	StateDoorHeld   ID = "state-door-held"
	StateDoorShut   ID = "state-door-shut"
)

func doorsTable() map[ID]Message {
	return map[ID]Message{
		OpenSSHPipeHeld: {
			What:      "another agent has {path}, where ssh.exe looks by itself: most likely the agent service that comes with Windows",
			StillTrue: "that one goes on as it was; ours answers at its own pipe, to whom SSH_AUTH_SOCK or IdentityAgent names it",
			Next:      "kagiban env --ssh-config   (its line belongs at the top of .ssh\\config)\nStop-Service ssh-agent; Set-Service ssh-agent -StartupType Disabled   (in a PowerShell of the administrator; then kagiban agent stop, and kagiban agent start)",
		},
		PuTTYDoorHeld: {
			What:      "another agent has {door} ({path}): most likely Pageant, which PuTTY asks then",
			StillTrue: "that one goes on as it was, and ours answers at its other doors",
			Next:      "end that agent, then:\nkagiban agent stop\nkagiban agent start",
		},
		DoorShut: {
			What:      "{door} cannot be opened: {error}",
			StillTrue: "the agent answers at its other doors",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
		DoorIs:        {What: "{door}: {state}"},
		StateDoorOpen: {What: "open at {path}"},
		StateDoorHeld: {What: "shut: another agent has {path}"},
		StateDoorShut: {What: "shut: {error}"},
	}
}
