package say

// Messages of what locks keys by itself.
const (
	StateLocksIdle      ID = "state-locks-idle"
	StateLocksSuspend   ID = "state-locks-suspend"
	StateLocksScreen    ID = "state-locks-screen"
	StateLocksUndelayed ID = "state-locks-undelayed"
	StateLocksUnheard   ID = "state-locks-unheard"
	LockUnheard         ID = "lock-unheard"
	LockSettingsOld     ID = "lock-settings-old"
)

func lockingTable() map[ID]Message {
	return map[ID]Message{
		StateLocksIdle:      {What: "all, when none was used for {time}"},
		StateLocksSuspend:   {What: "all, before this computer sleeps"},
		StateLocksScreen:    {What: "all, when the screen is locked"},
		StateLocksUndelayed: {What: "all, when this computer goes to sleep, which does not wait until they are: {error}"},
		StateLocksUnheard:   {What: "not on {event}, as config.toml asks: {error}"},
		LockUnheard: {
			What:      "config.toml asks to lock all keys on {event}, and the system does not tell the agent of it: {error}",
			StillTrue: "`kagiban lock` locks them, and so does lock_after_idle; the agent goes on trying, and would hear it from systemd-logind or elogind",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
		LockSettingsOld: {
			What:      "the agent began before config.toml said when keys are to be locked: it locks {theirs}, and config.toml asks for {ours}",
			StillTrue: "`kagiban lock` locks them now",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
	}
}
