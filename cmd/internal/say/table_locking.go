package say

// Messages of what locks keys by itself.
const (
	StateLocksIdle    ID = "state-locks-idle"
	StateLocksSuspend ID = "state-locks-suspend"
	StateLocksScreen  ID = "state-locks-screen"
	StateLocksUnheard ID = "state-locks-unheard"
	LockUnheard       ID = "lock-unheard"
	LockSettingsOld   ID = "lock-settings-old"
)

func lockingTable() map[ID]Message {
	return map[ID]Message{
		StateLocksIdle:    {What: "all, when none was used for {time}"},
		StateLocksSuspend: {What: "all, before this computer sleeps"},
		StateLocksScreen:  {What: "all, when the screen is locked"},
		StateLocksUnheard: {What: "not on {event}, as config.toml asks: {error}"},
		LockUnheard: {
			What:      "config.toml asks to lock all keys on {event}, and the system does not tell the agent of it: {error}",
			StillTrue: "`kagiban lock` locks them, and so does the time of lock_after_idle in config.toml",
			Next:      "start what is missing, the agent tries again by itself; or take \"{event}\" out of lock_on in {path}",
		},
		LockSettingsOld: {
			What:      "the agent began before config.toml said when keys are to be locked: it locks {theirs}, and config.toml asks for {ours}",
			StillTrue: "`kagiban lock` locks them now",
			Next:      "kagiban agent stop\nkagiban agent start",
		},
	}
}
