package say

// Messages of commands over many servers.
const (
	BadParallel    ID = "bad-parallel"
	AskPlanMany    ID = "ask-plan-many"
	AskPasswordAll ID = "ask-password-all"
	HostEnded      ID = "host-ended"
	HostNotBegun   ID = "host-not-begun"
	BoardBegun     ID = "board-begun"
	BoardSum       ID = "board-sum"
	BoardSilent    ID = "board-silent"
	BoardGoesBack  ID = "board-goes-back"
	Silent         ID = "silent"
	SilentGoesBack ID = "silent-goes-back"
	ListUnread     ID = "list-unread"
	ListWrong      ID = "list-wrong"
	ListEmpty      ID = "list-empty"
	ListAliases    ID = "list-aliases"
	ListConfig     ID = "list-config"
	ListRuns       ID = "list-runs"
	ListNote       ID = "list-note"
)

const noConnection = "no connection was made"

func fleetTable() map[ID]Message {
	return map[ID]Message{
		BadParallel:    {What: "--parallel is 1 to {max}, not {value}", Next: "{command} --help"},
		AskPlanMany:    {What: "go on with {host}? (y/N, or all: with this and all that follow)"},
		AskPasswordAll: {What: "password of {account}, and of all the others:"},
		HostEnded:      {What: "{host}: {result} (exit {exit})"},
		HostNotBegun:   {What: "{host}: not begun"},
		BoardBegun:     {What: "connecting"},
		BoardSilent:    {What: "no answer"},
		BoardGoesBack:  {What: "no answer, back {time}"},
		Silent:         {What: "{host}: nothing has come from there for 10 s; sshd there is as it was"},
		SilentGoesBack: {What: "{host}: nothing has come from there for 10 s; unless it comes back, the server undoes by itself, at about {time}, what was not confirmed"},
		ListUnread:     {What: "the list of hosts cannot be read: {error}", StillTrue: noConnection, Next: "kagiban host add --help"},
		ListWrong:      {What: "{error}", StillTrue: noConnection, Next: "mend that line, or leave it out; then the same again"},
		ListEmpty:      {What: "there is no host in {file} (a Host line with wildcards is none)", StillTrue: noConnection, Next: "kagiban host add USER@HOST"},
		ListAliases:    {What: "an ssh configuration on stdin: ssh cannot be asked what its aliases stand for", StillTrue: noConnection, Next: "the same again with --from and its file"},
		ListConfig:     {What: "what the aliases in {file} stand for is written there, and with -F {config} ssh would not read it", StillTrue: noConnection, Next: "the same again without -F, or with one file for both   (Include {file} in it)"},
		ListRuns:       {What: "{where} has ssh run a program, which a list of hosts must not do unasked", StillTrue: noConnection + ", and nothing was run", Next: "read it; then, if you trust it: the same again with -F {file} besides"},
		ListNote:       {What: "{where}: {what}"},
		BoardSum:       {What: "{all} hosts: {done} done, {failed} failed, {busy} under way, {waiting} waiting"},
	}
}
