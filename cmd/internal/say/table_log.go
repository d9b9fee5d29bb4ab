package say

// Messages of the log of uses.
const (
	BadSince     ID = "bad-since"
	BadLast      ID = "bad-last"
	LogEmpty     ID = "log-empty"
	LogNoneSuch  ID = "log-none-such"
	LogNoKey     ID = "log-no-key"
	LogGap       ID = "log-gap"
	LogDamaged   ID = "log-damaged"
	LogUnread    ID = "log-unread"
	LogLogin     ID = "log-login"
	LogGit       ID = "log-git"
	LogFile      ID = "log-file"
	LogOther     ID = "log-other"
	LogBind      ID = "log-bind"
	LogChange    ID = "log-change"
	LogExtension ID = "log-extension"
	LogTimes     ID = "log-times"
	LogProgram   ID = "log-program"
	LogForwarded ID = "log-forwarded"
	LogVia       ID = "log-via"
	LogSocket    ID = "log-socket"
	RotateLogged ID = "rotate-logged"
	RevokeLogged ID = "revoke-logged"
	StateMissed  ID = "state-missed"
)

func logTable() map[ID]Message {
	return map[ID]Message{
		BadSince: {
			What: "\"{value}\" is neither a time (2026-11-23, \"2026-11-23 10:30\", or as the log has it) nor how long ago (30m, 8h, 2d)",
			Next: "kagiban log --help",
		},
		BadLast:     {What: "--last takes a number, 0 or more, and not {value}", Next: "kagiban log --help"},
		LogEmpty:    {What: "no use of a key is in the log yet"},
		LogNoneSuch: {What: "the log has no such use of a key"},
		LogNoKey: {
			What:      "no key is called {key}, and the log has none of that name",
			StillTrue: "the log is whole",
			Next:      "kagiban key list   (their names)\nkagiban log   (the uses of all keys)",
		},
		LogGap:     {What: "not in the log, from {since} to {until}: {count} ({reason})"},
		LogDamaged: {What: "lines of the log that are damaged, and not shown: {count}"},
		LogUnread:  {What: "lines or files of the log that are damaged, and not shown: {count}, such as this file: {error}"},

		LogLogin:     {What: "login to {server} as \"{user}\""},
		LogGit:       {What: "git signature"},
		LogFile:      {What: "signature for \"{namespace}\""},
		LogOther:     {What: "something that is neither a login nor a file"},
		LogBind:      {What: "a session bind"},
		LogChange:    {What: "a change of the agent's keys"},
		LogExtension: {What: "an extension of the protocol"},
		LogTimes:     {What: "{count} like that within a minute"},
		LogProgram:   {What: "{program} ({pid})"},
		LogForwarded: {What: "from another computer"},
		LogVia:       {What: "from another computer, through {via}"},
		LogSocket:    {What: "by socket {socket}"},

		RotateLogged: {What: "{server}  (the log saw the old key log in there as \"{user}\", last at {time})"},
		RevokeLogged: {What: "not in the book, so it is not taken off there: {server} (the log saw it log in there as \"{user}\", last at {time})"},

		StateMissed: {What: "uses that are not in {where}: {count} ({error})"},
	}
}
