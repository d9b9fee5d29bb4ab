package say

// Messages of the doors that other programs know by name.
const (
	OpenSSHPipeHeld ID = "openssh-pipe-held"
	PuTTYDoorHeld   ID = "putty-door-held"
	DoorHeldByOurs  ID = "door-held-by-kagiban"
	DoorShut        ID = "door-shut"
	WhoHasDoor      ID = "who-has-door"
	DoorIs          ID = "door-is"
	StateDoorOpen   ID = "state-door-open"
	StateDoorHeld   ID = "state-door-held"
	StateDoorShut   ID = "state-door-shut"
)

func doorsTable() map[ID]Message {
	return map[ID]Message{
		OpenSSHPipeHeld: {
			What:      "another agent has {path}, where ssh.exe looks by itself: {who} (the agent service that comes with Windows is ssh-agent.exe)",
			StillTrue: "that one goes on as it was; ours answers at its own pipe, to whom SSH_AUTH_SOCK or IdentityAgent names it",
			Next:      "kagiban env --ssh-config   (its line belongs at the top of .ssh\\config)\nStop-Service ssh-agent; Set-Service ssh-agent -StartupType Disabled   (in a PowerShell of the administrator; then kagiban agent stop, and kagiban agent start)",
		},
		PuTTYDoorHeld: {
			What:      "another agent has {door} ({path}), and PuTTY asks that one: {who}",
			StillTrue: "that one goes on as it was, and ours answers at its other doors",
			Next:      "end that agent, then:\nkagiban agent stop\nkagiban agent start",
		},
		DoorHeldByOurs: {
			What:      "kagiban's agent of another home has {door} ({path}), and who knocks there asks that one: {who}",
			StillTrue: "that one goes on as it was, and ours answers at its other doors",
			Next:      "kagiban agent stop   (with KAGIBAN_HOME as it is for that agent), then as it is here:\nkagiban agent stop\nkagiban agent start",
		},
		DoorShut: {
			What:      "{door} cannot be opened: {error}",
			StillTrue: "the agent answers at its other doors",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
		WhoHasDoor:    {What: "{program} (process {pid})"},
		DoorIs:        {What: "{door}: {state}"},
		StateDoorOpen: {What: "open at {path}"},
		StateDoorHeld: {What: "shut: another agent has {path}"},
		StateDoorShut: {What: "shut: {error}"},
	}
}
