package say

// Messages of what starts the agent at login.
const (
	NoServiceHere        ID = "no-service-here"
	ServiceForeign       ID = "service-file-changed"
	ServiceFailed        ID = "service-failed"
	ServiceBadPath       ID = "service-bad-path"
	AgentByHand          ID = "agent-by-hand"
	OtherSocket          ID = "other-socket"
	AgentStoppedUntilUse ID = "agent-stopped-until-use"

	ServiceWrote       ID = "service-wrote"
	ServiceInstalled   ID = "service-installed"
	ServiceStarted     ID = "service-started"
	ServiceThere       ID = "service-there"
	ServiceOldAgent    ID = "service-old-agent"
	ServiceSessions    ID = "service-sessions"
	ServiceWindow      ID = "service-window"
	ServiceHome        ID = "service-home"
	ServiceTookAway    ID = "service-took-away"
	ServiceUninstalled ID = "service-uninstalled"
	ServiceNone        ID = "service-none"
	FileMissing        ID = "file-missing"
	FileSame           ID = "file-same"
	FileOlder          ID = "file-older"
	FileForeign        ID = "file-foreign"
)

func serviceTable() map[ID]Message {
	return map[ID]Message{
		NoServiceHere: {
			What:      "the agent cannot be started at login here: {error}",
			StillTrue: "nothing was changed",
			Next:      "kagiban agent start   (put it into your shell's start-up file, and below it the line of kagiban env --help for that shell)",
		},
		ServiceForeign: {
			What:      "{path} was changed by hand, or somebody else wrote it",
			StillTrue: "nothing was changed",
			Next:      "kagiban service print   (shows what would stand there)\nkagiban service {verb} --force   (with systemd, for settings of your own: systemctl --user edit kagiban-agent.service)",
		},
		ServiceFailed: {
			What:      "the system did not take the service: {error}",
			StillTrue: "no key was touched; the same call once more goes on where this one stopped",
			Next:      "kagiban service status",
		},
		ServiceBadPath: {
			What:      "{error}, so the service cannot have it",
			StillTrue: "nothing was changed",
			Next:      "set KAGIBAN_HOME to another folder, then: kagiban service install",
		},
		AgentByHand: {
			What:      "an agent that was started by hand is running (process {pid}), and the service would take its sockets from it",
			StillTrue: "it goes on as it was, with the keys that it holds; nothing was changed",
			Next:      "kagiban agent stop   (locks every key, forgets those that ssh-add added)\nkagiban service install",
		},
		OtherSocket: {
			What:      "the agent was given a socket at {path}, and its own are in {folder}",
			StillTrue: "no key was touched",
			Next:      "kagiban service install",
		},
		AgentStoppedUntilUse: {What: "the agent has ended; every key is locked. Its sockets are held by systemd: their next use starts it again"},

		ServiceWrote:       {What: "wrote {path}"},
		ServiceInstalled:   {What: "the agent is there from now on, at every login: its first use starts it"},
		ServiceStarted:     {What: "the agent is running, and is started at every login from now on"},
		ServiceThere:       {What: "nothing to do: it is installed, and as it should be"},
		ServiceOldAgent:    {What: "the agent that is running goes on as it was begun. To have the new one, which locks every key:"},
		ServiceSessions:    {What: "what a desktop starts from now on finds it by itself. For this shell, and in the start-up file of shells that come by ssh or at a console:"},
		ServiceWindow:      {What: "there is no kagibanw.exe in {folder}, so a console window opens for a moment at each login"},
		ServiceHome:        {What: "KAGIBAN_HOME is set here and not at login, where the agent would look somewhere else. To have it there too:"},
		ServiceTookAway:    {What: "removed {path}"},
		ServiceUninstalled: {What: "nothing starts the agent any more but you; the one that the service had started has ended, and its keys are locked"},
		ServiceNone:        {What: "nothing to do: it is not installed"},
		FileMissing:        {What: "not there"},
		FileSame:           {What: "as it should be"},
		FileOlder:          {What: "of another version, or for a kagiban or a home at another place"},
		FileForeign:        {What: "changed by hand, or somebody else's"},
	}
}
