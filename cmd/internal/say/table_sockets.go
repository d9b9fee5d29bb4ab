package say

// Messages of the narrower sockets.
const (
	SocketNotNarrower ID = "socket-not-narrower"
	BadSocketName     ID = "bad-socket-name"
	BadPurpose        ID = "bad-purpose"
	HostsNeedLogin    ID = "hosts-need-login"
	NoHostKeys        ID = "no-host-keys"
	SocketThere       ID = "socket-there"
	NoSocket          ID = "no-socket"
	SocketUnchanged   ID = "socket-unchanged"
	SocketAdded       ID = "socket-added"
	SocketLimits      ID = "socket-limits"
	SocketUnheld      ID = "socket-unheld"
	PipeLimits        ID = "pipe-limits"
	SocketRemoved     ID = "socket-removed"
	SocketsRenamed    ID = "sockets-renamed"
	SocketsKeepName   ID = "sockets-keep-name"
	SocketsNameGone   ID = "sockets-name-gone"
	FolderLeft        ID = "folder-left"
	NoSockets         ID = "no-sockets"
	StateNarrow       ID = "state-narrow"
	StateNarrowShut   ID = "state-narrow-shut"
	ScopeAllKeys      ID = "scope-all-keys"
	ScopeKeys         ID = "scope-keys"
	ScopePurposes     ID = "scope-purposes"
	ScopeHosts        ID = "scope-hosts"
	ScopeConfirm      ID = "scope-confirm"
)

func socketsTable() map[ID]Message {
	return map[ID]Message{
		SocketNotNarrower: {What: "a socket without --keys, --purpose or --host is no narrower than the agent's own", Next: "kagiban agent socket add --help"},
		BadSocketName:     {What: "\"{name}\" is no name for a socket (1 to 64 of A-Z a-z 0-9 . _ -, not beginning with . or -, and no device of Windows)", Next: "the same with another name"},
		BadPurpose:        {What: "no purpose \"{purpose}\"; there are login, git and file", Next: "kagiban agent socket add --help"},
		HostsNeedLogin:    {What: "--host says where logins may go, and --purpose leaves logins out", Next: "kagiban agent socket add --help"},
		NoHostKeys: {
			What:      "no host key of {host} is known here, so that a login there cannot be told from any other",
			StillTrue: "nothing was changed",
			Next:      "ssh {host}   (it shows the host key, and keeps it)\nkagiban host add {host}",
		},
		SocketThere: {
			What:      "there is a socket {name} already, for something else",
			StillTrue: "it goes on as it was",
			Next:      "kagiban agent socket list\nkagiban agent socket remove {name}",
		},
		NoSocket: {
			What:      "there is no narrower socket {name}",
			StillTrue: "nothing was changed",
			Next:      "kagiban agent socket list",
		},
		SocketUnchanged: {
			What:      "the narrower socket {name}: {error}",
			StillTrue: "the agent's other sockets go on as they were",
			Next:      "kagiban doctor",
		},
		SocketAdded:    {What: "{name} is for: {what}"},
		SocketLimits:   {What: "it limits only programs that cannot reach the agent's other sockets: show them {folder}, and nothing above it"},
		SocketUnheld:   {What: "systemd begins the agent at the first use of its own sockets, not of this one: after a login, and after `kagiban agent stop`, it is there once `kagiban status` was called"},
		PipeLimits:     {What: "it limits only programs that cannot reach the agent's other pipes, which every program of yours on this computer can"},
		SocketRemoved:  {What: "{name} is gone, and whatever was connected to it"},
		SocketsRenamed: {What: "these narrower sockets are for {key} now, and begin anew: {sockets}"},
		SocketsKeepName: {
			What:      "the narrower sockets {sockets} still know {key} as {old}: {error}",
			StillTrue: "the key has its new name, and nothing is signed with it there",
			Next:      "{fix}",
		},
		SocketsNameGone: {What: "these narrower sockets are for {key} still, and for the next key that gets this name: {sockets}"},
		FolderLeft:      {What: "its folder {folder} was left: something else lies in it"},
		NoSockets:       {What: "there are no narrower sockets"},
		StateNarrow:     {What: "{what}; open at {path}"},
		StateNarrowShut: {What: "{what}; shut: {error}"},
		ScopeAllKeys:    {What: "all keys"},
		ScopeKeys:       {What: "keys {keys}"},
		ScopePurposes:   {What: "only {purposes}"},
		ScopeHosts:      {What: "logins only to {hosts}"},
		ScopeConfirm:    {What: "each use is asked about"},
	}
}
