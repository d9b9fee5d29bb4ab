package say

// Messages of doctor: what is wrong on this computer. Each ends with the command that mends it.
const (
	FileOpen        ID = "file-open"
	NotYours        ID = "not-yours"
	KeyUnreadable   ID = "key-unreadable"
	KeyFileDamaged  ID = "key-file-damaged"
	BookDamaged     ID = "book-damaged"
	LeftBehind      ID = "left-behind"
	ServiceIdle     ID = "service-idle"
	ServiceOutdated ID = "service-outdated"
	AgentOutdated   ID = "agent-outdated"
	SocketUnset     ID = "socket-unset"
	SocketElsewhere ID = "socket-elsewhere"
	NoWayToAsk      ID = "no-way-to-ask"
	TieUnfit        ID = "tie-unfit"
	TieOfNoKey      ID = "tie-of-no-key"
	NarrowShut      ID = "narrow-socket-shut"
	NarrowStale     ID = "narrow-socket-stale"
)

func doctorTable() map[ID]Message {
	return map[ID]Message{
		FileOpen: {
			What:      "{who} may {may} {path} ({how})",
			StillTrue: "{still}",
			Next:      "{fix}",
		},
		NotYours: {
			What:      "{path} belongs to another user (uid {owner}), so it is not used",
			StillTrue: "nothing was changed",
			Next:      "{fix}",
		},
		KeyUnreadable: {
			What:      "{path} cannot be read: {error}",
			StillTrue: "it is there, as it was",
			Next:      "{fix}",
		},
		KeyFileDamaged: {
			What:      "key {key} is damaged ({error}): it needs its file {path} from a backup, or its servers another key",
			StillTrue: "no byte of it was changed",
			Next:      "{rename}",
		},
		BookDamaged: {
			What:      "the list of servers cannot be read ({error}): mend that line, or put the file aside and add the servers again",
			StillTrue: "no byte of it was changed; on the servers nothing hangs on it",
			Next:      "{rename}",
		},
		LeftBehind: {
			What:      "writes that were cut short left {count} of their temporary files in {path}",
			StillTrue: "what they would have replaced is whole",
			Next:      "kagiban doctor --fix",
		},
		TieUnfit: {
			What:      "the tie of {key} to {host} fits no server: no host key is known for {name} until ssh has logged in there",
			StillTrue: "every server is offered {key} as a key that belongs to another one",
			Next:      "{fix}",
		},
		TieOfNoKey: {
			What:      "{host} has a tie to {key}, and there is no such key",
			StillTrue: "no login depends on it",
			Next:      "{fix}",
		},
		NarrowShut: {
			What:      "the narrower socket {name} is shut: {error}",
			StillTrue: "the agent's other sockets are open",
			Next:      "{fix}",
		},
		NarrowStale: {
			What:      "the narrower socket {name} knows {hosts} by host keys of an earlier day, and hosts.toml has not the same: a login by one that is new is refused, and by one that is gone it is not",
			StillTrue: "the agent's other sockets log in there",
			Next:      "{fix}",
		},
		ServiceIdle: {
			What:      "the agent is installed to be there at login, but it is not in force ({state})",
			StillTrue: "no key was touched",
			Next:      "{command}",
		},
		ServiceOutdated: {
			What:      "{path} is of another version, or for a kagiban or a home at another place (it starts {program})",
			StillTrue: "the agent that it starts works as that version does, if it is there",
			Next:      "kagiban service install",
		},
		AgentOutdated: {
			What:      "the agent that is running is kagiban {theirs}, and this program is {ours}",
			StillTrue: "it goes on as it was begun; when it ends every key is locked",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
		SocketUnset: {
			What:      "SSH_AUTH_SOCK is not set here, so ssh does not ask the agent",
			StillTrue: "the agent is as it was",
			Next:      "{env}",
		},
		SocketElsewhere: {
			What:      "SSH_AUTH_SOCK leads to another agent, at {path}, so ssh asks that one",
			StillTrue: "both agents are as they were",
			Next:      "{env}",
		},
		NoWayToAsk: {
			What:      "the agent has no way to ask for the passphrase of {key}, which is locked: it has {ways}",
			StillTrue: "whoever uses the key is refused at once, and waits for nobody",
			Next:      "kagiban unlock {key}",
		},
	}
}

// Mended is what doctor --fix says of each thing.
const Mended ID = "mended"

// AllWell is what doctor says when it finds nothing.
const AllWell ID = "all-well"

func doctorTalk() map[ID]Message {
	return map[ID]Message{
		Mended:  {What: "mended: {what}"},
		AllWell: {What: "nothing is wrong"},
	}
}

// Parts is a message in its three parts, filled in.
func Parts(id ID, f Fields) (what, stillTrue, next string) {
	m := table()[id]
	return fill(m.What, f), fill(m.StillTrue, f), fill(m.Next, f)
}
