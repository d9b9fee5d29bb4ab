package say

// Messages of the agent: begun, ended, what it holds, what it asks.
const (
	AgentNotRunning   ID = "agent-not-running"
	NothingOpen       ID = "nothing-open"
	AgentOtherVersion ID = "agent-other-version"
	AgentNotStarted   ID = "agent-not-started"
	AgentSilent       ID = "agent-silent"
	AgentNotStopped   ID = "agent-not-stopped"
	SocketTaken       ID = "socket-taken"
	NotASocket        ID = "not-a-socket"
	NoAgentHere       ID = "no-agent-on-this-system"
	NoDropInHere      ID = "no-drop-in-on-this-system"
	BadLife           ID = "bad-life"

	AgentRuns        ID = "agent-runs"
	AgentRunsHere    ID = "agent-runs-here"
	AgentStarted     ID = "agent-started"
	AgentStopped     ID = "agent-stopped"
	AgentCannotAsk   ID = "agent-cannot-ask"
	AgentLocked      ID = "agent-locked"
	KeyUnlocked      ID = "key-unlocked"
	KeyUnlockedUntil ID = "key-unlocked-until"
	KeyIsUnlocked    ID = "key-is-unlocked"
	KeyIsConfirmed   ID = "key-is-confirmed"
	KeyStillLocked   ID = "key-still-locked"
	KeyUnasked       ID = "key-unasked"
	KeyLocked        ID = "key-locked"
	AllLocked        ID = "all-locked"
	StateAgentOther  ID = "state-agent-other"
	StateAgentRuns   ID = "state-agent-runs"
	StateAgentNone   ID = "state-agent-none"
	StateAdded       ID = "state-added"
	StateDamaged     ID = "state-damaged"
	StateHidden      ID = "state-hidden"
	StateRefused     ID = "state-refused"
	StateHostKeyOnly ID = "state-host-key-only"
	StateHostOpen    ID = "state-host-open"
	StateNeverSeen   ID = "state-never-seen"
	AskUnlock        ID = "ask-unlock"
)

func agentTable() map[ID]Message {
	return map[ID]Message{
		AgentNotRunning: {
			What:      "the agent is not running",
			StillTrue: "nothing was changed; a key is unlocked only while an agent runs",
			Next:      "kagiban agent start",
		},
		NothingOpen: {
			What:      "the agent is not running, so it has no key open",
			StillTrue: "nothing was changed",
			Next:      "kagiban status",
		},
		AgentOtherVersion: {
			What:      "{error}",
			StillTrue: "it goes on as it was; kagiban lock locks its keys",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
		AgentNotStarted: {
			What:      "the agent did not start: {error}",
			StillTrue: "no key was touched",
			Next:      "kagiban agent run -v   (shows what is in its way)",
		},
		AgentSilent: {
			What:      "the agent did not answer within {seconds} seconds, and was ended; its log says: {log}",
			StillTrue: "no key was touched",
			Next:      "kagiban agent run -v   (shows what is in its way)",
		},
		AgentNotStopped: {
			What:      "the agent did not end within {seconds} seconds",
			StillTrue: "it takes no new connections",
			Next:      "kagiban status",
		},
		SocketTaken: {
			What:      "somebody is listening at {path} already",
			StillTrue: "that one goes on as it was",
			Next:      "kagiban agent stop   (if it is this user's agent), or set KAGIBAN_HOME to another folder",
		},
		NotASocket:   {What: "{error}", StillTrue: "it was left as it is", Next: "move it away, then the same again"},
		NoAgentHere:  {What: "{error}", StillTrue: "keys can be made, shown, taken in and out here all the same", Next: "ssh-add FILE   (with the agent that this system has)"},
		NoDropInHere: {What: "kagiban stands in for ssh-agent on Unix alone", StillTrue: "nothing was started", Next: "kagiban agent start"},
		BadLife:      {What: "\"{value}\" is no time that a key can be unlocked for (30m, 8h, 1h30m, 2d, or seconds)", Next: "kagiban unlock --help"},

		AgentRuns:      {What: "the agent is running already (process {pid})"},
		AgentRunsHere:  {What: "the agent is running at {socket}"},
		AgentStarted:   {What: "the agent is running (process {pid})"},
		AgentStopped:   {What: "the agent has ended; every key is locked"},
		AgentCannotAsk: {What: "it has no way to ask for a passphrase ({ways}): unlock a key before it is used"},
		AgentLocked: {
			What:      "the agent was locked with ssh-add -x, and does nothing until it is unlocked under the same passphrase",
			StillTrue: "the keys that it held are still there, encrypted in its memory",
			Next:      "{command}",
		},
		KeyUnlocked:      {What: "unlocked {key} until it is locked or the agent ends"},
		KeyUnlockedUntil: {What: "unlocked {key} until {until}"},
		KeyIsUnlocked:    {What: "{key} is unlocked already"},
		KeyIsConfirmed:   {What: "{key} is unlocked already, and asks before each use until `kagiban lock {key}`"},
		KeyStillLocked: {
			What:      "wrong passphrase: {keys}",
			StillTrue: "what was unlocked before still is, and no key was changed or lost",
			Next:      "kagiban unlock {keys}",
		},
		KeyUnasked: {
			What:      "the key {key} is locked, and nobody can be asked for its passphrase here: {ways}",
			StillTrue: "nothing was changed",
			Next:      "kagiban unlock {key}   (in a terminal; then the same again here)\nthe same again with --passphrase-file FILE",
		},
		KeyLocked: {What: "locked {key}"},
		AllLocked: {What: "locked all keys; those that ssh-add added are forgotten"},

		StateAgentOther:  {What: "running, of another version: what it has open is not known"},
		StateAgentRuns:   {What: "running (process {pid})"},
		StateAgentNone:   {What: "not running"},
		StateAdded:       {What: "keys added by ssh-add, in memory only: {count}"},
		StateDamaged:     {What: "damaged ({error})"},
		StateHidden:      {What: "{state}, taken out of the agent by ssh-add -d or -D, or by SIGUSR1"},
		StateRefused:     {What: "{state}; {program} was refused: nobody was asked for the passphrase"},
		StateHostKeyOnly: {What: "key-only at {seen} ({user}@{address})"},
		StateHostOpen:    {What: "passwords on at {seen} ({user}@{address})"},
		StateNeverSeen:   {What: "no time yet"},

		AskUnlock: {What: "passphrase to unlock {keys}:"},
	}
}
